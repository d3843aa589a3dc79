import type { MappingConfig } from "../config/types.ts";
import { describePosition } from "../config/types.ts";
import type { Mapping, MappingStatus } from "../delivery/mapping.ts";
import type { MetricName } from "../delivery/metrics.ts";
import { withDeadline } from "../destinations/deadline.ts";

/** Kafka may be away: then what it knows is not shown, and the rest is. */
const OFFSETS_MS_MAX = 3_000;

/** A mapping of the service; one that is not enabled is not started. */
export interface AdminMapping {
  readonly config: MappingConfig;
  readonly mapping: Pick<Mapping, "status" | "pause" | "resume" | "replay" | "offsets" | "offsetsAt"> | undefined;
}

/**
 * `waiting`: no partition is read, for Kafka or the topic is not there or other members have all partitions. `failing`: a
 * batch waits for its retry.
 */
export type MappingState = "running" | "failing" | "paused" | "waiting" | "disabled";

/** Offsets are the next ones to read; null is not known. */
export interface PartitionView {
  readonly partition: number;
  /** Whether this process reads it. */
  readonly assigned: boolean;
  readonly end: number | null;
  readonly committed: number | null;
  readonly next: number | null;
  readonly lag: number | null;
  /** The first record of a batch that failed and is tried again. */
  readonly failingFrom: number | null;
}

/** A mapping in the JSON of `GET /mappings`. */
export interface MappingView {
  readonly logicalId: string;
  readonly functionKey: string;
  readonly functionArn: string;
  readonly topic: string;
  readonly groupId: string;
  readonly startingPosition: string;
  readonly filters: MappingConfig["filterPatterns"];
  readonly batchSize: number;
  readonly windowMs: number;
  readonly state: MappingState;
  readonly pollers: number;
  readonly invocations: number;
  readonly partitions: readonly PartitionView[];
  readonly maxOffsetLag: number | null;
  readonly sumOffsetLag: number | null;
  /** By AWS's names; counters are since the start. What is not known, or not for this mapping, is left out. */
  readonly metrics: { readonly [Name in MetricName | (typeof GAUGE_NAMES)[number]]?: number };
}

/** AWS's metrics that are no counters [monitoring-metrics-types]. ProvisionedPollers is of provisioned mode only. */
export const GAUGE_NAMES = ["MaxOffsetLag", "SumOffsetLag", "ProvisionedPollers"] as const;

type PartitionOffsets = Awaited<ReturnType<Mapping["offsets"]>>[number];

export async function viewMapping({ config, mapping }: AdminMapping): Promise<MappingView> {
  const { batchSize, functionArn, functionKey, groupId, logicalId, topic, windowMs } = config;
  const declared = {
    ...{ logicalId, functionKey, functionArn, topic, groupId },
    startingPosition: describePosition(config.startingPosition),
    filters: config.filterPatterns,
    ...{ batchSize, windowMs },
  };
  if (mapping === undefined) {
    const nothing = { pollers: 0, invocations: 0, partitions: [], maxOffsetLag: null, sumOffsetLag: null, metrics: {} };
    return { ...declared, state: "disabled", ...nothing };
  }
  const { offsets, firsts } = await readOffsets(mapping);
  const status = mapping.status();
  const partitions = viewPartitions(status, offsets, firsts);
  const lags = partitions.map(({ lag }) => lag).filter((lag) => lag !== null);
  const isKnown = partitions.length > 0 && lags.length === partitions.length;
  const maxOffsetLag = isKnown ? Math.max(...lags) : null;
  const sumOffsetLag = isKnown ? lags.reduce((sum, lag) => sum + lag, 0) : null;
  return {
    ...declared,
    state: stateOf(status),
    pollers: status.pollers,
    invocations: status.invocations,
    partitions,
    maxOffsetLag,
    sumOffsetLag,
    metrics: {
      ...status.metrics,
      ...(maxOffsetLag !== null && { MaxOffsetLag: maxOffsetLag }),
      ...(sumOffsetLag !== null && { SumOffsetLag: sumOffsetLag }),
      ...(config.scaling.kind === "provisioned" && { ProvisionedPollers: status.pollers }),
    },
  };
}

function stateOf({ partitions, paused }: MappingStatus): MappingState {
  if (paused) return "paused";
  if (partitions.length === 0) return "waiting";
  return partitions.some(({ failingFrom }) => failingFrom !== undefined) ? "failing" : "running";
}

async function readOffsets(mapping: NonNullable<AdminMapping["mapping"]>): Promise<{
  readonly offsets: readonly PartitionOffsets[];
  readonly firsts: ReadonlyMap<number, number>;
}> {
  const read = async () => {
    const offsets = await mapping.offsets();
    // What the group has no offset for begins at the first record: other starting positions are committed at once.
    const isNew = offsets.some(({ committed, end }) => committed === undefined && end > 0);
    const firsts = isNew ? await mapping.offsetsAt(0) : [];
    return { offsets, firsts: new Map(firsts.map(({ offset, partition }) => [partition, offset])) };
  };
  return withDeadline(OFFSETS_MS_MAX, read).catch(() => ({ offsets: [], firsts: new Map() }));
}

function viewPartitions(
  status: MappingStatus,
  offsets: readonly PartitionOffsets[],
  firsts: ReadonlyMap<number, number>,
): readonly PartitionView[] {
  const own = new Map(status.partitions.map((one) => [one.partition, one]));
  const inKafka = new Map(offsets.map((one) => [one.partition, one]));
  return [...new Set([...own.keys(), ...inKafka.keys()])]
    .sort((a, b) => a - b)
    .map((partition) => {
      const known = inKafka.get(partition);
      const held = own.get(partition);
      const committed = known?.committed ?? held?.committedOffset;
      const from = committed ?? firsts.get(partition) ?? 0;
      return {
        partition,
        assigned: held !== undefined,
        end: known?.end ?? null,
        committed: committed ?? null,
        next: held?.nextOffset ?? null,
        // Retention may have taken what was not delivered, and more.
        lag: known === undefined ? null : Math.max(0, known.end - from),
        failingFrom: held?.failingFrom ?? null,
      };
    });
}
