// The invariants themselves: each one finds what it is there for, and excuses what nobody can prevent.
import { describe, expect, test } from "@jest/globals";
import { violationsOf } from "./invariants.ts";
import { type Delivery, type Invocation, type Outcome, silencesOf, type Trace } from "./trace.ts";

const OK: Outcome = { kind: "succeeded" };
const FAILED: Outcome = { kind: "failed" };

/** Partition 0 has offsets 0 to 5, of which 3 does not pass the filter. */
const LOG = [0, 1, 2, 3, 4, 5].map((offset) => ({ offset, timestampMs: 0, id: 100 + offset, wanted: offset !== 3 }));

function invocation(startMs: number, endMs: number, offsets: readonly number[], more: Partial<Invocation> = {}) {
  const records = new Map([[0, offsets.map((offset) => ({ offset, id: 100 + offset }))]]);
  return { member: "a", startMs, endMs, outcome: OK, records, ...more };
}

const commit = (atMs: number, offset: number) => ({ atMs, partition: 0, offset });

function delivery(atMs: number, firstOffset: number, lastOffset: number, more: Partial<Delivery> = {}): Delivery {
  return { atMs, partition: 0, firstOffset, lastOffset, condition: "RetryAttemptsExhausted", ...more };
}

function broken(trace: Partial<Trace>): string[] {
  const empty = { batchSize: 10, retryAttemptsMax: 0, recordAgeMsMax: 60_000, deliveries: [], disturbances: [] };
  const found = violationsOf({
    ...empty,
    logs: new Map([[0, LOG]]),
    joins: [],
    invocations: [],
    commits: [],
    ...trace,
  });
  return [...new Set(found.map(({ rule }) => rule))].sort();
}

const FIRST = invocation(10_000, 10_100, [0, 1, 2]);
const SECOND = invocation(10_200, 10_300, [4, 5]);
const COMMITS = [commit(10_110, 3), commit(10_310, 6)];
const FINE = { invocations: [FIRST, SECOND], commits: COMMITS };

describe("a run without fault", () => {
  test("has no violation", () => {
    expect(broken(FINE)).toEqual([]);
  });

  test("may fail, retry from the lowest failed record, and give up after the attempts there are", () => {
    const partial: Outcome = { kind: "partial", lowestFailed: { 0: 1 } };
    const invocations = [
      invocation(10_000, 10_100, [0, 1, 2], { outcome: partial }),
      invocation(10_200, 10_300, [1, 2], { outcome: FAILED }),
      invocation(10_320, 10_330, [4, 5]),
    ];
    const deliveries = [delivery(10_310, 1, 2)];
    const commits = [commit(10_110, 1), commit(10_315, 3), commit(10_340, 6)];
    expect(broken({ retryAttemptsMax: 1, invocations, deliveries, commits })).toEqual([]);
  });
});

describe("a fault is found", () => {
  test("records out of order, left out, of another value, or too many", () => {
    expect(broken({ ...FINE, invocations: [invocation(10_000, 10_100, [1, 0, 2]), SECOND] })).toContain("in order");
    expect(broken({ ...FINE, invocations: [invocation(10_000, 10_100, [0, 2]), SECOND] })).toContain("in order");
    expect(broken({ ...FINE, invocations: [FIRST, invocation(10_200, 10_300, [3, 4, 5])] })).toContain("in order");
    const records = new Map([[0, [{ offset: 0, id: 7 }]]]);
    expect(broken({ ...FINE, invocations: [{ ...FIRST, records }, SECOND] })).toContain("in order");
    expect(broken({ ...FINE, batchSize: 2 })).toEqual(["batch"]);
  });

  test("a batch that begins behind one that is not done", () => {
    expect(broken({ ...FINE, invocations: [{ ...FIRST, outcome: FAILED }, SECOND] })).toEqual([
      "everything is done",
      "nothing committed early",
      "nothing skipped",
    ]);
  });

  test("a repetition that nothing excuses", () => {
    const again = invocation(10_105, 10_108, [0, 1, 2], { member: "b" });
    expect(broken({ ...FINE, invocations: [FIRST, again, SECOND] })).toEqual(["nothing repeated without a reason"]);
    expect(broken({ ...FINE, deliveries: [delivery(10_400, 1, 1)], retryAttemptsMax: -1 })).toEqual([
      "nothing repeated without a reason",
    ]);
    const killed = { kind: "killed", member: "a", fromMs: 10_103, toMs: 10_103 } as const;
    const excused = { ...FINE, invocations: [FIRST, again, SECOND], disturbances: [killed] };
    expect(broken(excused)).toEqual([]);
    expect(broken({ ...excused, disturbances: [{ ...killed, member: "b" }] })).not.toEqual([]);
    expect(broken({ ...excused, disturbances: [{ ...killed, fromMs: 4_000, toMs: 4_000 }] })).not.toEqual([]);
  });

  test("a repetition of what is committed, which nothing excuses", () => {
    const again = invocation(10_150, 10_160, [0, 1, 2], { member: "b" });
    const disturbances = [{ kind: "broker", fromMs: 0, toMs: 20_000 } as const];
    expect(broken({ ...FINE, invocations: [FIRST, again, SECOND], disturbances })).toEqual([
      "nothing delivered that is committed",
    ]);
  });

  test("a repetition after an outage of the destination, of what the destination has, is none", () => {
    const failed = { ...FIRST, outcome: FAILED };
    const again = invocation(10_180, 10_190, [0, 1, 2], { member: "b" });
    const run = {
      invocations: [failed, again, SECOND],
      deliveries: [delivery(10_150, 0, 2)],
      commits: [commit(10_195, 3), commit(10_310, 6)],
    };
    expect(broken(run)).toEqual(["nothing repeated without a reason"]);
    expect(broken({ ...run, disturbances: [{ kind: "destination", fromMs: 0, toMs: 10_160 }] })).toEqual([]);
  });

  test("two invocations at once: of two members unless one was silent, of one member always", () => {
    const long = invocation(10_000, 10_250, [0, 1, 2]);
    const run = (member: string) => ({
      invocations: [long, invocation(10_010, 10_100, [0, 1, 2], { member }), invocation(10_300, 10_400, [4, 5])],
      commits: [commit(10_110, 3), commit(10_410, 6)],
    });
    const disturbances = [{ kind: "stalled", member: "a", fromMs: 9_000, toMs: 10_005 } as const];
    expect(broken(run("b"))).toEqual(["one invocation of a partition at a time"]);
    expect(broken({ ...run("b"), disturbances })).toEqual([]);
    expect(broken({ ...run("a"), disturbances })).toEqual(["one invocation of a partition at a time"]);
  });

  test("a member whose handler blocks it is silent, though it is killed before it can say so", () => {
    const lines = [
      ["a", { atMs: 9_000, kind: "block", untilMs: 13_500 }],
      ["a", { atMs: 8_000, kind: "stall", fromMs: 7_900 }],
      ["b", { atMs: 20_000, kind: "stall", fromMs: 15_000 }],
      ["b", { atMs: 20_000, kind: "note", text: "stopping" }],
    ] as const;
    expect(silencesOf(lines, 1_500)).toEqual([
      { kind: "stalled", member: "a", fromMs: 9_000, toMs: 13_500 },
      { kind: "stalled", member: "b", fromMs: 15_000, toMs: 20_000 },
    ]);
  });

  test("an invocation that a member begins after another was given the partition, which nothing excuses", () => {
    const join = (atMs: number, member: string) => ({ atMs, member, partitions: [0] });
    const disturbances = [{ kind: "stalled", member: "a", fromMs: 0, toMs: 20_000 } as const];
    const run = { ...FINE, disturbances };
    expect(broken({ ...run, joins: [join(9_000, "b"), join(9_900, "a"), join(10_250, "b")] })).toEqual([]);
    expect(broken({ ...run, joins: [join(9_900, "a"), join(10_150, "b")] })).toEqual(["begun by the owner only"]);
  });

  test("a commit that is early, goes back, or is missing", () => {
    expect(broken({ ...FINE, commits: [commit(10_050, 3), commit(10_310, 6)] })).toEqual(["nothing committed early"]);
    expect(broken({ ...FINE, commits: [...COMMITS, commit(10_400, 3)] })).toEqual([
      "commits never go back",
      "everything is committed",
    ]);
    expect(broken({ ...FINE, commits: COMMITS.slice(0, 1) })).toEqual(["everything is committed"]);
    expect(broken({ ...FINE, commits: [...COMMITS, commit(10_400, 7)] })).toContain("nothing committed early");
  });

  test("records given up before their attempts are used up, or before they are too old", () => {
    const failed = { ...FIRST, outcome: FAILED };
    const run = {
      invocations: [failed, SECOND],
      deliveries: [delivery(10_110, 0, 2)],
      commits: [commit(10_120, 3), commit(10_310, 6)],
    };
    expect(broken(run)).toEqual([]);
    expect(broken({ ...run, retryAttemptsMax: 1 })).toEqual(["nothing given up early"]);
    const condition = "RecordAgeExceeded";
    const aged = { invocations: [SECOND], deliveries: [delivery(10_110, 0, 2, { condition })], commits: run.commits };
    expect(broken({ ...aged, recordAgeMsMax: 10_000 })).toEqual([]);
    expect(broken({ ...aged, recordAgeMsMax: 11_000 })).toEqual(["nothing given up early"]);
  });

  test("a record that is nowhere in the end", () => {
    expect(broken({ ...FINE, invocations: [FIRST] })).toEqual(["everything is done", "nothing committed early"]);
  });
});
