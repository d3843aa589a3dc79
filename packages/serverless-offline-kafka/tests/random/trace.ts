// What a run leaves behind, and what the invariants are checked on.

/** A record of the source topic, as the broker has it at the end. */
export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly id: number;
  /** It passes the filter. */
  readonly wanted: boolean;
}

export type Outcome =
  | { readonly kind: "succeeded" | "failed" | "throttled" }
  /** By partition the lowest failed offset; what is before it, and partitions that are not named, have succeeded. */
  | { readonly kind: "partial"; readonly lowestFailed: Readonly<Record<number, number>> };

/** What a member writes, one line of JSON each, before it answers. */
export type MemberLine = { readonly atMs: number } & (
  | {
      readonly kind: "start";
      readonly invocation: number;
      /** By partition: offset and id of each record. */
      readonly records: Readonly<Record<number, ReadonlyArray<readonly [offset: number, id: number]>>>;
    }
  | { readonly kind: "end"; readonly invocation: number; readonly outcome: Outcome }
  /** The group has given these to this member, and no others. */
  | { readonly kind: "join"; readonly partitions: readonly number[] }
  /** Nothing ran in this process since `fromMs`: it was frozen, blocked by its handler, or starved. */
  | { readonly kind: "stall"; readonly fromMs: number }
  /** Its handler lets nothing run until then: who is killed meanwhile has no time to say that nothing ran. */
  | { readonly kind: "block"; readonly untilMs: number }
  | { readonly kind: "note"; readonly text: string }
);

export interface Invocation {
  readonly member: string;
  readonly startMs: number;
  /** When it ended, or its process did. */
  readonly endMs: number;
  /** undefined: its process ended first. */
  readonly outcome: Outcome | undefined;
  readonly records: ReadonlyMap<number, ReadonlyArray<{ readonly offset: number; readonly id: number }>>;
}

/** What the group has given to a member. */
export interface Join {
  readonly member: string;
  readonly atMs: number;
  readonly partitions: readonly number[];
}

/** Offsets that the broker stored for the group. */
export interface Commit {
  readonly atMs: number;
  readonly partition: number;
  readonly offset: number;
}

/** Records of one partition that the destination has. */
export interface Delivery {
  /** When the destination had them. */
  readonly atMs: number;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly condition: string;
}

/** What excuses a repetition: something was taken from its owner without the owner's doing. */
export interface Disturbance {
  readonly kind: "killed" | "crashed" | "stalled" | "broker" | "destination";
  readonly fromMs: number;
  readonly toMs: number;
  /** undefined: all of them. */
  readonly member?: string;
}

export interface Trace {
  readonly batchSize: number;
  readonly retryAttemptsMax: number;
  readonly recordAgeMsMax: number;
  readonly logs: ReadonlyMap<number, readonly LogRecord[]>;
  readonly joins: readonly Join[];
  readonly invocations: readonly Invocation[];
  /** In the order in which the broker stored them. */
  readonly commits: readonly Commit[];
  readonly deliveries: readonly Delivery[];
  readonly disturbances: readonly Disturbance[];
}

/** When members were silent for at least so long, by what they wrote themselves. */
export function silencesOf(lines: ReadonlyArray<readonly [member: string, MemberLine]>, msMin: number): Disturbance[] {
  return lines.flatMap(([member, line]) => {
    if (line.kind !== "stall" && line.kind !== "block") return [];
    const [fromMs, toMs] = line.kind === "stall" ? [line.fromMs, line.atMs] : [line.atMs, line.untilMs];
    return toMs - fromMs >= msMin ? [{ kind: "stalled", member, fromMs, toMs }] : [];
  });
}
