import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { InvokeOutcome } from "./contract.ts";
import type { WorldOptions } from "./world.ts";
import { FAILED, NEVER, OK, settle, shape, THROTTLED, TOPIC, UNWANTED, World, worldWith } from "./world.ts";

const at = (offsets: Readonly<Record<string, number>>) => ({ failedFrom: new Map(Object.entries(offsets)) });

describe("batches", () => {
  test("wait for the window, mix partitions, and are committed after success only", async () => {
    const world = await worldWith({ 0: 2, 1: 1 }, { windowMs: 500 });
    await world.clock.advance(499);
    expect(world.invocation).toBeUndefined();
    await world.clock.advance(1);
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 1], "t-1": [0] });
    expect(world.commits).toEqual([]);

    await world.finish(OK);

    expect(world.commits).toEqual([
      { topic: "t", partition: 0, offset: 2 },
      { topic: "t", partition: 1, offset: 1 },
    ]);
  });

  test("need not wait for the commit of the one before, and share a commit that is late", async () => {
    const world = await worldWith({ 0: 6 }, { batchSize: 2 });
    world.commitsFail = true;
    await world.finish(OK);
    await world.finish(OK);
    expect(shape(world.invocation)).toEqual({ "t-0": [4, 5] });
    expect(world.lines).toEqual([expect.stringContaining("SOK_COMMIT_FAILED: t-0 2: no coordinator")]);
    world.commitsFail = false;
    await world.clock.advance(5_000);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 4 }]);
    expect(world.mapping.metrics.get("CommitErrorCount")).toBeGreaterThan(0);
  });

  test("leave out what is filtered, and commit it with them", async () => {
    const world = await worldWith({ 0: 2 });
    world.produce(0, 3, UNWANTED);
    world.fetch(0, 3);
    await world.finish(OK);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 5 }]);
    expect(world.mapping.metrics.read()).toMatchObject({
      PolledEventCount: 5,
      FilteredOutEventCount: 3,
      InvokedEventCount: 2,
      CommittedEventCount: 5,
    });
  });

  test("that are filtered wholly are committed without an invocation, but not past a batch that fails", async () => {
    const world = await worldWith({ 0: 0, 1: 1 });
    world.produce(0, 3, UNWANTED);
    world.fetch(0, 3);
    await world.clock.advance(0);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 3 }]);
    await world.finish(FAILED);
    world.produce(1, 3, UNWANTED);
    world.fetch(1, 3);
    await world.clock.advance(0);
    expect(world.commits).toHaveLength(1);
  });

  test("end where the buffer of a blocked partition is full, and go on when it is not", async () => {
    const world = await worldWith({ 0: 1 }, { batchSize: 10_000 });
    await world.finish(FAILED);
    for (let i = 0; i < 10; i += 1) {
      world.produce(0, 5_000);
      world.fetch(0, 5_000);
    }
    expect(world.paused.has(0)).toBe(true);
    expect(world.fetched.get(0)).toBe(20_001);
    await world.clock.advance(1_000);
    await world.finish(OK);
    await world.finish(OK);
    expect(world.paused.has(0)).toBe(false);
  });

  test("are read again from where a log that was cut or made anew begins", async () => {
    const world = await worldWith({ 0: 5 });
    await world.finish(OK);
    world.repeats = true;
    world.done.clear();
    world.fetched.set(0, 0);
    world.fetch(0, 3);
    expect(world.lines.at(-1)).toContain("t-0 went back from offset 5 to 0");
    expect(world.fetched.get(0)).toBe(0);
    world.fetch(0, 3);
    await settle();
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 1, 2] });
  });
});

describe("a failed batch", () => {
  test("is retried as it was, for ever, while other partitions go on", async () => {
    const world = await worldWith({ 0: 2 }, { batchSize: 2 });
    world.assign(1);
    await world.finish(FAILED);
    world.produce(0, 1);
    world.fetch(0, 1);
    world.produce(1, 1);
    world.fetch(1, 1);
    await settle();
    expect(shape(world.invocation)).toEqual({ "t-1": [0] });
    await world.finish(OK);
    for (let attempt = 2; attempt < 30; attempt += 1) {
      await world.clock.advance(30_000);
      expect(shape(world.invocation)).toEqual({ "t-0": [0, 1] });
      await world.finish(FAILED);
    }
    expect(world.commits).toEqual([{ topic: "t", partition: 1, offset: 1 }]);
    expect(world.lines.at(-1)).toMatch(/SOK_FUNCTION_FAILED: t-0 offsets 0-1: attempt 29 failed: boom; again in/);

    await world.clock.advance(30_000);
    await world.finish(OK);
    expect(shape(world.invocation)).toEqual({ "t-0": [2] });
  });

  test("in part: what is before the lowest failed record is committed, and retried is the rest", async () => {
    const world = await worldWith({ 0: 5, 1: 2 }, { windowMs: 500 });
    await world.clock.advance(500);
    await world.finish(at({ "t-0": 3 }));
    expect(world.commits).toEqual([
      { topic: "t", partition: 0, offset: 3 },
      { topic: "t", partition: 1, offset: 2 },
    ]);
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-0": [3, 4] });
  });

  test("is one with a malformed response, where failures are reported at all", async () => {
    const malformed: InvokeOutcome = { kind: "returned", response: { batchItemFailures: [{}] } };
    const strict = await worldWith({ 0: 1 });
    await strict.finish(malformed);
    expect(strict.commits).toEqual([]);
    expect(strict.lines.at(-1)).toContain("SOK_RESPONSE_MALFORMED");

    const plain = await worldWith({ 0: 1 }, { reportBatchItemFailures: false });
    plain.done.set(0, new Set([0]));
    await plain.finish(malformed);
    expect(plain.commits).toHaveLength(1);
  });

  test("goes to the destination when no attempt is left, then is committed", async () => {
    const world = await worldWith({ 0: 2 }, { retryAttemptsMax: 1, destination: true });
    world.produce(0, 1);
    world.fetch(0, 1);
    await world.finish(FAILED);
    expect(world.disposed).toEqual([]);
    await world.clock.advance(1_000);
    await world.finish(FAILED);
    expect(world.disposed).toHaveLength(1);
    expect(world.disposed[0]).toMatchObject({
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: 2,
      functionArn: "arn:aws:lambda:r:1:function:fn",
      response: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    });
    expect(shape(world.disposed[0]?.event)).toEqual({ "t-0": [0, 1] });
    await world.clock.advance(0);
    expect(world.commits).toContainEqual({ topic: "t", partition: 0, offset: 2 });
    expect(shape(world.invocation)).toEqual({ "t-0": [2] });
    expect(world.lines).toContainEqual("fn: t-0 offsets 0-1: RetryAttemptsExhausted, sent to arn:aws:sqs:r:1:dead");
  });

  test("blocks its partition, and no other, while the destination is down; nothing of it is committed", async () => {
    const world = await worldWith({ 0: 1 }, { retryAttemptsMax: 0, destination: true });
    world.destinationFails = true;
    await world.finish(FAILED);
    await world.clock.advance(60_000);
    expect(world.commits).toEqual([]);
    expect(world.lines.at(-1)).toMatch(/SOK_DESTINATION_FAILED: t-0 offsets 0-0: destination is down; nothing is/);
    world.assign(1);
    world.produce(1, 1);
    world.fetch(1, 1);
    await world.clock.advance(0);
    expect(shape(world.invocation)).toEqual({ "t-1": [0] });
    await world.finish(OK);

    world.destinationFails = false;
    await world.clock.advance(10_000);
    expect(world.disposed).toHaveLength(1);
    expect(world.commits).toContainEqual({ topic: "t", partition: 0, offset: 1 });
    expect(world.invoked).toHaveLength(2);
  });

  test("is dropped, loudly, where attempts are limited and there is no destination", async () => {
    const world = await worldWith({ 0: 2 }, { retryAttemptsMax: 0 });
    world.done.set(0, new Set([0, 1]));
    await world.finish(FAILED);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 2 }]);
    expect(world.lines.at(-1)).toContain("SOK_RECORDS_DROPPED: t-0 offsets 0-1: RetryAttemptsExhausted");
    expect(world.mapping.metrics.get("DroppedEventCount")).toBe(2);
  });

  test("counts its attempts anew once some of its records are done", async () => {
    const world = await worldWith({ 0: 3 }, { retryAttemptsMax: 1, destination: true });
    for (const offset of [1, 2]) {
      await world.finish(at({ "t-0": offset }));
      await world.clock.advance(1_000);
    }
    expect(shape(world.invocation)).toEqual({ "t-0": [2] });
    await world.finish(at({ "t-0": 2 }));
    await world.clock.advance(0);
    expect(world.disposed.map(({ event, response }) => [shape(event), response?.functionError])).toEqual([
      [{ "t-0": [2] }, undefined],
    ]);
  });
});

describe("bisecting", () => {
  test("finds the one bad record, without using up attempts, in order", async () => {
    const world = await worldWith(
      { 0: 8 },
      { bisectBatchOnFunctionError: true, retryAttemptsMax: 1, destination: true },
    );
    const seen: number[][] = [];
    while (world.committed.get(0) !== 8) {
      const offsets = shape(world.invocation)["t-0"];
      if (offsets !== undefined) seen.push(offsets);
      await world.finish(offsets?.includes(5) ? FAILED : OK);
      await world.clock.advance(1_000);
    }
    expect(seen).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [5], [6, 7]]);
    expect(world.disposed.map(({ event }) => shape(event))).toEqual([{ "t-0": [5] }]);
    expect(world.broken()).toEqual([]);
  });

  test("cuts between partitions first, whose halves do not wait for each other", async () => {
    const world = await worldWith({ 0: 2, 1: 2 }, { bisectBatchOnFunctionError: true, windowMs: 500 });
    await world.clock.advance(500);
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 1], "t-1": [0, 1] });
    await world.finish(FAILED);
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 1] });
    await world.finish(FAILED);
    expect(shape(world.invocation)).toEqual({ "t-1": [0, 1] });
    await world.finish(OK);
    expect(world.commits).toEqual([{ topic: "t", partition: 1, offset: 2 }]);
    expect(world.lines[0]).toContain("split into t-0 offsets 0-1 and t-1 offsets 0-1");
  });

  test("splits at the record that is reported, and halves only what makes no headway", async () => {
    const world = await worldWith(
      { 0: 6 },
      { bisectBatchOnFunctionError: true, retryAttemptsMax: 0, destination: true },
    );
    await world.finish(at({ "t-0": 2 }));
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-0": [2, 3, 4, 5] });
    await world.finish(at({ "t-0": 2 }));
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-0": [2, 3] });
  });
});

describe("what cannot be delivered", () => {
  const large = Buffer.alloc(5_000_000);

  test("a record that is too large is never invoked, keeps its partition there and says so", async () => {
    const world = await worldWith({ 0: 0, 1: 0 });
    world.produce(0, 1, large);
    world.fetch(0, 1);
    await world.clock.advance(60_000);
    expect(world.invoked).toEqual([]);
    expect(world.commits).toEqual([]);
    expect(world.lines[0]).toMatch(
      /SOK_RECORD_TOO_LARGE: t-0 offsets 0-0: attempt 1 failed: .*; without a destination/,
    );

    world.produce(1, 1);
    world.fetch(1, 1);
    await settle();
    expect(shape(world.invocation)).toEqual({ "t-1": [0] });
  });

  test("with a destination it goes there, and its neighbours are delivered", async () => {
    const world = await worldWith({ 0: 1 }, { destination: true });
    world.produce(0, 1, large);
    world.produce(0, 1);
    world.fetch(0, 2);
    await world.finish(OK);
    await world.clock.advance(0);
    await world.finish(OK);
    expect(world.disposed.map(({ condition, event, response }) => [condition, shape(event), response])).toEqual([
      ["MaximumPayloadSizeExceeded", { "t-0": [1] }, undefined],
    ]);
    expect(world.invoked.map(shape)).toEqual([{ "t-0": [0] }, { "t-0": [2] }]);
    expect(world.committed.get(0)).toBe(3);
  });

  test("records that are too old go to the destination before the rest of their batch is invoked", async () => {
    const world = await worldWith({ 0: 0 }, { recordAgeMsMax: 60_000, destination: true, windowMs: 500 });
    world.produce(0, 1);
    world.produce(0, 2, Buffer.from("old"), world.clock.now - 60_000);
    world.produce(0, 1);
    world.fetch(0, 4);
    await world.clock.advance(501);
    expect(world.disposed.map(({ condition, event }) => [condition, shape(event)])).toEqual([
      ["RecordAgeExceeded", { "t-0": [1, 2] }],
    ]);
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 3] });
    expect(world.commits).toEqual([]);
    await world.finish(OK);
    expect(world.committed.get(0)).toBe(4);
  });

  test("a batch that fails until it is too old is given up", async () => {
    const world = await worldWith({ 0: 1 }, { recordAgeMsMax: 60_000, destination: true });
    while (world.disposed.length === 0) {
      await world.finish(FAILED);
      await world.clock.advance(1_000);
    }
    expect(world.disposed[0]?.condition).toBe("RecordAgeExceeded");
    expect(world.clock.now - 1_000_000).toBeGreaterThan(60_000);
    await settle();
    expect(world.committed.get(0)).toBe(1);
  });
});

describe("event pollers", () => {
  test("take partitions from each other: two invocations at once, never of one partition", async () => {
    const world = new World({ scaling: { kind: "provisioned", pollersMin: 2, pollersMax: 2 }, batchSize: 2 });
    world.assign(0, 1, 2);
    for (const partition of [0, 1, 2]) {
      world.produce(partition, 4);
      world.fetch(partition, 4);
    }
    await settle();
    // Partitions 0 and 2 are the first poller's, 1 the second's.
    expect(world.invocations.map(shape)).toEqual([{ "t-0": [0, 1] }, { "t-2": [0, 1] }, { "t-1": [0, 1] }]);
    await world.finish(OK, 2);
    expect(world.invocations.map(shape)).toEqual([{ "t-0": [0, 1] }, { "t-2": [0, 1] }, { "t-1": [2, 3] }]);
    expect(world.broken()).toEqual([]);
  });

  test("make no more events than the machine has environments for, and each at least one", async () => {
    const scaling = { kind: "provisioned", pollersMin: 1, pollersMax: 1 } as const;
    const world = await worldWith({ 0: 2, 1: 2, 2: 2 }, { scaling, batchSize: 2, invocationsMax: 2 });
    expect(world.invocations.map(shape)).toEqual([{ "t-0": [0, 1] }, { "t-1": [0, 1] }]);
    await world.finish(OK);
    expect(world.invocations.map(shape)).toEqual([{ "t-1": [0, 1] }, { "t-2": [0, 1] }]);

    const two = { kind: "provisioned", pollersMin: 2, pollersMax: 2 } as const;
    const narrow = await worldWith({ 0: 2, 1: 2, 2: 2 }, { scaling: two, batchSize: 2, invocationsMax: 1 });
    expect(narrow.invocations.map(shape)).toEqual([{ "t-0": [0, 1] }, { "t-1": [0, 1] }]);
  });

  test("on demand: one makes one invocation at a time, and a lag brings more within a minute", async () => {
    const world = await worldWith({ 0: 4, 1: 4, 2: 4 }, { batchSize: 2 });
    expect(world.invocations).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(world.lines.at(-1)).toBe("fn: 2 event pollers in place of 1, at a lag of 12");
    expect(world.invocations).toHaveLength(2);
    await world.clock.advance(60_000);
    expect(world.invocations).toHaveLength(3);
    expect(world.mapping.status().pollers).toBe(3);
    while (world.invocation) await world.finish(OK);
    await world.clock.advance(180_000);
    expect(world.mapping.status().pollers).toBe(1);
  });

  test("become fewer when the function is throttled, which uses up no attempt", async () => {
    const world = await worldWith(
      { 0: 1, 1: 1 },
      {
        scaling: { kind: "provisioned", pollersMin: 1, pollersMax: 2 },
        retryAttemptsMax: 0,
        destination: true,
        batchSize: 1,
      },
    );
    await world.clock.advance(15_000);
    expect(world.mapping.status().pollers).toBe(2);
    while (world.invocation) await world.finish(THROTTLED);
    await world.clock.advance(15_000);
    expect(world.mapping.status().pollers).toBe(1);
    expect(world.disposed).toEqual([]);
    expect(world.lines.some((line) => line.includes("SOK_FUNCTION_THROTTLED"))).toBe(true);
    while (world.invocation) await world.finish(OK);
    expect(world.mapping.metrics.read()).toMatchObject({ InvokedEventCount: 2, FailedInvokeEventCount: 0 });
  });
});

describe("when the group is divided anew", () => {
  test("what stays goes on as if nothing had happened", async () => {
    const world = await worldWith({ 0: 10, 1: 4 }, { batchSize: 4 });
    world.revoke(1);
    await world.finish(OK);
    await world.finish(OK);
    await world.finish(OK);
    expect(world.committed.get(0)).toBe(10);
    expect(world.broken()).toEqual([]);
  });

  test("what leaves is let go of after its running batch is committed, not before", async () => {
    const world = await worldWith({ 0: 10 }, { batchSize: 4 });
    const leaving = world.revoke(0);
    await world.clock.advance(600_000);
    expect(leaving.released).toBe(false);
    world.commitsFail = true;
    await world.finish(OK);
    await world.clock.advance(5_000);
    expect(leaving.released).toBe(false);
    world.commitsFail = false;
    await world.clock.advance(5_000);
    expect(leaving.released).toBe(true);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 4 }]);
    expect(world.invoked).toHaveLength(1);
  });

  test("a batch that fails while its partition leaves is not retried here, and commits what it got done", async () => {
    const world = await worldWith({ 0: 10 }, { batchSize: 4 });
    const leaving = world.revoke(0);
    await world.finish(at({ "t-0": 2 }));
    await settle();
    expect(leaving.released).toBe(true);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 2 }]);
    await world.clock.advance(60_000);
    expect(world.invoked).toHaveLength(1);
  });

  test("a batch that waits for its retry leaves at once; its other partitions stay", async () => {
    const world = await worldWith({ 0: 2, 1: 2 }, { windowMs: 500 });
    await world.clock.advance(500);
    await world.finish(FAILED);
    const leaving = world.revoke(0);
    await settle();
    expect(leaving.released).toBe(true);
    expect(world.commits).toEqual([]);
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-1": [0, 1] });
  });

  test("what was lost is not committed, and comes again only after its old invocation has ended", async () => {
    const world = await worldWith({ 0: 4 });
    world.lose();
    world.assign(0);
    world.fetch(0, 4);
    await world.clock.advance(1_000);
    expect(world.invoked).toHaveLength(1);
    await world.finish(OK);
    expect(world.commits).toEqual([]);
    expect(world.invoked.map(shape)).toEqual([{ "t-0": [0, 1, 2, 3] }, { "t-0": [0, 1, 2, 3] }]);
    expect(world.broken()).toEqual([]);
  });

  test("a member that the group may have forgotten invokes nothing until it knows", async () => {
    const world = await worldWith({ 0: 0 });
    world.fenced = true;
    world.produce(0, 1);
    world.fetch(0, 1);
    await world.clock.advance(60_000);
    expect(world.invoked).toEqual([]);
    world.unfence();
    expect(world.invoked).toHaveLength(1);
  });

  test("a member that its own function has blocked for longer than a session invokes no other batch", async () => {
    const world = new World({ scaling: { kind: "provisioned", pollersMin: 2, pollersMax: 2 } });
    world.assign(0, 1);
    for (const partition of [0, 1]) {
      world.produce(partition, 1);
      world.fetch(partition, 1);
    }
    world.onInvoke = () => {
      world.fenced = true;
    };
    await settle();
    expect(world.invoked).toHaveLength(1);
    world.onInvoke = () => {};
    world.unfence();
    expect(world.invoked).toHaveLength(2);
    expect(world.broken()).toEqual([]);
  });
});

describe("an operator", () => {
  test("pauses and resumes a mapping", async () => {
    const world = await worldWith({ 0: 2 }, { batchSize: 1 });
    world.mapping.pause();
    await world.finish(OK);
    expect(world.committed.get(0)).toBe(1);
    expect(world.invocation).toBeUndefined();
    expect(world.mapping.status()).toMatchObject({ paused: true, partitions: [{ partition: 0, committedOffset: 1 }] });
    world.mapping.resume();
    expect(shape(world.invocation)).toEqual({ "t-0": [1] });
  });

  test("replays from an offset: what runs ends first, what waited is dropped, the offset is committed", async () => {
    const world = await worldWith({ 0: 6 }, { batchSize: 3 });
    await world.finish(OK);
    const replay = world.mapping.replay([{ topic: TOPIC, partition: 0, offset: 1 }]);
    await settle();
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 3 }]);
    world.repeats = true;
    await world.finish(FAILED);
    await replay;
    expect(world.committed.get(0)).toBe(1);
    world.fetch(0, 2);
    await settle();
    expect(shape(world.invocation)).toEqual({ "t-0": [1, 2] });
    await expect(world.mapping.replay([{ topic: TOPIC, partition: 7, offset: 0 }])).rejects.toThrow(/partition 7/);
  });

  test("sees from where a partition fails", async () => {
    const world = await worldWith({ 0: 4 });
    await world.finish(at({ "t-0": 2 }));
    expect(world.mapping.status().partitions).toEqual([
      { partition: 0, nextOffset: 4, committedOffset: 2, failingFrom: 2 },
    ]);
  });

  test("changes code between two invocations, and a failed batch is tried right after", async () => {
    const world = await worldWith({ 0: 1 });
    await world.finish(FAILED);
    let changed = false;
    await world.mapping.whileQuiet(async () => {
      changed = true;
    });
    expect(changed).toBe(true);
    await settle();
    expect(world.invoked).toHaveLength(2);

    let quiet = false;
    const change = world.mapping.whileQuiet(async () => {
      quiet = true;
    });
    await settle();
    expect(quiet).toBe(false);
    await world.finish(OK);
    await change;
    expect(quiet).toBe(true);
  });

  test("ends it after running batches and their commits, or leaves them when told to give up", async () => {
    const world = await worldWith({ 0: 5 }, { batchSize: 2 });
    const stop = world.mapping.stop(NEVER);
    await settle();
    expect(world.stopped).toBe(false);
    await world.finish(OK);
    await stop;
    expect(world.stopped).toBe(true);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 2 }]);
    expect(world.invoked).toHaveLength(1);

    const left = await worldWith({ 0: 5 });
    await left.mapping.stop(Promise.resolve());
    await left.finish(OK);
    expect(left.commits).toEqual([]);
  });
});

const PARTITIONS = [0, 1, 2];
const partition = fc.constantFrom(...PARTITIONS);
const some = fc.subarray(PARTITIONS);
const count = fc.integer({ min: 1, max: 12 });
type Step = (world: World) => void | Promise<void>;
const describeStep = (name: string, step: Step): Step => Object.assign(step, { toString: () => name });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(partition, count)
      .map(([p, n]) => describeStep(`produce ${p} ${n}`, (world) => world.produce(p, n))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(partition, count)
      .map(([p, n]) => describeStep(`unwanted ${p} ${n}`, (world) => world.produce(p, n, UNWANTED))),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(partition, count)
      .map(([p, n]) => describeStep(`fetch ${p} ${n}`, (world) => world.fetch(p, n))),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 1, max: 40_000 })
      .map((ms) => describeStep(`advance ${ms}`, (world) => world.clock.advance(ms))),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom<[string, InvokeOutcome]>(["ok", OK], ["fail", FAILED], ["throttle", THROTTLED]),
        fc.nat({ max: 2 }),
      )
      .map(([[name, outcome], which]) => describeStep(`${name} ${which}`, (world) => world.finish(outcome, which))),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), fc.nat({ max: 2 })).map(([pick, which]) =>
      describeStep(`part ${pick} ${which}`, (world) => {
        const slices = Object.entries(world.invocations[which]?.records ?? {});
        const failedFrom = slices.flatMap(([key, records], i): [string, number][] => {
          const failed = records[(pick[i] ?? 0) % (records.length + 1)];
          return failed === undefined ? [] : [[key, failed.offset]];
        });
        return world.finish({ failedFrom: new Map(failedFrom) }, which);
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((fail) =>
      describeStep(`commits fail ${fail}`, (world) => {
        world.commitsFail = fail;
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((fail) =>
      describeStep(`destination fails ${fail}`, (world) => {
        world.destinationFails = fail;
      }),
    ),
  },
  { weight: 2, arbitrary: some.map((few) => describeStep(`assign ${few}`, (world) => world.assign(...few))) },
  { weight: 2, arbitrary: some.map((few) => describeStep(`revoke ${few}`, (world) => void world.revoke(...few))) },
  {
    weight: 1,
    arbitrary: some.map((few) =>
      describeStep(`lose, assign ${few}`, (world) => {
        world.lose();
        world.assign(...few);
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(describeStep("reload", (world) => void world.mapping.whileQuiet(async () => {}))),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      describeStep("freeze", async (world) => {
        world.fenced = true;
        await world.clock.advance(1_000);
        world.unfence();
      }),
    ),
  },
);

const options: fc.Arbitrary<WorldOptions> = fc.record({
  batchSize: fc.integer({ min: 1, max: 15 }),
  windowMs: fc.constantFrom(0, 500, 20_000),
  retryAttemptsMax: fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
  recordAgeMsMax: fc.constantFrom(60_000, Number.POSITIVE_INFINITY),
  bisectBatchOnFunctionError: fc.boolean(),
  scaling: fc.constantFrom<NonNullable<WorldOptions["scaling"]>>(
    { kind: "onDemand" },
    { kind: "provisioned", pollersMin: 1, pollersMax: 2 },
    { kind: "provisioned", pollersMin: 2, pollersMax: 200 },
  ),
  destination: fc.constant(true),
});

test("whatever happens: in order, nothing skipped, nothing repeated without a reason, all done before it is committed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), options, async (steps, worldOptions) => {
      const world = new World(worldOptions);
      world.assign(...PARTITIONS);
      for (const one of steps) {
        await one(world);
        await settle();
      }
      world.commitsFail = false;
      world.destinationFails = false;
      const end = (one: number) => world.logs.get(one)?.length ?? 0;
      for (let round = 0; round < 300; round += 1) {
        world.assign(...PARTITIONS);
        for (const one of PARTITIONS) world.fetch(one, 10);
        await world.clock.advance(40_000);
        while (world.invocation) await world.finish(OK);
        if (PARTITIONS.every((one) => (world.committed.get(one) ?? 0) === end(one))) break;
      }
      expect(world.broken()).toEqual([]);
      for (const one of PARTITIONS) expect(world.committed.get(one) ?? 0).toBe(end(one));
    }),
    { numRuns: 300 },
  );
}, 120_000);
