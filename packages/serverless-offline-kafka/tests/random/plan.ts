import fc from "fast-check";
import type { MappingConfig } from "../../src/config/types.ts";

/** A silent member is out of the group after this long: short, for a test waits for it after every kill. */
export const SESSION_TIMEOUT_MS = 3_000;
/** Longer than a session, with what it takes to notice. */
const LONG_MS = SESSION_TIMEOUT_MS + 1_500;
/** Shorter than a session less a heartbeat: nobody may notice. */
const SHORT_MS = 800;
const MEMBERS_MAX = 3;

/** What a handler makes of a record, by itself. A batch fares as its worst record does. */
export type Behaviour =
  | "ok"
  | "slow"
  /** The first time. */
  | "throttle"
  | "throw"
  | "malformed"
  | "partial"
  /** Every time, unless the mapping tries for ever. */
  | "poison"
  | "partialPoison"
  /** The first time in any process: ends the process, or keeps it busy for longer than a session. */
  | "exit"
  | "block";

export interface RecordValue {
  readonly id: number;
  readonly wanted: boolean;
  readonly behaviour: Behaviour;
}

export type DestinationState = "up" | "refuses" | "lossy";

export type FreezeMoment = "any" | "heartbeat";

export type Action =
  /** @param rare what one of these records does, besides what chance gives the others */
  | {
      readonly do: "produce";
      readonly count: number;
      readonly seed: number;
      readonly rare: "exit" | "block" | undefined;
    }
  | { readonly do: "start" }
  /** @param which of the members that are alive, modulo their number */
  | { readonly do: "stop"; readonly which: number }
  | { readonly do: "kill"; readonly which: number }
  /** @param moment any, or the one in which the worst can happen: the group's answer to a heartbeat is on its way */
  | { readonly do: "freeze"; readonly which: number; readonly ms: number; readonly moment: FreezeMoment }
  | { readonly do: "killBroker"; readonly ms: number }
  | { readonly do: "freezeBroker"; readonly ms: number }
  | { readonly do: "destination"; readonly state: DestinationState };

export type Step = Action & { readonly afterMs: number };

/** What of a mapping's configuration a plan chooses. */
export type PlanConfig = Pick<
  MappingConfig,
  | "batchSize"
  | "windowMs"
  | "reportBatchItemFailures"
  | "filterPatterns"
  | "scaling"
  | "retryAttemptsMax"
  | "recordAgeMsMax"
  | "bisectBatchOnFunctionError"
>;

export interface Plan {
  readonly config: PlanConfig;
  readonly destination: "kafka" | "sqs";
  readonly partitions: number;
  readonly members: number;
  readonly steps: readonly Step[];
}

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("produce" as const),
      count: fc.integer({ min: 1, max: 60 }),
      seed: fc.nat(),
      rare: fc.oneof(
        { weight: 6, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom("exit" as const, "block" as const) },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Action>({ do: "start" }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stop" as const), which: fc.nat({ max: MEMBERS_MAX - 1 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("kill" as const), which: fc.nat({ max: MEMBERS_MAX - 1 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("freeze" as const),
      which: fc.nat({ max: MEMBERS_MAX - 1 }),
      ms: fc.constantFrom(SHORT_MS, LONG_MS),
      moment: fc.constantFrom<FreezeMoment>("any", "heartbeat"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("killBroker" as const), ms: fc.constantFrom(0, 2_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("freezeBroker" as const), ms: fc.constantFrom(SHORT_MS, LONG_MS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("destination" as const),
      state: fc.constantFrom<DestinationState>("up", "refuses", "lossy"),
    }),
  },
);

const step: fc.Arbitrary<Step> = fc
  .tuple(action, fc.integer({ min: 50, max: 1_800 }))
  .map(([one, afterMs]) => ({ ...one, afterMs }));

const config: fc.Arbitrary<PlanConfig> = fc.record({
  batchSize: fc.constantFrom(1, 3, 10, 40),
  windowMs: fc.constantFrom(0, 100, 500),
  reportBatchItemFailures: fc.boolean(),
  filterPatterns: fc.constantFrom([], [{ value: { wanted: [true] } }]),
  scaling: fc.constantFrom<PlanConfig["scaling"]>(
    { kind: "onDemand" },
    { kind: "provisioned", pollersMin: 1, pollersMax: 2 },
    { kind: "provisioned", pollersMin: 3, pollersMax: 200 },
  ),
  retryAttemptsMax: fc.constantFrom(0, 1, 2, Number.POSITIVE_INFINITY),
  // Shorter than AWS allows, for nobody waits a minute here.
  recordAgeMsMax: fc.oneof(
    { weight: 4, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    { weight: 1, arbitrary: fc.constant(6_000) },
  ),
  bisectBatchOnFunctionError: fc.boolean(),
});

export const plans: fc.Arbitrary<Plan> = fc.record({
  config,
  destination: fc.constantFrom("kafka" as const, "sqs" as const),
  partitions: fc.integer({ min: 3, max: 6 }),
  members: fc.integer({ min: 1, max: MEMBERS_MAX }),
  steps: fc.array(step, { minLength: 6, maxLength: 14, size: "max" }),
});

/** One line a step. */
export function describePlan({ steps, ...rest }: Plan): string {
  const { config: chosen, ...others } = rest;
  const text = (value: unknown) =>
    JSON.stringify(value, (_key, part: unknown) => (part === Number.POSITIVE_INFINITY ? "Infinity" : part));
  return [text(others), text(chosen), ...steps.map(text)].join("\n");
}

/** How often each behaviour is, of 100 records; the rest is ok. */
const PERCENT: ReadonlyArray<readonly [Behaviour, number]> = [
  ["slow", 3],
  ["throttle", 1],
  ["throw", 3],
  ["malformed", 1],
  ["partial", 3],
  ["poison", 2],
  ["partialPoison", 1],
];
const UNWANTED_SHARE = 0.2;

/** The records of a produce action, the same for the same action. */
export function recordsOf(
  { count, rare, seed }: Extract<Action, { do: "produce" }>,
  partitions: number,
  firstId: number,
): ReadonlyArray<{ readonly partition: number; readonly value: RecordValue }> {
  const random = randomOf(seed);
  const rareAt = rare === undefined ? -1 : Math.floor(random() * count);
  return Array.from({ length: count }, (_, i) => ({
    partition: Math.floor(random() * partitions),
    value: {
      id: firstId + i,
      wanted: random() >= UNWANTED_SHARE || i === rareAt,
      behaviour: i === rareAt && rare !== undefined ? rare : behaviourAt(random() * 100),
    },
  }));
}

function behaviourAt(percent: number): Behaviour {
  let left = percent;
  for (const [behaviour, share] of PERCENT) {
    left -= share;
    if (left < 0) return behaviour;
  }
  return "ok";
}

/** mulberry32: enough for dice, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
