import type { Health, MappingAction, MappingList, MappingView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { post } from "../client.ts";
import { formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { Answer, Card, type Deed, DeedButton, Empty, Facts, Heading, State, Table } from "../ui.tsx";

export function Mappings({ readOnly }: ViewProps) {
  const live = useLive<MappingList>("/api/mappings", 2_000);
  return (
    <>
      <Heading title="Event source mappings" />
      <Answer live={live}>
        {({ mappings }) =>
          mappings.length === 0 ? (
            <Empty title="No mappings" />
          ) : (
            mappings.map((mapping) => (
              <Mapping key={mapping.name} mapping={mapping} readOnly={readOnly} changed={live.refresh} />
            ))
          )
        }
      </Answer>
    </>
  );
}

function healthOf(state: string): Health {
  if (/^(running|enabled)$/i.test(state)) return "ok";
  return /^(failing|paused|disabled)$/i.test(state) ? "fault" : "attention";
}

const deeds: Readonly<Record<MappingAction, (mapping: MappingView) => Omit<Deed, "run">>> = {
  pause: ({ functionName, group }) => ({
    label: "Pause",
    title: `Pause ${functionName}?`,
    description: `${functionName} gets no more records until it is resumed. They wait in Kafka, and the lag of ${group} grows.`,
    isDangerous: true,
  }),
  resume: ({ functionName, group }) => ({
    label: "Resume",
    title: `Resume ${functionName}?`,
    description: `It goes on from what ${group} has committed.`,
  }),
};

function Mapping({ mapping, readOnly, changed }: { mapping: MappingView; readOnly: boolean; changed: () => void }) {
  const { name, functionName, topic, group, state, lag, pollers, partitions, metrics, actions } = mapping;
  return (
    <Card id={name} label={functionName}>
      <header>
        <h2 class="text">{functionName}</h2>
        <State health={healthOf(state)}>{state}</State>
        {lag !== null && (
          <span>
            lag <strong>{formatWhole(lag)}</strong>
          </span>
        )}
        <span class="buttons">
          {actions.map((action) => (
            <DeedButton
              key={action}
              disabled={readOnly}
              done={changed}
              deed={{
                ...deeds[action](mapping),
                run: () => post(`/api/mappings/${encodeURIComponent(name)}/${action}`),
              }}
            />
          ))}
        </span>
      </header>
      <Facts
        facts={[
          ["topic", <a href={`/topics/${encodeURIComponent(topic)}`}>{topic}</a>],
          [
            "group",
            <>
              <a href={`/groups#${encodeURIComponent(group)}`}>{group}</a> (replay: set its offsets)
            </>,
          ],
          ["pollers", pollers ?? "–"],
        ]}
      />
      {metrics.length > 0 && (
        <details>
          <summary>Metrics</summary>
          <Facts facts={metrics.map((metric) => [metric.name, formatWhole(metric.value)] as const)} />
        </details>
      )}
      {partitions.length > 0 && (
        <details>
          <summary>
            {partitions.length} {partitions.length === 1 ? "partition" : "partitions"}
          </summary>
          <Table
            caption={`Partitions of ${functionName}`}
            columns={[
              ...["Partition", "Committed", "End", "Lag"].map((title) => ({ title, isNumber: true as const })),
              "Fails from",
            ]}
          >
            {partitions.map((each) => (
              <tr key={each.partition}>
                <td class="number">{each.partition}</td>
                <td class="number">{each.committed === null ? "–" : formatWhole(each.committed)}</td>
                <td class="number">{each.end === null ? "–" : formatWhole(each.end)}</td>
                <td class="number">{each.lag === null ? "–" : formatWhole(each.lag)}</td>
                <td>
                  {each.failingFrom !== null && (
                    <a
                      href={`/topics/${encodeURIComponent(topic)}?partition=${each.partition}&from=${each.failingFrom}`}
                    >
                      offset {formatWhole(each.failingFrom)}
                    </a>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </details>
      )}
    </Card>
  );
}
