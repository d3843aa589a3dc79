import {
  isGood,
  readJudged,
  type Verification,
  verifyAlerts,
  waitUntilJudged,
  waitUntilNoneLeft,
} from "../../localstack/audit/verify.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { eventually } from "../integration/stack.ts";
import type { System } from "./system.ts";

/**
 * Longer than anything waits before it tries again: the supervisor 15 s for a server, the reconciler 60 s for a connector, the
 * mapping 30 s for a batch.
 */
const patienceMs = 90_000;

/**
 * An agent whose group was deleted reads its topic again from the beginning, which moves nothing forward until it is through: after
 * an hour these are millions of records. Five times slower than was seen, with both agents and everything else on two cores.
 */
const recordsReadAgainPerSecond = 15_000;

export interface Recovery {
  /** From the end of the last fault until everything was judged that had been inserted by then. */
  recoveredMs: number;
  rows: number;
  alerts: number;
  verification: Verification | undefined;
  /** What is wrong; empty when nothing is. */
  problems: string[];
}

/** Waits until the path is empty, with the transactions paused, and audits it. */
export async function recover(system: System, signal?: AbortSignal): Promise<Recovery> {
  const startMs = Date.now();
  const readAgainMs = ((await writtenTo(system, topics.transactions.name)) / recordsReadAgainPerSecond) * 1000;
  const patience = { patienceMs: patienceMs + readAgainMs, isRecovering: () => !system.isReady(), signal };
  const problems: string[] = [];

  const target = await rowsIn(system);
  const behind = await waitUntilNoneLeft(patience, async () => {
    const { profile, velocity } = await readJudged(system.pool);
    return target - Math.min(profile, velocity);
  });
  const recoveredMs = Date.now() - startMs;

  await system.load.pause();
  const left = behind > 0 ? behind : await waitUntilJudged(system.pool, patience);
  if (left > 0) problems.push(`${left} rows were not judged by both agents`);
  const putAside = await writtenTo(system, topics.failedRecords.name);
  if (putAside > 0) problems.push(`${putAside} records were put aside in ${topics.failedRecords.name}`);
  if (problems.length > 0) return { recoveredMs, rows: target, alerts: 0, verification: undefined, problems };

  const [rows, judged] = [await rowsIn(system), await readJudged(system.pool)];
  for (const [agent, times] of Object.entries(judged)) {
    if (times !== rows) problems.push(`${agent} has judged ${times} transactions, and there are ${rows}`);
  }
  for (const [server, { connections }] of Object.entries(system.proxies)) {
    if (connections === 0) problems.push(`the proxy carries nothing to ${server}: the functions go another way`);
  }
  const notForwarded = await waitUntilNoneLeft(patience, async () => (await liveAlerts(system)) - system.received.size);
  if (notForwarded > 0) problems.push(`${notForwarded} alerts did not come out at the webhook`);
  const verification = await verifyAlerts(system.pool, system.ruleEnvironment);
  if (!isGood(verification)) {
    const { missing, unexpected, duplicated } = verification;
    problems.push(`verify: ${missing} missing, ${unexpected} unexpected, ${duplicated} duplicated`);
    for (const example of verification.examples) problems.push(JSON.stringify(example));
  }
  system.load.start();
  return { recoveredMs, rows: verification.transactions, alerts: verification.found, verification, problems };
}

async function rowsIn(system: System): Promise<number> {
  return eventually(
    async () => (await system.pool.query<{ rows: number }>("select count(*) as rows from transactions")).rows[0]?.rows,
    "the number of rows",
    120_000,
  );
}

/** Records that have ever been written to a topic, whether they are still there or not. */
async function writtenTo(system: System, topic: string): Promise<number> {
  const partitions = await system.withAdmin(`the ends of ${topic}`, (admin) => admin.fetchTopicOffsets(topic));
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

async function liveAlerts(system: System): Promise<number> {
  const { rows } = await system.pool.query<{ alerts: number }>(
    "select count(*) as alerts from fraud.alerts where not historical",
  );
  return rows[0]?.alerts ?? 0;
}
