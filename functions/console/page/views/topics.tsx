import type { TopicList } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { formatBytes, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { addressOf, navigate } from "../router.ts";
import { Answer, Empty, Heading, Table } from "../ui.tsx";

const columns = [
  "Topic",
  ...["Partitions", "Records", "Records a minute", "Size"].map((title) => ({ title, isNumber: true as const })),
];

export function Topics({ address }: ViewProps) {
  const live = useLive<TopicList>("/api/topics", 3_000);
  const showsInternal = address.query.get("internal") === "1";
  return (
    <>
      <Heading title="Topics">
        <label class="choice">
          <input
            type="checkbox"
            checked={showsInternal}
            onChange={() => navigate(addressOf("/topics", { internal: showsInternal ? "" : "1" }), { replace: true })}
          />
          Kafka's and Connect's own
        </label>
      </Heading>
      <Answer live={live}>
        {({ topics }) => {
          const shown = topics.filter(({ internal }) => showsInternal || !internal);
          if (shown.length === 0) return <Empty title="No topics" />;
          return (
            <Table caption="Topics" columns={columns}>
              {shown.map(({ name, partitions, records, perMinute, bytes }) => (
                <tr key={name}>
                  <td>
                    <a href={`/topics/${encodeURIComponent(name)}`}>{name}</a>
                  </td>
                  <td class="number">{partitions}</td>
                  <td class="number">{formatWhole(records)}</td>
                  <td class="number">{formatWhole(perMinute)}</td>
                  <td class="number">{bytes === null ? "–" : formatBytes(bytes)}</td>
                </tr>
              ))}
            </Table>
          );
        }}
      </Answer>
    </>
  );
}
