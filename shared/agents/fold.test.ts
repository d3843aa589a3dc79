import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Agent } from "./agent.ts";
import { profileConfig, velocityConfig } from "./config.ts";
import { DurableFold } from "./fold.ts";
import { MemoryStore, type Step } from "./memory-store.ts";
import { profileAgent } from "./profile.ts";
import { RECORD, RecordBatch } from "./record-batch.ts";
import { columnsOf } from "./samples.ts";
import type { TopicPartition } from "./store.ts";
import type { Transaction } from "./transaction.ts";
import { velocityAgent } from "./velocity.ts";

interface FoldRecord {
  offset: number;
  transaction: Transaction | null;
  historical: boolean;
  committedAtMicros: number;
}

interface FoldBatch extends TopicPartition {
  records: readonly FoldRecord[];
}

/** As the fold takes it in. */
function inColumns({ records, ...partition }: FoldBatch): RecordBatch {
  const batch = new RecordBatch().reset(partition);
  for (const { offset, transaction, historical, committedAtMicros } of records) {
    if (transaction === null) batch.addIgnored(offset);
    else batch.add(offset, historical ? RECORD.historical : RECORD.live, committedAtMicros, ...columnsOf(transaction));
  }
  return batch;
}

const topic = "dbserver1.public.transactions";
const noonMicros = 1_793_534_400_000_000;

// So sensitive that nearly every transaction is an alert, whose figures show the whole state behind it.
const agents = [
  profileAgent({ ...profileConfig({}), amountAboveCents: 0, historyMin: 2, historyMax: 4, threshold: 0.1 }),
  velocityAgent({ ...velocityConfig({}), alertAbove: 0, countAbove: 0, countScore: 1 }),
];

function transaction(id: number, overrides: Partial<Transaction> = {}): Transaction {
  return {
    id,
    userId: 1,
    amountCents: 100 * id,
    cardType: null,
    merchantId: null,
    createdAtMicros: noonMicros + id,
    ...overrides,
  };
}

function record(offset: number, of: Transaction | null, historical = false): FoldRecord {
  return { offset, transaction: of, historical, committedAtMicros: noonMicros + offset };
}

const batchOf = (...records: FoldRecord[]): FoldBatch => ({ topic, partition: 0, records });
const judging = (from: number, to: number): FoldBatch =>
  batchOf(...Array.from({ length: to - from }, (_, index) => record(from + index, transaction(from + index + 1))));

/** What one agent that never stops finds in a stream in which every transaction comes once. */
function plainFold(agent: Agent, batches: readonly FoldBatch[]): object[] {
  return batches.flatMap(({ partition, records }) => {
    const memory = agent.create();
    const seen = new Set<number>();
    return records.flatMap(({ offset, transaction: each, historical, committedAtMicros }) => {
      if (each === null || seen.has(each.id)) return [];
      seen.add(each.id);
      const finding = memory.judge(each);
      if (finding === undefined) return [];
      return {
        alertId: `${agent.name}-${finding.rule}-v1-${each.id}`,
        agent: agent.name,
        rule: finding.rule,
        ruleVersion: 1,
        transactionId: each.id,
        userId: each.userId,
        amountCents: each.amountCents,
        reason: finding.reason,
        historical,
        topic,
        partition,
        kafkaOffset: offset,
        committedAtMicros,
      };
    });
  });
}

const byId = (alerts: readonly object[]) =>
  new Map(alerts.map((alert) => [(alert as { alertId: string }).alertId, alert]));

// --- random streams ------------------------------------------------------------------------------------------------

type StreamStep =
  | { kind: "new"; userId: number; amountCents: number; lateMicros: number; historical: boolean }
  | { kind: "again"; which: number }
  | { kind: "snapshot" }
  | { kind: "ignored" }
  | { kind: "gap"; offsets: number };

const fresh = fc.record({
  kind: fc.constant("new" as const),
  userId: fc.integer({ min: 1, max: 3 }),
  amountCents: fc.integer({ min: 1, max: 1_000 }),
  lateMicros: fc.integer({ min: -50_000_000, max: 50_000_000 }),
  historical: fc.boolean(),
});
const streamStep: fc.Arbitrary<StreamStep> = fc.oneof(
  { weight: 10, arbitrary: fresh },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("again" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ kind: "ignored" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("gap" as const), offsets: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "snapshot" as const }) },
);

/** Ids are the table's, so they are unique over all partitions; every user is in one partition. */
function streamOf(partition: number, steps: readonly StreamStep[]): FoldRecord[] {
  const records: FoldRecord[] = [];
  const rows: Transaction[] = [];
  let offset = 3 * partition;
  const push = (of: Transaction | null, historical = false) => records.push(record(offset++, of, historical));
  for (const step of steps) {
    if (step.kind === "gap") offset += step.offsets;
    else if (step.kind === "ignored") push(null);
    else if (step.kind === "again") {
      if (rows.length > 0) push(rows[step.which % rows.length] ?? null);
    } else if (step.kind === "snapshot") for (const row of rows) push(row, true);
    else {
      const { amountCents, lateMicros, historical } = step;
      const id = 1 + partition + 3 * rows.length;
      const createdAtMicros = noonMicros + 10_000_000 * rows.length - lateMicros;
      const row = transaction(id, { userId: 10 * partition + step.userId, amountCents, createdAtMicros });
      rows.push(row);
      push(row, historical);
    }
  }
  return records;
}

// --- random deliveries ---------------------------------------------------------------------------------------------

interface Delivery {
  /** Which of the environments receives it; a negative one is new. */
  environment: number;
  /** For each partition: how many records before the acknowledged ones it starts, and how many it holds. */
  parts: { back: number; count: number }[];
  /** Breaks at the n-th time that the store comes to the step. */
  fault: { step: Step; skip: number } | null;
  /** Sent while the one before is still under way: a retry that overtakes a slow environment. */
  overlaps: boolean;
}

const steps: Step[] = [
  "lockWatermarks",
  "readCheckpoint",
  "readChanges",
  "append",
  "writeCheckpoint",
  "commit",
  "answer",
];
const delivery: fc.Arbitrary<Delivery> = fc.record({
  environment: fc.integer({ min: -1, max: 2 }),
  parts: fc.array(fc.record({ back: fc.oneof(fc.constant(0), fc.nat({ max: 30 })), count: fc.nat({ max: 12 }) }), {
    minLength: 3,
    maxLength: 3,
  }),
  fault: fc.option(fc.record({ step: fc.constantFrom(...steps), skip: fc.nat({ max: 2 }) }), { freq: 2 }),
  overlaps: fc.boolean(),
});

/** One store, several environments, and a consumer group that acknowledges what succeeded. */
class Deliveries {
  readonly store = new MemoryStore();
  readonly #agent: Agent;
  readonly #streams: readonly FoldRecord[][];
  readonly #checkpointBytesMin: number;
  readonly #environments = new Map<number, DurableFold>();
  readonly #acknowledged: number[];
  newAlerts = 0;

  constructor(agent: Agent, streams: readonly FoldRecord[][], checkpointBytesMin: number) {
    this.#agent = agent;
    this.#streams = streams;
    this.#checkpointBytesMin = checkpointBytesMin;
    this.#acknowledged = streams.map(() => 0);
  }

  async deliver({ environment, parts, fault }: Delivery): Promise<void> {
    const ranges = this.#streams.map((stream, partition) => {
      const { back, count } = parts[partition] ?? { back: 0, count: 0 };
      const start = Math.max(0, (this.#acknowledged[partition] ?? 0) - back);
      return { start, end: Math.min(stream.length, start + count) };
    });
    const batches = ranges.map(
      ({ start, end }, partition): FoldBatch => ({
        topic,
        partition,
        records: (this.#streams[partition] ?? []).slice(start, end),
      }),
    );
    let left = fault?.skip ?? 0;
    if (fault !== null) this.store.breaksAt = (step) => step === fault.step && left-- === 0;
    const before = this.#watermarks();
    try {
      const result = await this.#environment(environment).apply(batches.map(inColumns));
      const counted = result.judged + result.repeated + result.ignored + result.redelivered;
      expect(counted).toBe(batches.reduce((sum, { records }) => sum + records.length, 0));
      this.newAlerts += result.newAlerts;
      for (const [partition, { end }] of ranges.entries()) {
        this.#acknowledged[partition] = Math.max(this.#acknowledged[partition] ?? 0, end);
      }
    } catch (error) {
      expect(String(error)).toMatch("broken at");
    }
    for (const [partition, watermark] of this.#watermarks().entries()) {
      expect(watermark).toBeGreaterThanOrEqual(before[partition] ?? 0);
    }
  }

  async deliverAll(deliveries: readonly Delivery[]): Promise<void> {
    let underWay: Promise<void>[] = [];
    for (const each of deliveries) {
      if (!each.overlaps) {
        await Promise.all(underWay);
        underWay = [];
        this.store.breaksAt = () => false;
      }
      underWay.push(this.deliver(each));
    }
    await Promise.all(underWay);
    this.store.breaksAt = () => false;
    const rest = this.#streams.map(() => ({ back: 2, count: Number.POSITIVE_INFINITY }));
    await this.deliver({ environment: 0, parts: rest, fault: null, overlaps: false });
  }

  #environment(environment: number): DurableFold {
    const known = this.#environments.get(environment);
    if (known !== undefined && environment >= 0) return known;
    const options = { checkpointBytesMin: this.#checkpointBytesMin };
    const created = new DurableFold(this.#agent, this.store, options);
    this.#environments.set(environment, created);
    return created;
  }

  #watermarks(): number[] {
    return this.#streams.map((_, partition) => this.store.partition({ topic, partition })?.nextOffset ?? 0);
  }
}

describe.each(agents.map((agent) => ({ name: agent.name, agent })))("$name", ({ agent }) => {
  test("raises exactly the alerts of a plain fold, however its batches are delivered", async () => {
    const streams = fc.array(fc.array(streamStep, { maxLength: 40 }), { minLength: 1, maxLength: 3 });
    const checkpoints = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.constant(1_000_000));
    await fc.assert(
      fc.asyncProperty(streams, fc.array(delivery, { maxLength: 25 }), checkpoints, async (plans, sent, every) => {
        const records = plans.map((plan, partition) => streamOf(partition, plan));
        const deliveries = new Deliveries(agent, records, every);
        await deliveries.deliverAll(sent);
        const batches = records.map((each, partition) => ({ topic, partition, records: each }));
        expect(byId(deliveries.store.alerts)).toEqual(byId(plainFold(agent, batches)));
        expect(deliveries.newAlerts).toBeLessThanOrEqual(deliveries.store.alerts.length);
        for (const { partition, records: each } of batches) {
          const { nextOffset, changes = [], checkpoint } = deliveries.store.partition({ topic, partition }) ?? {};
          expect(nextOffset ?? 0).toBe((each.at(-1)?.offset ?? -1) + 1);
          const bytes = changes.reduce((sum, { transactions }) => sum + transactions.length, 0);
          expect(bytes).toBeLessThan(Math.max(every, checkpoint?.state.length ?? 0));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is read", () => {
  const [agent] = agents as [Agent];

  function counted(store: MemoryStore): Step[] {
    const taken: Step[] = [];
    store.breaksAt = (step) => {
      taken.push(step);
      return false;
    };
    return taken;
  }

  test("nothing but the watermark, by an environment whose memory is there", async () => {
    const store = new MemoryStore();
    const fold = new DurableFold(agent, store);
    await fold.apply([inColumns(judging(0, 10))]);
    const taken = counted(store);
    await fold.apply([inColumns(judging(10, 20))]);
    expect(taken).toEqual(["lockWatermarks", "append", "commit", "answer"]);
  });

  test("the changes of others, by one that was overtaken", async () => {
    const store = new MemoryStore();
    const overtaken = new DurableFold(agent, store);
    await overtaken.apply([inColumns(judging(0, 10))]);
    await new DurableFold(agent, store).apply([inColumns(judging(10, 20))]);
    const taken = counted(store);
    await overtaken.apply([inColumns(judging(20, 30))]);
    expect(taken).toEqual(["lockWatermarks", "readChanges", "append", "commit", "answer"]);
    expect(byId(store.alerts)).toEqual(byId(plainFold(agent, [judging(0, 30)])));
  });

  test("nothing at all for a batch that is below the watermark", async () => {
    const store = new MemoryStore();
    await new DurableFold(agent, store).apply([inColumns(judging(0, 10))]);
    const taken = counted(store);
    const result = await new DurableFold(agent, store).apply([inColumns(judging(2, 9))]);
    expect(result).toMatchObject({ judged: 0, redelivered: 7, alerts: [], newAlerts: 0 });
    expect(taken).toEqual(["lockWatermarks", "commit", "answer"]);
  });

  test("the state of a partition that had to make room for another", async () => {
    const store = new MemoryStore();
    // A partition takes some 22 KB here: 8 KB of seen ids, and a chunk of users.
    const fold = new DurableFold(agent, store, { warmBytesMax: 50_000, checkpointBytesMin: 1 });
    const inPartition = (partition: number, from: number) => inColumns({ ...judging(from, from + 3), partition });
    for (const partition of [0, 1, 2, 0, 1, 2]) {
      const from = store.partition({ topic, partition })?.nextOffset ?? 0;
      await fold.apply([inPartition(partition, from)]);
    }
    await fold.apply([inPartition(3, 0)]);
    const taken = counted(store);
    await fold.apply([inPartition(2, 6)]);
    expect(taken).toEqual(["lockWatermarks", "append", "writeCheckpoint", "commit", "answer"]);
    await fold.apply([inPartition(0, 6)]);
    expect(taken.slice(5)).toEqual([
      "lockWatermarks",
      "readCheckpoint",
      "append",
      "writeCheckpoint",
      "commit",
      "answer",
    ]);
  });

  test("no store for no records", async () => {
    const store = new MemoryStore();
    const taken = counted(store);
    await new DurableFold(agent, store).apply([inColumns(batchOf())]);
    expect(taken).toEqual([]);
  });
});

describe("what is stored", () => {
  const [agent] = agents as [Agent];

  test("stays bounded when a partition has nothing but records to ignore", async () => {
    const store = new MemoryStore();
    const fold = new DurableFold(agent, store, { checkpointBytesMin: 20 });
    for (let offset = 0; offset < 200; offset++) await fold.apply([inColumns(batchOf(record(offset, null)))]);
    expect(store.partition({ topic, partition: 0 })?.changes.length).toBeLessThan(20);
  });

  test("stays bounded when a partition has nothing but repetitions", async () => {
    const store = new MemoryStore();
    const fold = new DurableFold(agent, store, { checkpointBytesMin: 20 });
    for (let offset = 0; offset < 200; offset++) await fold.apply([inColumns(batchOf(record(offset, transaction(7))))]);
    expect(store.partition({ topic, partition: 0 })?.changes.length).toBeLessThan(20);
    expect(store.alerts).toEqual([]);
  });

  test("that was emptied is begun anew, whatever an environment remembers", async () => {
    const store = new MemoryStore();
    const fold = new DurableFold(agent, store);
    await fold.apply([inColumns(judging(0, 10))]);
    store.truncate();
    await fold.apply([inColumns(judging(0, 10))]);
    await fold.apply([inColumns(judging(10, 12))]);
    expect(byId(store.alerts)).toEqual(byId(plainFold(agent, [judging(0, 12)])));
  });

  test("with a hole in it is an error, not another state", async () => {
    const store = new MemoryStore();
    const fold = new DurableFold(agent, store);
    for (const from of [0, 10, 20]) await fold.apply([inColumns(judging(from, from + 10))]);
    const { changes = [] } = store.partition({ topic, partition: 0 } satisfies TopicPartition) ?? {};
    changes.splice(1, 1);
    await expect(new DurableFold(agent, store).apply([inColumns(judging(30, 31))])).rejects.toThrow(
      "cannot be rebuilt",
    );
    // Who has the state in memory goes on.
    await fold.apply([inColumns(judging(30, 31))]);
  });
});

test("an alert that somebody else has raised already is not new", async () => {
  const [agent] = agents as [Agent];
  const store = new MemoryStore();
  const fold = new DurableFold(agent, store);
  const first = await fold.apply([inColumns(judging(0, 10))]);
  const elsewhere = await fold.apply([inColumns({ ...judging(0, 10), partition: 1 })]);
  expect(first.newAlerts).toBe(first.alerts.length);
  expect(elsewhere.alerts).toHaveLength(first.alerts.length);
  expect(elsewhere.newAlerts).toBe(0);
});

test("a lost answer to COMMIT doubles nothing and loses nothing", async () => {
  const [agent] = agents as [Agent];
  const store = new MemoryStore();
  const fold = new DurableFold(agent, store);
  await fold.apply([inColumns(judging(0, 10))]);
  store.breaksAt = (step) => step === "answer";
  await expect(fold.apply([inColumns(judging(10, 20))])).rejects.toThrow("broken at answer");
  store.breaksAt = () => false;
  expect(await fold.apply([inColumns(judging(10, 25))])).toMatchObject({ redelivered: 10, judged: 5 });
  expect(byId(store.alerts)).toEqual(byId(plainFold(agent, [judging(0, 25)])));
});

test("a rule that fails in the middle of a batch leaves nothing of it behind", async () => {
  let fails = true;
  const agent = velocityAgent({ ...velocityConfig({}), alertAbove: 0 }, ({ amountCents, windowCount }) => {
    if (fails && amountCents === 1_500) throw new Error("no model");
    return { score: windowCount, parts: { velocity: windowCount, amount: 0, amex: 0 } };
  });
  const store = new MemoryStore();
  const fold = new DurableFold(agent, store);
  await fold.apply([inColumns(judging(0, 10))]);
  await expect(fold.apply([inColumns(judging(10, 20))])).rejects.toThrow("no model");
  fails = false;
  await fold.apply([inColumns(judging(10, 20))]);
  expect(byId(store.alerts)).toEqual(byId(plainFold(agent, [judging(0, 20)])));
});
