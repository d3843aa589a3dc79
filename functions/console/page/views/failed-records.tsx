import { useState } from "preact/hooks";
import type { FailedRecordPage, FailedRecordView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { post } from "../client.ts";
import { formatMoment, formatValue, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { MoreButton, useMore } from "../more.tsx";
import { pagingOf } from "../paging.ts";
import { addressOf } from "../router.ts";
import { Answer, DeedButton, Empty, Facts, Heading } from "../ui.tsx";

export function FailedRecords({ readOnly }: ViewProps) {
  const live = useLive<FailedRecordPage>("/api/failed-records", 5_000);
  const more = useMore(live.data, (before) => addressOf("/api/failed-records", { before }), paging);
  return (
    <>
      <Heading title="Failed records" />
      <p class="quiet">
        What an agent could not judge after its retries was put aside here, so that the others could go on.
      </p>
      <Answer live={{ ...live, data: more.page }}>
        {({ records }) => {
          if (records.length === 0) {
            return (
              <Empty title="None">
                <p>Every record so far was judged.</p>
              </Empty>
            );
          }
          return (
            <>
              {records.map((record) => (
                <FailedRecord key={placeOf(record)} failed={record} readOnly={readOnly} changed={live.refresh} />
              ))}
              <MoreButton more={more} label="Earlier ones" />
            </>
          );
        }}
      </Answer>
    </>
  );
}

const placesOf = ({ records }: FailedRecordView) =>
  [...new Set(records.map(({ topic, partition }) => `${topic}, partition ${partition},`))].join(" and ");

const placeOf = ({ partition, offset }: FailedRecordView) => `${partition}-${offset}`;

const paging = pagingOf(
  (page: FailedRecordPage) => page.records,
  placeOf,
  (page, records) => ({ ...page, records }),
);

interface FailedRecordProps {
  readonly failed: FailedRecordView;
  readonly readOnly: boolean;
  readonly changed: () => void;
}

function FailedRecord({ failed, readOnly, changed }: FailedRecordProps) {
  const { partition, offset, failedAt, functionName, condition, attempts, cause, records, redriven } = failed;
  // One that the live page has left behind is not asked for again.
  const [isDone, setDone] = useState(false);
  return (
    <section class="card" aria-label={`Failed record ${partition}/${offset}`}>
      <header>
        <h2>
          {functionName}, {formatMoment(failedAt)} UTC
        </h2>
        <span class="quiet">
          {condition} after {attempts} {attempts === 1 ? "attempt" : "attempts"}
        </span>
        <span class="buttons">
          {redriven === null && isDone && <span>redriven just now</span>}
          {redriven === null && !isDone && (
            <DeedButton
              disabled={readOnly}
              done={() => {
                setDone(true);
                changed();
              }}
              deed={{
                label: "Redrive",
                title: `Write it to ${placesOf(failed)} again?`,
                description:
                  "It gets a new offset at the end of its partition, so every group of the topic reads it, those that had judged it as well. Do it when what made it fail is mended; else it comes back here.",
                run: () => post(`/api/failed-records/${partition}/${offset}/redrive`),
                isDangerous: true,
              }}
            />
          )}
          {redriven !== null && (
            <span>
              redriven {formatMoment(redriven.at)} UTC by <span class="mono">{redriven.actor}</span>
            </span>
          )}
        </span>
      </header>
      <p class="text">
        {cause === null ? (
          "Nothing is wrong with it by itself: see the function's log of that time."
        ) : (
          <strong>{cause}</strong>
        )}
      </p>
      {records.map((record) => (
        <details key={`${record.partition}-${record.offset}`}>
          <summary>
            {record.topic}, partition {record.partition}, offset {formatWhole(record.offset)}
          </summary>
          <Facts
            facts={[
              ["written", `${formatMoment(record.timestamp)} UTC`],
              ["key", <code class="text">{record.key ?? "none"}</code>],
              [
                "in its topic",
                <a
                  href={`/topics/${encodeURIComponent(record.topic)}?partition=${record.partition}&from=${record.offset}`}
                >
                  look
                </a>,
              ],
            ]}
          />
          <pre>{record.value === null ? "null: a tombstone" : formatValue(record.value)}</pre>
          {record.isCut && <p class="quiet">Cut.</p>}
        </details>
      ))}
    </section>
  );
}
