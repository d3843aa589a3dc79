// Plans that once failed, as short as they could be made.
import type { Action, Plan, Step } from "./plan.ts";

const PLAN: Plan = {
  config: {
    batchSize: 10,
    windowMs: 0,
    reportBatchItemFailures: true,
    filterPatterns: [],
    scaling: { kind: "onDemand" },
    retryAttemptsMax: 2,
    recordAgeMsMax: Number.POSITIVE_INFINITY,
    bisectBatchOnFunctionError: false,
  },
  destination: "kafka",
  partitions: 4,
  members: 1,
  steps: [],
};

const step = (afterMs: number, action: Action): Step => ({ ...action, afterMs });
const produce = (seed: number): Action => ({ do: "produce", count: 30, seed, rare: undefined });

export const REGRESSIONS: ReadonlyArray<{ readonly name: string; readonly plan: Plan }> = [
  {
    // kafkajs keeps a seek until the partition is fetched, were it another member's in between.
    name: "a partition that comes back is read from what is committed, not from where this member once was",
    plan: {
      ...PLAN,
      steps: [
        step(2_500, { do: "start" }),
        step(3_000, produce(1)),
        step(1_500, { do: "kill", which: 1 }),
        step(500, produce(2)),
      ],
    },
  },
  {
    // The answer waits in the socket for as long as the process is frozen, and says nothing about now.
    name: "a member that was frozen between a heartbeat and its answer begins nothing",
    plan: {
      ...PLAN,
      // Something is always about to be invoked.
      config: { ...PLAN.config, batchSize: 40, windowMs: 500 },
      members: 2,
      steps: [
        step(2_500, produce(3)),
        step(10, { do: "freeze", which: 0, ms: 4_500, moment: "heartbeat" }),
        ...Array.from({ length: 8 }, (_, i) => step(200, produce(4 + i))),
      ],
    },
  },
  {
    // A broker forgets a rebalance that is under way, and a member that is in the group as it was has no cause to join again.
    name: "a partition that was let go of finds another owner, though the broker ends before it is given away",
    plan: {
      ...PLAN,
      members: 2,
      steps: [
        step(2_500, { do: "start" }),
        step(1_300, { do: "killBroker", ms: 0 }),
        step(9_000, { do: "kill", which: 2 }),
        step(5_000, { do: "start" }),
        step(1_100, { do: "killBroker", ms: 0 }),
        step(500, produce(20)),
      ],
    },
  },
];
