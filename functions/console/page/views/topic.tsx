import { useState } from "preact/hooks";
import type { MessagePage, MessageView, TopicView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { formatBytes, formatMoment, formatValue, formatWhole, inputOfUtc, utcOfInput } from "../format.ts";
import { type Live, useLive } from "../live.ts";
import { MoreButton, useMore } from "../more.tsx";
import { type Paging, pagingOf } from "../paging.ts";
import { addressOf, navigate } from "../router.ts";
import { Answer, Empty, Facts, Heading, Table } from "../ui.tsx";

export function Topic({ name, address }: ViewProps & { name: string }) {
  const live = useLive<TopicView>(`/api/topics/${encodeURIComponent(name)}`, 5_000);
  return (
    <>
      <Heading title={name} />
      <Answer live={live} lines={8}>
        {(topic) => (
          <>
            <Facts
              facts={[
                ["partitions", topic.partitions],
                ["records", formatWhole(topic.records)],
                ["records a minute", formatWhole(topic.perMinute)],
                ["size", topic.bytes === null ? "–" : formatBytes(topic.bytes)],
                [
                  "groups",
                  topic.groups.length === 0
                    ? "none"
                    : topic.groups.map((group) => <GroupLink key={group} group={group} />),
                ],
              ]}
            />
            <details>
              <summary>Partitions</summary>
              <Table
                caption="Partitions"
                columns={[
                  ...["Partition", "Start", "End", "Records", "Size", "Leader"].map((title) => ({
                    title,
                    isNumber: true as const,
                  })),
                  "In sync",
                ]}
              >
                {topic.partitionList.map(({ partition, start, end, bytes, leader, replicas, inSync }) => (
                  <tr key={partition}>
                    <td class="number">
                      <a href={`/topics/${encodeURIComponent(name)}?partition=${partition}&from=end`}>{partition}</a>
                    </td>
                    <td class="number">{formatWhole(start)}</td>
                    <td class="number">{formatWhole(end)}</td>
                    <td class="number">{formatWhole(end - start)}</td>
                    <td class="number">{bytes === null ? "–" : formatBytes(bytes)}</td>
                    <td class="number">{leader}</td>
                    <td>
                      {inSync.length} of {replicas.length}
                    </td>
                  </tr>
                ))}
              </Table>
            </details>
            <details>
              <summary>Configuration</summary>
              <Table caption="Configuration" columns={["Name", "Value", "Set by"]}>
                {topic.config.map((entry) => (
                  <tr key={entry.name}>
                    <td class="mono">{entry.name}</td>
                    <td class="mono text">{entry.value}</td>
                    <td>{entry.isDefault ? "default" : "the topic"}</td>
                  </tr>
                ))}
              </Table>
            </details>
            <Messages name={name} query={address.query} partitions={topic.partitions} />
          </>
        )}
      </Answer>
    </>
  );
}

function GroupLink({ group }: { group: string }) {
  return (
    <>
      <a href={`/groups#${encodeURIComponent(group)}`}>{group}</a>{" "}
    </>
  );
}

const isMoment = (from: string) => /^\d{4}-/.test(from);

/** They are shown again when that is asked for, from wherever they begin: what was loaded before is not continued. */
const pagingByPlace = pagingOf(
  (page: MessagePage) => page.messages,
  ({ partition, offset }) => `${partition}-${offset}`,
  (page, messages) => ({ ...page, messages }),
);
const paging: Paging<MessagePage> = {
  renew: () => undefined,
  join: (newer, older) => ({ ...pagingByPlace.join(newer, older), searched: newer.searched + older.searched }),
};

function Messages({ name, query, partitions }: { name: string; query: URLSearchParams; partitions: number }) {
  const asked = {
    partition: query.get("partition") ?? "",
    from: query.get("from") ?? "end",
    text: query.get("text") ?? "",
  };
  const isRaw = query.get("raw") === "1";
  const addressOfPage = (next?: string) =>
    addressOf(`/api/topics/${encodeURIComponent(name)}/messages`, { ...asked, next });
  const path = addressOfPage();
  const live = useLive<MessagePage>(path, undefined);
  const here = (change: Readonly<Record<string, string>>) =>
    addressOf(`/topics/${encodeURIComponent(name)}`, { ...asked, raw: isRaw ? "1" : "", ...change });
  return (
    <section aria-label="Messages">
      <h2>Messages</h2>
      <MessageForm key={path} asked={asked} partitions={partitions} address={here} refresh={live.refresh} />
      <p>
        <label class="choice">
          <input
            type="checkbox"
            checked={isRaw}
            onChange={() => navigate(here({ raw: isRaw ? "" : "1" }), { replace: true })}
          />
          As they are, not as change events
        </label>
      </p>
      <MessageList key={`list of ${path}`} live={live} addressOfNext={addressOfPage} text={asked.text} isRaw={isRaw} />
    </section>
  );
}

interface MessageListProps {
  readonly live: Live<MessagePage>;
  readonly addressOfNext: (next: string) => string;
  /** What is looked for; empty: nothing. */
  readonly text: string;
  readonly isRaw: boolean;
}

function MessageList({ live, addressOfNext, text, isRaw }: MessageListProps) {
  const more = useMore(live.data, addressOfNext, paging);
  return (
    <Answer live={{ ...live, data: more.page }} lines={10}>
      {({ messages, searched }) => (
        <>
          {messages.length === 0 ? (
            <Empty title="No messages">
              {text !== "" && <p>None of the {formatWhole(searched)} looked at has this text.</p>}
            </Empty>
          ) : (
            <ol class="messages">
              {messages.map((message) => (
                <Message key={`${message.partition}-${message.offset}`} message={message} isRaw={isRaw} />
              ))}
            </ol>
          )}
          <MoreButton more={more} label={text === "" ? "More messages" : "Look further"} />
        </>
      )}
    </Answer>
  );
}

interface MessageFormProps {
  readonly asked: { readonly partition: string; readonly from: string; readonly text: string };
  readonly partitions: number;
  readonly address: (change: Readonly<Record<string, string>>) => string;
  readonly refresh: () => void;
}

function MessageForm({ asked, partitions, address, refresh }: MessageFormProps) {
  const kindOf = (from: string) => (from === "start" || from === "end" ? from : isMoment(from) ? "time" : "offset");
  const [kind, setKind] = useState(kindOf(asked.from));
  const apply = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = (field: string) => String(form.get(field) ?? "").trim();
    const from = kind === "time" ? utcOfInput(given("time")) : kind === "offset" ? given("offset") : kind;
    const target = address({ partition: given("partition"), from, text: given("text") });
    if (target === location.pathname + location.search) refresh();
    else navigate(target, { replace: true });
  };
  return (
    <form class="filter" onSubmit={apply} aria-label="Which messages">
      <label>
        Partition
        <select name="partition" required={kind === "offset"}>
          {kind !== "offset" && <option value="">all</option>}
          {Array.from({ length: partitions }, (_, partition) => (
            <option key={partition} value={String(partition)} selected={String(partition) === asked.partition}>
              {partition}
            </option>
          ))}
        </select>
      </label>
      <label>
        From
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
          <option value="end">the newest</option>
          <option value="start">the beginning</option>
          <option value="offset">an offset</option>
          <option value="time">a time</option>
        </select>
      </label>
      {kind === "offset" && (
        <label>
          Offset
          <input
            name="offset"
            inputMode="numeric"
            pattern="[0-9]+"
            required
            size={12}
            defaultValue={kindOf(asked.from) === "offset" ? asked.from : "0"}
          />
        </label>
      )}
      {kind === "time" && (
        <label>
          Time (UTC)
          <input
            name="time"
            type="datetime-local"
            step={1}
            required
            defaultValue={isMoment(asked.from) ? inputOfUtc(asked.from) : ""}
          />
        </label>
      )}
      <label>
        With the text
        <input name="text" type="search" size={18} defaultValue={asked.text} />
      </label>
      <button type="submit" class="primary">
        Show
      </button>
    </form>
  );
}

function Message({ message, isRaw }: { message: MessageView; isRaw: boolean }) {
  const { partition, offset, timestamp, key, value, isCut, bytes, headers, change } = message;
  const isChange = change !== null && !isRaw;
  return (
    <li>
      <details>
        <summary>
          <span class="number place">
            {partition}/{offset}
          </span>
          <time dateTime={timestamp}>{formatMoment(timestamp)}</time>
          {isChange && <span class={`op ${/^[a-z]$/.test(change.op) ? change.op : ""}`}>{change.op}</span>}
          <span class="line">
            {key !== null && <b>{key}</b>} {isChange ? change.summary : (value ?? "tombstone")}
          </span>
        </summary>
        <Facts
          facts={[
            ["size", formatBytes(bytes)],
            ["key", <code class="text">{key ?? "none"}</code>],
            ...headers.map((header) => [header.name, <code class="text">{header.value}</code>] as const),
            ...(isChange
              ? ([
                  ["table", change.table],
                  ["committed", `${formatMoment(change.committedAt)} UTC`],
                  ["LSN", change.lsn ?? "–"],
                  ["transaction", change.txId ?? "–"],
                ] as const)
              : []),
          ]}
        />
        {isChange ? (
          <Rows before={change.before} after={change.after} />
        ) : (
          <pre>{value === null ? "null: a tombstone" : formatValue(value)}</pre>
        )}
        {isCut && <p class="quiet">Cut: the whole of it has {formatBytes(bytes)}.</p>}
      </details>
    </li>
  );
}

function Rows({
  before,
  after,
}: {
  before: Readonly<Record<string, unknown>> | null;
  after: Readonly<Record<string, unknown>> | null;
}) {
  const names = [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])];
  const cell = (row: Readonly<Record<string, unknown>> | null, name: string) => {
    if (row === null || !Object.hasOwn(row, name)) return "";
    const value = row[name];
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  return (
    <Table caption="The row" columns={["Column", "Before", "After"]}>
      {names.map((name) => (
        <tr key={name}>
          <td class="mono text">{name}</td>
          <td class="mono text">{cell(before, name)}</td>
          <td class="mono text">{cell(after, name)}</td>
        </tr>
      ))}
    </Table>
  );
}
