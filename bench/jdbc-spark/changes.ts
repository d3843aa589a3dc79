// Everybody reads the same changing load at once, and what each has seen is counted. Nothing is timed here.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readJudged } from "../../localstack/audit/verify.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { BenchError } from "../errors.ts";
import { accountOf, deletedBetween, type Observation, parseReads, type Seen } from "./accounting.ts";
import { lastIdOf, makeAlertTable } from "./ground.ts";
import { changingLoad } from "./load.ts";
import type { ChangesReader, ChangesResult } from "./results.ts";
import { SparkJob, type SparkTools, type Way } from "./spark-job.ts";
import { judgedPatienceMs, type Run } from "./steady.ts";

const readers: readonly { readonly way: Way; readonly intervalMs: number }[] = [
  { way: "id", intervalMs: 1_000 },
  { way: "id", intervalMs: 10_000 },
  { way: "timestamp", intervalMs: 1_000 },
  { way: "timestamp", intervalMs: 10_000 },
  { way: "lookback", intervalMs: 1_000 },
  { way: "reload", intervalMs: 0 },
];

/** On a stack that runs, its table as it is. */
export async function measureChanges(
  run: Run,
  pool: Pool,
  settings: Settings,
  tools: SparkTools,
): Promise<ChangesResult> {
  const { changingSeconds: seconds, seed } = run.plan;
  run.progress("changes: starting Spark beside the stack");
  await pool.query("create index if not exists transactions_created_at on transactions (created_at)");
  const afterId = await lastIdOf(pool);
  const judgedBefore = await readJudged(pool);
  const topic = new TopicReader(settings);
  await topic.begin();
  const job = new SparkJob(settings, tools);
  try {
    const folder = join(settings.home, "reads");
    mkdirSync(folder, { recursive: true });
    const started = [];
    for (const { intervalMs, way } of readers) {
      const name = `${way}_${intervalMs}`;
      const file = join(folder, `${name}.csv`);
      await job.first(name, way, await makeAlertTable(pool, name), { file, afterId });
      started.push({ file, intervalMs, name, way });
    }
    for (const { intervalMs, name } of started) job.loop(name, intervalMs);
    run.progress(`changes: several writers, updates and deletes for ${seconds} s`);
    const ledger = await changingLoad(pool, { seconds, seed, signal: run.signal });
    const endMs = Date.now();
    run.progress("changes: letting every reader read to the end");
    for (const { name } of started) await job.pass((pass) => pass.name === name && pass.startedAtMs > endMs);
    await job.stopLoops();
    const spark = started.map(({ file, intervalMs, name, way }): ChangesReader => {
      const rows = parseReads(readFileSync(file, "utf8"));
      const reads = job.passes.filter((pass) => pass.name === name).length;
      const deleted = way === "reload" ? deletedBetween(rows, reads) : new Set<number>();
      return { reader: way, intervalMs, reads, account: accountOf(ledger, { rows, deleted }) };
    });
    await untilJudged(run, pool, judgedBefore.profile + ledger.inserted.length);
    const tripline = accountOf(ledger, await topic.readToEnd(afterId));
    return {
      seconds,
      readers: [{ reader: "tripline", intervalMs: undefined, reads: undefined, account: tripline }, ...spark],
    };
  } finally {
    await job.end();
    await topic.end();
  }
}

/** By the profile agent: rows that were deleted since count, so the table's own number says nothing. */
async function untilJudged(run: Run, pool: Pool, rows: number): Promise<void> {
  const deadlineMs = Date.now() + judgedPatienceMs;
  for (;;) {
    run.signal.throwIfAborted();
    const { profile } = await readJudged(pool);
    if (profile >= rows) return;
    if (Date.now() > deadlineMs) {
      throw new BenchError("STALLED", `Tripline has judged ${profile} of ${rows} rows and goes no further.`);
    }
    await sleep(200);
  }
}

interface ChangeEvent {
  readonly op: string;
  readonly before?: { readonly id: number } | null;
  readonly after?: { readonly id: number; readonly amount: string } | null;
}

/** The change events of `transactions` from one moment on, read as any consumer would. */
class TopicReader {
  readonly #kafka;
  readonly #admin;
  readonly #topic = topics.transactions.name;
  #from: { partition: number; offset: number }[] = [];

  constructor(settings: Settings) {
    this.#kafka = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-bench-changes" });
    this.#admin = this.#kafka.admin();
  }

  async begin(): Promise<void> {
    await this.#admin.connect();
    this.#from = await this.#ends();
  }

  async readToEnd(afterId: number): Promise<Seen> {
    const ends = new Map((await this.#ends()).map(({ offset, partition }) => [partition, offset]));
    const left = new Set(
      this.#from
        .filter(({ offset, partition }) => offset < (ends.get(partition) ?? 0))
        .map(({ partition }) => partition),
    );
    const rows: Observation[] = [];
    const deleted = new Set<number>();
    const consumer = this.#kafka.consumer({ groupId: `bench-changes-${Date.now()}` });
    await consumer.connect();
    await consumer.subscribe({ topic: this.#topic });
    const done = Promise.withResolvers<void>();
    if (left.size === 0) done.resolve();
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { messages, partition } }) => {
        for (const { offset, value } of messages) {
          if (Number(offset) >= (ends.get(partition) ?? 0)) break;
          // A tombstone follows each delete.
          const event = value === null ? undefined : (JSON.parse(value.toString()) as ChangeEvent);
          if (event?.op === "d" && event.before) deleted.add(event.before.id);
          else if (event?.after && event.after.id > afterId) {
            const { amount, id } = event.after;
            rows.push({ read: Number(offset), id, cents: Math.round(Number(amount) * 100) });
          }
        }
        if (Number(messages.at(-1)?.offset) >= (ends.get(partition) ?? 0) - 1) left.delete(partition);
        if (left.size === 0) done.resolve();
      },
    });
    for (const { offset, partition } of this.#from)
      consumer.seek({ topic: this.#topic, partition, offset: String(offset) });
    await done.promise;
    await consumer.disconnect();
    return { rows, deleted };
  }

  async end(): Promise<void> {
    await this.#admin.disconnect();
  }

  async #ends(): Promise<{ partition: number; offset: number }[]> {
    const offsets = await this.#admin.fetchTopicOffsets(this.#topic);
    return offsets.map(({ high, partition }) => ({ partition, offset: Number(high) }));
  }
}
