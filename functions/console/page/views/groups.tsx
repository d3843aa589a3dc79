import { useState } from "preact/hooks";
import type { GroupList, GroupView, OffsetReset, OffsetResetResult } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { post } from "../client.ts";
import { formatWhole, utcOfInput } from "../format.ts";
import { useLive } from "../live.ts";
import { Answer, Card, Dialog, Empty, ErrorNote, Heading, State, Table, useDeed } from "../ui.tsx";

const columns = [
  "Topic",
  ...["Partition", "Committed", "End", "Lag"].map((title) => ({ title, isNumber: true as const })),
];

export function Groups({ readOnly }: ViewProps) {
  const live = useLive<GroupList>("/api/groups", 3_000);
  return (
    <>
      <Heading title="Consumer groups" />
      <Answer live={live}>
        {({ groups }) =>
          groups.length === 0 ? (
            <Empty title="No groups" />
          ) : (
            groups.map((group) => <Group key={group.group} group={group} readOnly={readOnly} changed={live.refresh} />)
          )
        }
      </Answer>
    </>
  );
}

function Group({ group, readOnly, changed }: { group: GroupView; readOnly: boolean; changed: () => void }) {
  const { members, state, lag, mapping, partitions } = group;
  return (
    <Card id={group.group} label={group.group}>
      <header>
        <h2 class="text">{group.group}</h2>
        <State health={state === "Stable" ? "ok" : state === "Empty" ? "attention" : "unknown"}>{state}</State>
        <span>
          lag <strong>{formatWhole(lag)}</strong>
        </span>
        <span class="quiet">
          {members.length} {members.length === 1 ? "member" : "members"}
          {mapping !== null && (
            <>
              , read by <a href={`/mappings#${encodeURIComponent(mapping)}`}>a mapping</a>
            </>
          )}
        </span>
        {partitions.length > 0 && <ResetButton group={group} disabled={readOnly} changed={changed} />}
      </header>
      <details>
        <summary>
          {partitions.length} {partitions.length === 1 ? "partition" : "partitions"}
        </summary>
        <Table caption={`Partitions of ${group.group}`} columns={columns}>
          {partitions.map(({ topic, partition, committed, end, lag: behind }) => (
            <tr key={`${topic}-${partition}`}>
              <td>
                <a href={`/topics/${encodeURIComponent(topic)}`}>{topic}</a>
              </td>
              <td class="number">{partition}</td>
              <td class="number">{committed === null ? "–" : formatWhole(committed)}</td>
              <td class="number">{formatWhole(end)}</td>
              <td class="number">{behind === null ? "–" : formatWhole(behind)}</td>
            </tr>
          ))}
        </Table>
        {members.length > 0 && (
          <Table caption={`Members of ${group.group}`} columns={["Member", "Host", "Partitions"]}>
            {members.map((member) => (
              <tr key={member.clientId + member.host + member.partitions.join()}>
                <td class="text">{member.clientId}</td>
                <td>{member.host}</td>
                <td>{member.partitions.join(", ") || "none"}</td>
              </tr>
            ))}
          </Table>
        )}
      </details>
    </Card>
  );
}

function ResetButton({ group, disabled, changed }: { group: GroupView; disabled: boolean; changed: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        disabled={disabled}
        onClick={() => setOpen(true)}
        aria-label={`Set offsets… of ${group.group}`}
      >
        Set offsets…
      </button>
      {isOpen && (
        <Dialog title={`Set the offsets of ${group.group}`} close={() => setOpen(false)}>
          <ResetForm group={group} close={() => setOpen(false)} changed={changed} />
        </Dialog>
      )}
    </>
  );
}

type Kind = "start" | "end" | "time" | "offset";

/** Two steps: where to, and then, with what it will mean in front of one's eyes, whether. */
function ResetForm({ group, close, changed }: { group: GroupView; close: () => void; changed: () => void }) {
  const topics = [...new Set(group.partitions.map(({ topic }) => topic))];
  const [topic, setTopic] = useState(topics[0] as string);
  const [partition, setPartition] = useState("");
  const [kind, setKind] = useState<Kind>("start");
  const [position, setPosition] = useState("");
  const [preview, setPreview] = useState<OffsetResetResult>();
  const change = <Value,>(set: (value: Value) => void) => {
    return (value: Value) => {
      set(value);
      setPreview(undefined);
    };
  };
  const requestOf = (isPreview: boolean): OffsetReset => ({
    topic,
    ...(partition === "" ? {} : { partitions: [Number(partition)] }),
    to: kind === "time" ? { time: utcOfInput(position) } : kind === "offset" ? { offset: Number(position) } : kind,
    preview: isPreview,
  });
  const path = `/api/groups/${encodeURIComponent(group.group)}/offsets`;
  const { error, isRunning, run } = useDeed(async () => {
    if (preview === undefined) {
      setPreview(await post<OffsetResetResult>(path, requestOf(true)));
      return;
    }
    await post<OffsetResetResult>(path, requestOf(false));
    close();
    changed();
  });
  const partitions = group.partitions.filter((each) => each.topic === topic);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <div class="filter">
        <label>
          Topic
          <select value={topic} onChange={(event) => change(setTopic)(event.currentTarget.value)}>
            {topics.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          Partition
          <select value={partition} onChange={(event) => change(setPartition)(event.currentTarget.value)}>
            <option value="">all</option>
            {partitions.map((each) => (
              <option key={each.partition} value={String(each.partition)}>
                {each.partition}
              </option>
            ))}
          </select>
        </label>
        <label>
          To
          <select
            value={kind}
            onChange={(event) => {
              change(setKind)(event.currentTarget.value as Kind);
              setPosition("");
            }}
          >
            <option value="start">the beginning</option>
            <option value="end">the end</option>
            <option value="time">a time</option>
            <option value="offset">an offset</option>
          </select>
        </label>
        {kind === "time" && (
          <label>
            Time (UTC)
            <input
              type="datetime-local"
              step={1}
              required
              value={position}
              onInput={(event) => change(setPosition)(event.currentTarget.value)}
            />
          </label>
        )}
        {kind === "offset" && (
          <label>
            Offset
            <input
              inputMode="numeric"
              pattern="[0-9]+"
              required
              size={12}
              value={position}
              onInput={(event) => change(setPosition)(event.currentTarget.value)}
            />
          </label>
        )}
      </div>
      {preview !== undefined && <Preview preview={preview} />}
      {error !== undefined && <ErrorNote error={error} />}
      <p class="buttons">
        <button type="button" onClick={close}>
          Cancel
        </button>
        {preview === undefined ? (
          <button type="submit" class="primary" disabled={isRunning}>
            What would happen?
          </button>
        ) : (
          <button type="submit" class="danger" disabled={isRunning || preview.obstacle !== null}>
            Set the offsets
          </button>
        )}
      </p>
    </form>
  );
}

function Preview({ preview: { partitions, consequences, obstacle } }: { preview: OffsetResetResult }) {
  return (
    <section aria-live="polite" class="preview">
      <Table
        caption="What would change"
        columns={["Partition", "From", "To", "Read again"].map((title) => ({ title, isNumber: true as const }))}
      >
        {partitions.map(({ partition, from, to, again }) => (
          <tr key={partition}>
            <td class="number">{partition}</td>
            <td class="number">{from === null ? "–" : formatWhole(from)}</td>
            <td class="number">{formatWhole(to)}</td>
            <td class="number">{formatWhole(again)}</td>
          </tr>
        ))}
      </Table>
      <ul>
        {consequences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {obstacle !== null && <p class="note fault">{obstacle}</p>}
    </section>
  );
}
