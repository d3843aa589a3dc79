import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { connectTo } from "../../localstack/run/database.ts";
import type { Agent } from "../../shared/agents/agent.ts";
import { profileConfig, velocityConfig } from "../../shared/agents/config.ts";
import { checkpointBytesMin } from "../../shared/agents/fold.ts";
import { profileAgent } from "../../shared/agents/profile.ts";
import { velocityAgent } from "../../shared/agents/velocity.ts";
import {
  bytesOf,
  int32,
  message,
  TRANSACTION,
  text,
  textDecimal,
  timestampUs,
} from "../../shared/change-events/samples.ts";
import type { KafkaRecord } from "../../shared/lambda/index.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { Database } from "./database.ts";
import { Environment, installRefusals, type Trouble } from "./environment.ts";

process.env["POWERTOOLS_LOG_LEVEL"] ??= "SILENT";

/** SEED repeats the plans of a run. How they interleave is up to the machine. */
const seed = Number(process.env["SEED"] ?? randomInt(2 ** 31));
const rounds = Number(process.env["ROUNDS"] ?? 100);
const noonMicros = 1_793_534_400_000_000;
const idsPerRound = 10_000;

let database: Database;
let control: Pool;

beforeAll(async () => {
  console.info(`SEED=${seed}`);
  database = await Database.start();
  control = connectTo(database.settings, "mydb", { connectionsMax: 4 });
  await installRefusals(control);
}, 120_000);

afterAll(async () => {
  await control?.end();
  await database?.stop();
});

/** So sensitive that nearly every transaction is an alert, whose figures show the state behind it. */
const agents: Record<string, (ruleVersion: number) => Agent> = {
  profile: (ruleVersion) =>
    profileAgent({
      ...profileConfig({}),
      ruleVersion,
      amountAboveCents: 0,
      historyMin: 2,
      historyMax: 4,
      threshold: 0.1,
    }),
  velocity: (ruleVersion) =>
    velocityAgent({ ...velocityConfig({}), ruleVersion, alertAbove: 0, countAbove: 0, countScore: 1 }),
};

// --- a stream ------------------------------------------------------------------------------------------------------

interface Row {
  id: number;
  userId: number;
  amountCents: number;
  createdAtMicros: number;
  cardType: string;
}

interface StreamRecord {
  offset: number;
  op: "c" | "r" | "u" | "tombstone";
  row: Row;
}

type Step =
  | { kind: "new"; user: number; amountCents: number; lateMicros: number; op: "c" | "r" }
  | { kind: "again"; which: number }
  | { kind: "snapshot" }
  | { kind: "ignored"; op: "u" | "tombstone" }
  | { kind: "gap"; offsets: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("new" as const),
      user: fc.integer({ min: 1, max: 3 }),
      amountCents: fc.integer({ min: 1, max: 1_000 }),
      lateMicros: fc.integer({ min: -50_000_000, max: 50_000_000 }),
      op: fc.constantFrom("c" as const, "r" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("again" as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("ignored" as const),
      op: fc.constantFrom("u" as const, "tombstone" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("gap" as const), offsets: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "snapshot" as const }) },
);

const usersPerPartition = 3;
/** A card type is stored with the change. With this long ones, every 25 transactions a checkpoint is due. */
const heavyCardLength = checkpointBytesMin / 25;
/** At the end of a stream, everybody has this many transactions, whose alerts show what was known of each. */
const closings = 3;

/** Ids are the table's, so they are unique over all partitions; every user is in one partition. */
function streamOf({ heavy, streams }: Round, partition: number, firstId: number): StreamRecord[] {
  const [steps, partitions] = [streams[partition] ?? [], streams.length];
  const [records, rows]: [StreamRecord[], Row[]] = [[], []];
  let offset = 3 * partition;
  const push = (op: StreamRecord["op"], row: Row) => records.push({ offset: offset++, op, row });
  const add = (user: number, amountCents: number, lateMicros: number, op: "c" | "r") => {
    const id = firstId + partition + partitions * rows.length;
    const row = {
      id,
      userId: 10 * partition + user,
      amountCents,
      createdAtMicros: noonMicros + 10_000_000 * rows.length - lateMicros,
      cardType: heavy ? String(id).padEnd(heavyCardLength, "x") : "VISA",
    };
    rows.push(row);
    push(op, row);
  };
  for (const each of steps) {
    const old = rows[each.kind === "again" ? each.which % rows.length : 0];
    if (each.kind === "gap") offset += each.offsets;
    else if (each.kind === "new") add(each.user, each.amountCents, each.lateMicros, each.op);
    else if (each.kind === "snapshot") for (const row of [...rows]) push("r", row);
    else if (old !== undefined) push(each.kind === "again" ? "c" : each.op, old);
  }
  for (let time = 0; time < closings; time++) {
    for (let user = 1; user <= usersPerPartition; user++) add(user, 500 + user, 0, "c");
  }
  return records;
}

function kafkaRecordOf(topic: string, partition: number, { offset, op, row }: StreamRecord): KafkaRecord {
  const cells = {
    ...TRANSACTION,
    id: int32(row.id),
    user_id: int32(row.userId),
    amount: textDecimal((row.amountCents / 100).toFixed(2)),
    card_type: text(row.cardType),
    created_at: timestampUs(row.createdAtMicros),
  };
  const value = op === "tombstone" ? null : bytesOf(message({ op, after: cells, before: op === "u" ? cells : null }));
  return {
    topic,
    partition,
    offset,
    timestamp: noonMicros / 1_000,
    timestampType: "CREATE_TIME",
    value: value && Buffer.from(value).toString("base64"),
    headers: [],
  };
}

function eventOf(topic: string, parts: readonly (readonly StreamRecord[])[]): object {
  const records = parts.map((part, partition) => [
    `${topic}-${partition}`,
    part.map((record) => kafkaRecordOf(topic, partition, record)),
  ]);
  return {
    eventSource: "aws:kafka",
    bootstrapServers: "127.0.0.1:9092",
    records: Object.fromEntries(records.filter(([, part]) => (part?.length ?? 0) > 0)),
  };
}

// --- a round -------------------------------------------------------------------------------------------------------

interface Delivery {
  /** Which environment receives it; a negative number opens a new one. */
  environment: number;
  /** For each partition, how many records before the acknowledged ones it starts, and how many it holds. */
  parts: { back: number; count: number }[];
  trouble: Trouble | null;
  /** Sent while the one before is still under way, as a retry overtakes an environment that was given up. */
  overlaps: boolean;
}

interface Round {
  agent: string;
  /** Whether its transactions are so large that checkpoints come about. */
  heavy: boolean;
  streams: Step[][];
  deliveries: Delivery[];
}

const partitionsMax = 3;
/** An invocation of a warm environment is some five pieces, of a cold one up to twenty with the login. */
const at = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 6 }) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) });
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.record({ kind: fc.constantFrom("drop" as const, "tear" as const, "swallow" as const), at }),
  fc.record({ kind: fc.constant("terminate" as const), at }),
  fc.record({ kind: fc.constant("freeze" as const), at, ms: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    kind: fc.constant("refuse" as const),
    what: fc.constantFrom("alert" as const, "change" as const, "commit" as const),
  }),
);
const round: fc.Arbitrary<Round> = fc.record({
  agent: fc.constantFrom(...Object.keys(agents)),
  heavy: fc.nat({ max: 3 }).map((thrown) => thrown === 0),
  streams: fc.array(fc.array(step, { maxLength: 40, size: "max" }), { minLength: 1, maxLength: partitionsMax }),
  deliveries: fc.array(
    fc.record({
      environment: fc.integer({ min: -1, max: 2 }),
      parts: fc.array(fc.record({ back: fc.oneof(fc.constant(0), fc.nat({ max: 30 })), count: fc.nat({ max: 15 }) }), {
        minLength: partitionsMax,
        maxLength: partitionsMax,
      }),
      trouble: fc.option(trouble, { freq: 2 }),
      overlaps: fc.boolean(),
    }),
    { maxLength: 20, size: "max" },
  ),
});

let roundsPlayed = 0;
const outcomes = { succeeded: 0, failed: 0 };

class Play {
  readonly #agent: Agent;
  readonly #topic: string;
  readonly #streams: StreamRecord[][];
  readonly #environments = new Map<number, Environment>();
  readonly #opened: Environment[] = [];
  readonly #acknowledged: number[];

  constructor(agent: Agent, topic: string, streams: StreamRecord[][]) {
    this.#agent = agent;
    this.#topic = topic;
    this.#streams = streams;
    this.#acknowledged = streams.map(() => 0);
  }

  async deliverAll(deliveries: readonly Delivery[]): Promise<void> {
    try {
      let underWay: Promise<void>[] = [];
      for (const each of deliveries) {
        if (!each.overlaps) {
          await Promise.all(underWay);
          underWay = [];
        }
        underWay.push(this.#deliver(each, await this.#environment(each.environment)));
      }
      await Promise.all(underWay);
      // The closing transactions go to one that was there, to one that knows nothing, and to one that was overtaken by it.
      await this.#deliverRest(await this.#environment(0), 2);
      await this.#deliverRest(await this.#environment(-1), 1);
      await this.#deliverRest(await this.#environment(0), 0);
    } finally {
      await Promise.all(this.#opened.map((each) => each.close()));
    }
  }

  async #environment(which: number): Promise<Environment> {
    const known = this.#environments.get(which);
    if (known !== undefined && which >= 0) return known;
    const environment = await Environment.open(this.#agent, database, control);
    this.#opened.push(environment);
    this.#environments.set(which, environment);
    return environment;
  }

  async #deliver({ parts, trouble }: Delivery, environment: Environment): Promise<void> {
    const ranges = this.#streams.map((stream, partition) => {
      const { back, count } = parts[partition] ?? { back: 0, count: 0 };
      const start = Math.max(0, (this.#acknowledged[partition] ?? 0) - back);
      return { start, end: Math.min(stream.length - closings * usersPerPartition, start + count) };
    });
    try {
      await this.#invoke(environment, ranges, trouble ?? undefined);
      outcomes.succeeded++;
    } catch (error) {
      // Others do not disturb it: they make it wait, and that is all.
      if (trouble === null) throw error;
      // What came of it is unknown. It is delivered again sooner or later.
      outcomes.failed++;
    }
  }

  #deliverRest(environment: Environment, closingsLeft: number): Promise<void> {
    const ranges = this.#streams.map((stream, partition) => ({
      start: Math.max(0, (this.#acknowledged[partition] ?? 0) - 2),
      end: stream.length - closingsLeft * usersPerPartition,
    }));
    return this.#invoke(environment, ranges);
  }

  async #invoke(environment: Environment, ranges: { start: number; end: number }[], trouble?: Trouble): Promise<void> {
    const parts = this.#streams.map((stream, partition) =>
      stream.slice(ranges[partition]?.start, ranges[partition]?.end),
    );
    const response = await environment.invoke(eventOf(this.#topic, parts), trouble);
    expect(response).toEqual({ batchItemFailures: [] });
    for (const [partition, { end }] of ranges.entries()) {
      this.#acknowledged[partition] = Math.max(this.#acknowledged[partition] ?? 0, end);
    }
  }
}

/** What one environment finds that gets every transaction once, in order, all at once, and is never disturbed. */
async function judgeInPeace(agent: Agent, topic: string, streams: readonly StreamRecord[][]): Promise<void> {
  const environment = await Environment.open(agent, database, control);
  const firsts = streams.map((stream) => {
    const seen = new Set<number>();
    return stream.filter(({ op, row }) => {
      if (op !== "c" && op !== "r") return false;
      if (seen.has(row.id)) return false;
      seen.add(row.id);
      return true;
    });
  });
  try {
    expect(await environment.invoke(eventOf(topic, firsts))).toEqual({ batchItemFailures: [] });
  } finally {
    await environment.close();
  }
}

async function alertsOf(agent: Agent, topic: string): Promise<object[]> {
  const { rows } = await control.query<object>(
    `select transaction_id, rule, user_id, amount_cents, reason, historical, partition, kafka_offset, committed_at
     from fraud.alerts where agent = $1 and topic = $2 order by transaction_id`,
    [agent.name, topic],
  );
  return rows;
}

async function play(plan: Round): Promise<void> {
  const number = ++roundsPlayed;
  const [topic, quietTopic] = [`round-${number}`, `reference-${number}`];
  const streams = plan.streams.map((_, partition) => streamOf(plan, partition, 1 + number * idsPerRound));
  // Another version of the same rules, so that their alerts have ids of their own.
  const [agent, reference] = [agents[plan.agent]?.(1), agents[plan.agent]?.(2)];
  if (agent === undefined || reference === undefined) throw new Error(`there is no agent ${plan.agent}`);
  await new Play(agent, topic, streams).deliverAll(plan.deliveries);
  await judgeInPeace(reference, quietTopic, streams);

  const [found, expected] = await Promise.all([alertsOf(agent, topic), alertsOf(reference, quietTopic)]);
  expect(found).toEqual(expected);
  expect(expected.length).toBeGreaterThan(0);
  const { rows: progress } = await control.query<{ partition: number; next_offset: number; judged: number }>(
    "select partition, next_offset, judged from fraud.progress where agent = $1 and topic = $2 order by partition",
    [agent.name, topic],
  );
  expect(progress).toEqual(
    streams.map((stream, partition) => ({
      partition,
      next_offset: (stream.at(-1)?.offset ?? 0) + 1,
      judged: new Set(stream.filter(({ op }) => op === "c" || op === "r").map(({ row }) => row.id)).size,
    })),
  );
}

describe("environments that interleave, break and wake up late, on a real PostgreSQL", () => {
  test(
    "raise the alerts of one that is never disturbed",
    async () => {
      await fc.assert(fc.asyncProperty(round, play), {
        seed,
        numRuns: rounds,
        // A smaller plan interleaves in other ways, and may fail or not by chance.
        endOnFailure: true,
      });
      console.info(`${roundsPlayed} rounds: ${outcomes.succeeded} deliveries succeeded, ${outcomes.failed} failed`);
      const { rows: checkpoints } = await control.query<{ made: number }>(
        "select count(*) as made from fraud.checkpoints",
      );
      console.info(`${checkpoints[0]?.made} checkpoints`);
      // A test in which nothing breaks would say nothing.
      expect(checkpoints[0]?.made).toBeGreaterThan(rounds / 10);
      expect(outcomes.failed).toBeGreaterThan(rounds / 2);
      expect(outcomes.succeeded).toBeGreaterThan(rounds);
    },
    30_000 + rounds * 3_000,
  );
});
