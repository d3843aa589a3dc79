import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { MappingEvent } from "./event.ts";
import type {
  Clock,
  InvokeOutcome,
  Invoker,
  KafkaSource,
  PartitionOffset,
  SourceListener,
  TopicPartition,
} from "./poller.ts";
import { Poller } from "./poller.ts";

const TOPIC = "t";
const OK: InvokeOutcome = { kind: "returned", response: null };
const FAILED: InvokeOutcome = { kind: "failed", code: "SOK_FUNCTION_FAILED", reason: "boom" };
const NEVER = new Promise<void>(() => {});

/** Lets every promise that can settle do so. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

class FakeClock implements Clock {
  now = 0;
  readonly #timers = new Map<object, { atMs: number; callback: () => void }>();

  nowMs(): number {
    return this.now;
  }

  random(): number {
    return 0.5;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const id = {};
    this.#timers.set(id, { atMs: this.now + delayMs, callback });
    return () => this.#timers.delete(id);
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      await settle();
      const next = [...this.#timers].sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (next === undefined || next[1].atMs > until) break;
      this.#timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].atMs);
      next[1].callback();
    }
    this.now = until;
    await settle();
  }
}

/** A topic, its group and a function, which check what the poller does to them. */
class World implements KafkaSource, Invoker {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly invoked: MappingEvent[] = [];
  readonly commits: PartitionOffset[] = [];
  readonly poller: Poller;
  commitsFail = false;
  stopped = false;
  /** By partition: the end of the log, the next offset to fetch, the committed offset, and what has been done. */
  readonly ends = new Map<number, number>();
  readonly fetched = new Map<number, number>();
  readonly committed = new Map<number, number>();
  readonly done = new Map<number, Set<number>>();
  readonly assigned = new Set<number>();
  readonly paused = new Set<number>();
  /** Set when partitions may be delivered again without a failure: after they have been another member's. */
  repeats = false;
  #listener: SourceListener | undefined;
  #current: { event: MappingEvent; resolve: (outcome: InvokeOutcome) => void } | undefined;

  constructor(options: { batchSize?: number; windowMs?: number; reportBatchItemFailures?: boolean } = {}) {
    this.poller = new Poller({
      name: "fn",
      batchSize: 10,
      windowMs: 0,
      reportBatchItemFailures: true,
      envelope: { eventSource: "SelfManagedKafka", bootstrapServers: "b:1" },
      ...options,
      source: this,
      invoker: this,
      clock: this.clock,
      log: {
        notice: (line) => this.lines.push(line),
        warning: (line) => this.lines.push(line),
        error: (line) => this.lines.push(line),
      },
    });
    this.poller.start();
  }

  get invocation(): MappingEvent | undefined {
    return this.#current?.event;
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    for (const { partition, offset } of offsets) {
      if (!this.assigned.has(partition)) this.lines.push(`BROKEN: committed ${partition}, which is another member's`);
      for (let one = 0; one < offset; one += 1) {
        if (!this.done.get(partition)?.has(one)) {
          this.lines.push(`BROKEN: committed ${partition} up to ${offset}, but ${one} is not done`);
        }
      }
    }
    if (this.commitsFail) throw new Error("no coordinator");
    for (const one of offsets) this.committed.set(one.partition, one.offset);
    this.commits.push(...offsets);
  }

  seek({ partition, offset }: PartitionOffset): void {
    this.fetched.set(partition, offset);
  }

  pause({ partition }: TopicPartition): void {
    this.paused.add(partition);
  }

  resume({ partition }: TopicPartition): void {
    this.paused.delete(partition);
  }

  invoke(event: MappingEvent): Promise<InvokeOutcome> {
    if (this.#current !== undefined) this.lines.push("BROKEN: two invocations at once");
    for (const records of Object.values(event.records)) {
      const { partition, offset } = records[0] as { partition: number; offset: number };
      const undone = this.firstUndone(partition);
      if (!this.assigned.has(partition)) this.lines.push(`BROKEN: ${partition} is another member's`);
      if (offset > undone) this.lines.push(`BROKEN: ${partition} skipped from ${undone} to ${offset}`);
      if (offset < undone && !this.repeats) this.lines.push(`BROKEN: ${partition} repeated ${offset}`);
      records.forEach((record, i) => {
        if (record.offset !== offset + i) this.lines.push(`BROKEN: ${partition} out of order`);
      });
    }
    this.invoked.push(event);
    return new Promise((resolve) => {
      this.#current = { event, resolve };
    });
  }

  firstUndone(partition: number): number {
    let offset = 0;
    while (this.done.get(partition)?.has(offset)) offset += 1;
    return offset;
  }

  /** Ends the running invocation. A partial outcome names, by partition, the first record that is not done. */
  async finish(outcome: InvokeOutcome | { readonly failedFrom: ReadonlyMap<string, number> }): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    const failedFrom = "failedFrom" in outcome ? outcome.failedFrom : undefined;
    for (const [key, records] of Object.entries(current.event.records)) {
      for (const { partition, offset } of records) {
        if (failedFrom === undefined ? outcome === OK : offset < (failedFrom.get(key) ?? Number.POSITIVE_INFINITY)) {
          this.done.set(partition, (this.done.get(partition) ?? new Set()).add(offset));
        }
      }
    }
    const batchItemFailures = [...(failedFrom ?? [])].map(([partition, offset]) => ({
      itemIdentifier: { partition, offset },
    }));
    current.resolve(
      failedFrom === undefined ? (outcome as InvokeOutcome) : { kind: "returned", response: { batchItemFailures } },
    );
    await settle();
  }

  produce(partition: number, count: number): void {
    this.ends.set(partition, (this.ends.get(partition) ?? 0) + count);
  }

  /** What a fetch brings: up to `count` records of a partition, unless it is paused or not this member's. */
  fetch(partition: number, count: number): void {
    if (!this.assigned.has(partition) || this.paused.has(partition)) return;
    const from = this.fetched.get(partition) ?? 0;
    const to = Math.min(this.ends.get(partition) ?? 0, from + count);
    const records = Array.from({ length: Math.max(0, to - from) }, (_, i) => ({
      offset: from + i,
      timestamp: this.clock.now,
      logAppendTime: false,
      key: null,
      value: Buffer.from("v"),
      headers: [],
    }));
    if (records.length === 0) return;
    this.fetched.set(partition, to);
    this.#listener?.onRecords({ topic: TOPIC, partition }, records);
  }

  assign(partitions: readonly number[], rejoined: boolean): void {
    const lost = [...this.assigned].filter((partition) => !partitions.includes(partition));
    if (!rejoined) this.paused.clear();
    this.assigned.clear();
    for (const partition of partitions) {
      this.assigned.add(partition);
      this.fetched.set(partition, this.committed.get(partition) ?? 0);
    }
    if (!rejoined || lost.length > 0) this.repeats = true;
    this.#listener?.onRebalancing();
    this.#listener?.onAssigned(
      partitions.map((partition) => ({ topic: TOPIC, partition })),
      rejoined,
    );
  }

  broken(): string[] {
    return this.lines.filter((line) => line.startsWith("BROKEN"));
  }
}

const shape = (event: MappingEvent | undefined) =>
  Object.fromEntries(
    Object.entries(event?.records ?? {}).map(([key, list]) => [key, list.map(({ offset }) => offset)]),
  );

async function worldWith(counts: Record<number, number>, options?: ConstructorParameters<typeof World>[0]) {
  const world = new World(options);
  world.assign(Object.keys(counts).map(Number), false);
  world.repeats = false;
  for (const [partition, count] of Object.entries(counts)) {
    world.produce(Number(partition), count);
    world.fetch(Number(partition), count);
  }
  await settle();
  return world;
}

describe("Poller", () => {
  test("waits for the window, mixes partitions, and commits after success only", async () => {
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

  test("retries a failed batch as it was, for ever, while other partitions go on", async () => {
    const world = await worldWith({ 0: 2 }, { batchSize: 2 });
    world.assign([0, 1], true);
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

  test("commits what is before the lowest failed record and retries from there", async () => {
    const world = await worldWith({ 0: 5, 1: 2 }, { windowMs: 500 });
    await world.clock.advance(500);
    await world.finish({ failedFrom: new Map([["t-0", 3]]) });
    expect(world.commits).toEqual([
      { topic: "t", partition: 0, offset: 3 },
      { topic: "t", partition: 1, offset: 2 },
    ]);
    await world.clock.advance(1_000);
    expect(shape(world.invocation)).toEqual({ "t-0": [3, 4] });
  });

  test("takes a malformed response as a failure of the whole batch, only where failures are reported at all", async () => {
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

  test("never invokes a record that is too large, keeps its partition there and says so", async () => {
    const world = new World();
    world.assign([0, 1], false);
    const large = { offset: 0, timestamp: 0, logAppendTime: false, key: null, headers: [] };
    world.poller.onRecords({ topic: TOPIC, partition: 0 }, [{ ...large, value: Buffer.alloc(5_000_000) }]);
    await world.clock.advance(60_000);
    expect(world.invoked).toEqual([]);
    expect(world.commits).toEqual([]);
    expect(world.lines.at(-1)).toContain("SOK_RECORD_TOO_LARGE: t-0 offsets 0-0");

    world.produce(1, 1);
    world.fetch(1, 1);
    await settle();
    expect(shape(world.invocation)).toEqual({ "t-1": [0] });
  });

  test("does not commit what was taken away during the invocation, and drops what it had buffered of it", async () => {
    const world = await worldWith({ 0: 10, 1: 10 }, { batchSize: 5 });
    world.assign([1], true);
    await world.finish(OK);
    expect(world.commits).toEqual([]);
    expect(shape(world.invocation)).toEqual({ "t-1": [0, 1, 2, 3, 4] });
  });

  test("goes on where it was after joining again, without fetching or invoking anything twice", async () => {
    const world = await worldWith({ 0: 10 }, { batchSize: 4 });
    world.assign([0], true);
    expect(world.fetched.get(0)).toBe(10);
    await world.finish(OK);
    await world.finish(OK);
    await world.finish(OK);
    expect(world.commits.map(({ offset }) => offset)).toEqual([4, 8, 10]);
    expect(world.broken()).toEqual([]);
  });

  test("starts from what is committed as a new member, after the old invocation has ended", async () => {
    const world = await worldWith({ 0: 4 });
    world.assign([0], false);
    world.fetch(0, 4);
    await settle();
    expect(world.invoked).toHaveLength(1);
    await world.finish(OK);
    expect(world.commits).toEqual([]);
    expect(world.invoked.map(shape)).toEqual([{ "t-0": [0, 1, 2, 3] }, { "t-0": [0, 1, 2, 3] }]);
  });

  test("invokes nothing while the group rebalances, and lets a commit that fails not delay it", async () => {
    const world = await worldWith({ 0: 1 });
    world.commitsFail = true;
    expect(world.poller.isIdle()).toBe(false);
    await world.finish(OK);
    expect(world.poller.isIdle()).toBe(true);
    world.poller.onRebalancing();
    world.produce(0, 1);
    world.fetch(0, 1);
    world.commitsFail = false;
    await world.clock.advance(5_000);
    expect(world.commits).toHaveLength(1);
    expect(world.invoked).toHaveLength(1);
    world.assign([0], true);
    await settle();
    expect(world.invoked).toHaveLength(2);
  });

  test("reads again from where a log that was cut or made anew begins", async () => {
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

  test("stops fetching a partition that is blocked, and goes on when it is not", async () => {
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

  test("changes code between two invocations, and tries a failed batch right after", async () => {
    const world = await worldWith({ 0: 1 });
    await world.finish(FAILED);
    let changed = false;
    await world.poller.whileQuiet(async () => {
      changed = true;
    });
    expect(changed).toBe(true);
    await settle();
    expect(world.invoked).toHaveLength(2);

    let quiet = false;
    const change = world.poller.whileQuiet(async () => {
      quiet = true;
    });
    await settle();
    expect(quiet).toBe(false);
    await world.finish(OK);
    await change;
    expect(quiet).toBe(true);
  });

  test("ends after the running batch and its commit, or leaves them when told to give up", async () => {
    const world = await worldWith({ 0: 5 }, { batchSize: 2 });
    const stop = world.poller.stop(NEVER);
    await settle();
    expect(world.stopped).toBe(false);
    await world.finish(OK);
    await stop;
    expect(world.stopped).toBe(true);
    expect(world.commits).toEqual([{ topic: "t", partition: 0, offset: 2 }]);
    expect(world.invoked).toHaveLength(1);

    const left = await worldWith({ 0: 5 });
    await left.poller.stop(Promise.resolve());
    await left.finish(OK);
    expect(left.commits).toEqual([]);
  });
});

test("drops what it had buffered of a partition that was taken away, when no invocation is running", async () => {
  const world = await worldWith({ 0: 3, 1: 3 }, { windowMs: 500 });
  world.assign([1], true);
  await world.clock.advance(500);
  expect(shape(world.invocation)).toEqual({ "t-1": [0, 1, 2] });
});

const PARTITIONS = [0, 1, 2];
const partition = fc.constantFrom(...PARTITIONS);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("produce"), partition, count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("fetch"), partition, count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("succeed") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail") }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("failPartly"), pick: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("commits"), fail: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("assign"), partitions: fc.subarray(PARTITIONS), rejoined: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload") }) },
) as fc.Arbitrary<{
  readonly do: string;
  readonly partition: number;
  readonly count: number;
  readonly ms: number;
  readonly pick: readonly number[];
  readonly fail: boolean;
  readonly partitions: readonly number[];
  readonly rejoined: boolean;
}>;

test("whatever happens: in order, nothing skipped, nothing repeated without a reason, nothing committed before it is done", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 15 }),
      fc.constantFrom(0, 500, 20_000),
      async (steps, batchSize, windowMs) => {
        const world = new World({ batchSize, windowMs });
        world.assign(PARTITIONS, false);
        world.repeats = false;
        for (const one of steps) {
          if (one.do === "produce") world.produce(one.partition, one.count);
          if (one.do === "fetch") world.fetch(one.partition, one.count);
          if (one.do === "advance") await world.clock.advance(one.ms);
          if (one.do === "succeed") await world.finish(OK);
          if (one.do === "fail") await world.finish(FAILED);
          if (one.do === "failPartly") {
            const slices = Object.entries(world.invocation?.records ?? {});
            const failedFrom = slices.flatMap(([key, records], i): [string, number][] => {
              const failed = records[(one.pick[i] ?? 0) % (records.length + 1)];
              return failed === undefined ? [] : [[key, failed.offset]];
            });
            await world.finish({ failedFrom: new Map(failedFrom) });
          }
          if (one.do === "commits") world.commitsFail = one.fail;
          if (one.do === "assign") world.assign(one.partitions, one.rejoined);
          if (one.do === "reload") void world.poller.whileQuiet(async () => {});
          await settle();
        }
        world.commitsFail = false;
        world.assign(PARTITIONS, true);
        for (
          let round = 0;
          round < 200 && PARTITIONS.some((one) => world.committed.get(one) !== world.ends.get(one));
          round += 1
        ) {
          for (const one of PARTITIONS) world.fetch(one, 10);
          await world.clock.advance(40_000);
          await world.finish(OK);
        }
        expect(world.broken()).toEqual([]);
        for (const one of PARTITIONS) expect(world.committed.get(one)).toBe(world.ends.get(one));
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
