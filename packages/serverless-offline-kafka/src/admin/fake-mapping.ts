// For tests: a mapping as the endpoint sees it, without Kafka.
import type { MappingConfig } from "../config/types.ts";
import type { PartitionOffset } from "../delivery/contract.ts";
import type { MappingStatus } from "../delivery/mapping.ts";
import { Metrics } from "../delivery/metrics.ts";
import type { AdminMapping } from "./view.ts";

export function configOf(over: Partial<MappingConfig> = {}): MappingConfig {
  return {
    logicalId: "AgentOrders",
    functionKey: "agent",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:shop-dev-agent",
    topic: "orders",
    groupId: "orders-agent",
    enabled: true,
    batchSize: 100,
    windowMs: 500,
    startingPosition: { kind: "TRIM_HORIZON" },
    reportBatchItemFailures: true,
    filterPatterns: [],
    scaling: { kind: "onDemand" },
    retryAttemptsMax: Number.POSITIVE_INFINITY,
    recordAgeMsMax: Number.POSITIVE_INFINITY,
    bisectBatchOnFunctionError: false,
    onFailure: undefined,
    schemaRegistry: undefined,
    access: [],
    tls: undefined,
    bootstrapServers: ["127.0.0.1:1"],
    envelope: { eventSource: "SelfManagedKafka", bootstrapServers: "127.0.0.1:1" },
    ...over,
  };
}

interface FakePartition {
  readonly first: number;
  readonly end: number;
  readonly committed: number | undefined;
  /** What this process knows of it; undefined for a partition that another member reads. */
  readonly own?: Partial<MappingStatus["partitions"][number]>;
}

export interface FakeMapping extends AdminMapping {
  readonly calls: unknown[];
  readonly mapping: NonNullable<AdminMapping["mapping"]>;
}

/** @param isAway Kafka does not answer */
export function fakeMapping(
  partitions: readonly FakePartition[],
  { config = configOf(), isAway = false }: { readonly config?: MappingConfig; readonly isAway?: boolean } = {},
): FakeMapping {
  const calls: unknown[] = [];
  const { topic } = config;
  const metrics = new Metrics();
  metrics.add("PolledEventCount", 7);
  let paused = false;
  const ask = async <Result>(read: (one: FakePartition, partition: number) => Result): Promise<Result[]> => {
    if (isAway) throw new Error("Kafka does not answer");
    return partitions.map(read);
  };
  return {
    calls,
    config,
    mapping: {
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
      },
      replay: async (positions) => {
        if (isAway) throw new Error("Kafka does not answer");
        calls.push(positions);
      },
      offsets: () => ask(({ committed, end }, partition) => ({ topic, partition, end, committed })),
      offsetsAt: (timestampMs) => {
        calls.push(timestampMs);
        return ask(
          ({ end, first }, partition): PartitionOffset => ({
            topic,
            partition,
            offset: timestampMs === 0 ? first : end - 1,
          }),
        );
      },
      status: () => ({
        paused,
        pollers: 2,
        invocations: 1,
        partitions: partitions.flatMap(({ own }, partition) =>
          own === undefined
            ? []
            : [{ partition, nextOffset: undefined, committedOffset: undefined, failingFrom: undefined, ...own }],
        ),
        metrics: metrics.read(),
      }),
    },
  };
}
