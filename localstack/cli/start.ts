import { setTimeout as sleep } from "node:timers/promises";
import { formatAlert } from "../../shared/alerts/index.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import {
  auditTimeoutMs,
  hintOf,
  isGood,
  readJudged,
  type Verification,
  verifyAlerts,
  waitUntilJudged,
  waitUntilNoneLeft,
} from "../audit/verify.ts";
import { connectTo } from "../run/database.ts";
import { FunctionHost, functionEnvironment } from "../run/functions.ts";
import { generate } from "../run/generator.ts";
import { percentile } from "../run/percentiles.ts";
import { ProgressReader } from "../run/progress.ts";
import { AlertReceiver, type ReceivedAlert } from "../run/receiver.ts";
import { Screen } from "../run/screen.ts";
import { reasonOf, StackError } from "../stack/errors.ts";
import { consolePort, loopback, readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { bringDown } from "./down.ts";
import { bold, cyan, dim, green, printJson, red, yellow } from "./output.ts";
import { abortOnSignals, throwIfInterrupted } from "./signals.ts";
import { bringUp } from "./up.ts";

export interface StartOptions {
  json?: boolean;
  for?: string;
  rate: string;
  keep?: boolean;
  containers?: boolean;
}

/** How far the path may stand still at the end before what is left counts as lost. */
const drainPatienceMs = 30_000;
const statusIntervalMs = 1_000;
const rateMax = 100_000;

interface Totals {
  rowsInserted: number;
  judgedBefore: { profile: number; velocity: number };
  judged: { profile: number; velocity: number };
  alerts: { profile: number; velocity: number };
  forwarded: number;
  latenciesMs: number[];
}

/** `tripline start`, which `npm start` runs: the whole path from a row to an alert, live. */
export async function start(options: StartOptions): Promise<void> {
  const settings = readSettings();
  const durationMs = options.for === undefined ? undefined : parseDuration(options.for);
  const rate = parseRate(options.rate);
  const startedMs = Date.now();
  const wasUp = readLiveState(settings) !== undefined;
  const stop = abortOnSignals();
  const json = options.json === true;
  try {
    const state = await bringUp(settings, { json, containers: options.containers === true }, stop);
    if (!json && state.parts.aws?.state === "absent") {
      console.log(`${yellow("!")} no local AWS: alerts go to the log and the webhook`);
    }
    await run({ settings, rate, durationMs, json, stop, startedMs });
  } finally {
    if (!wasUp && !options.keep) {
      if (!json) console.log(dim("Stopping the stack"));
      await bringDown(settings);
    } else if (!json) console.log(dim("The stack still runs: 'npx tripline down' stops it."));
  }
}

interface Run {
  settings: Settings;
  rate: number;
  durationMs: number | undefined;
  json: boolean;
  stop: AbortSignal;
  startedMs: number;
}

async function run({ settings, rate, durationMs, json, stop, startedMs }: Run): Promise<void> {
  const screen = new Screen();
  const say = (text: string) => json || screen.line(text);
  const pool = connectTo(settings, "mydb", { connectionsMax: 4, statementTimeoutMs: auditTimeoutMs });
  const progress = new ProgressReader(settings, pool);
  const totals = newTotals(await readJudged(pool));
  const firstId = await lastTransactionId(pool);
  const receiver = new AlertReceiver((alert, arrivedAtMs) => {
    const isOfThisRun = alert.transactionId > firstId;
    const delayMs = arrivedAtMs - Date.parse(alert.committedAt);
    if (isOfThisRun) {
      totals.forwarded++;
      totals.latenciesMs.push(delayMs);
    }
    say(alertLine(alert, arrivedAtMs, delayMs));
  });
  const host = new FunctionHost(settings, functionEnvironment(settings, await receiver.start()), (message) =>
    say(`${yellow("!")} ${message}`),
  );
  try {
    say(dim("Starting the functions (sls offline)"));
    await host.start();
    await host.ready(stop);
    await progress.start();
    throwIfInterrupted(stop);
    say(
      `${green("✔")} Ready after ${seconds(Date.now() - startedMs)}; inserting ${rate.toLocaleString("en-US")} transactions a second. ${dim("Ctrl-C ends.")}`,
    );
    const port = consolePort(settings, readLiveState(settings)?.mode);
    say(`  The console is at ${cyan(`http://${loopback}:${port}`)}`);
    const end = durationMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(durationMs)]);
    const following = follow(progress, totals, screen, json, end);
    await generate(pool, rate, {
      signal: end,
      onRows: (rows) => {
        totals.rowsInserted += rows;
      },
      onTrouble: (error) => say(`${red("!")} PostgreSQL took no transactions: ${reasonOf(error)}`),
    });
    await following;
    screen.end();
    say(dim("No more transactions; letting the path run empty"));
    // The signal that ended the transactions must not end this as well; a later one may.
    const left = await drain(settings, pool, firstId, totals, stop.aborted ? undefined : stop);
    // As the table has it: the answer to an insert can be lost although the rows are there.
    totals.rowsInserted = await countTransactions(pool, firstId);
    totals.judged = await readJudged(pool);
    reportLeft(left);
    totals.alerts = await countAlerts(pool, firstId);
  } finally {
    screen.end();
    await host.stop();
    await receiver.stop();
    await progress.stop().catch(() => {});
  }
  say(dim("Recomputing in SQL which alerts must exist"));
  const verification = await verifyAlerts(pool);
  await pool.end();
  if (!isGood(verification)) process.exitCode = 1;
  if (json) printJson(summaryOf(totals, verification));
  else printSummary(totals, verification);
}

interface Left {
  notJudged: number;
  notForwarded: number;
}

/** Waits until the agents have judged every row and every alert of this run is forwarded, or nothing moves any more. */
async function drain(
  settings: Settings,
  pool: Pool,
  firstId: number,
  totals: Totals,
  signal: AbortSignal | undefined,
): Promise<Left> {
  const patience = {
    patienceMs: drainPatienceMs,
    isRecovering: () => readLiveState(settings)?.ready === false,
    signal,
  };
  const notJudged = await waitUntilJudged(pool, patience);
  const notForwarded = await waitUntilNoneLeft(patience, async () => {
    const alerts = await countAlerts(pool, firstId, "not historical");
    return alerts.profile + alerts.velocity - totals.forwarded;
  });
  return { notJudged, notForwarded };
}

/** What did not reach the end is a failure of the run, even where no alert is missing yet. */
function reportLeft({ notJudged, notForwarded }: Left): void {
  if (notJudged > 0) {
    process.exitCode = 1;
    console.error(`${red("✖")} ${notJudged} transactions were not judged: 'npx tripline logs functions' says why`);
  }
  if (notForwarded > 0) {
    process.exitCode = 1;
    console.error(`${red("✖")} ${notForwarded} alerts were not forwarded: 'npx tripline logs functions' says why`);
  }
}

function newTotals(judged: Totals["judged"]): Totals {
  return {
    rowsInserted: 0,
    judgedBefore: judged,
    judged,
    alerts: { profile: 0, velocity: 0 },
    forwarded: 0,
    latenciesMs: [],
  };
}

async function lastTransactionId(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ id: number }>("select coalesce(max(id), 0) as id from transactions");
  return rows[0]?.id ?? 0;
}

async function countTransactions(pool: Pool, firstId: number): Promise<number> {
  const { rows } = await pool.query<{ rows: number }>("select count(*) as rows from transactions where id > $1", [
    firstId,
  ]);
  return rows[0]?.rows ?? 0;
}

async function countAlerts(
  pool: Pool,
  firstId: number,
  condition: "true" | "not historical" = "true",
): Promise<Totals["alerts"]> {
  const { rows } = await pool.query<{ agent: string; alerts: number }>(
    `select agent, count(*) as alerts from fraud.alerts where transaction_id > $1 and ${condition} group by agent`,
    [firstId],
  );
  return { profile: 0, velocity: 0, ...Object.fromEntries(rows.map(({ agent, alerts }) => [agent, alerts])) };
}

/** Keeps the status line true until the signal comes. */
async function follow(
  progress: ProgressReader,
  totals: Totals,
  screen: Screen,
  json: boolean,
  end: AbortSignal,
): Promise<void> {
  const number = (value: number) => value.toLocaleString("en-US");
  let before = { atMs: Date.now(), forwarded: 0, rows: 0 };
  while (!end.aborted) {
    await sleep(statusIntervalMs, undefined, { signal: end }).catch(() => {});
    if (json || end.aborted) continue;
    const now = { atMs: Date.now(), forwarded: totals.forwarded, rows: totals.rowsInserted };
    try {
      const { judged, lagMessages, temperature } = await progress.read();
      const { profile, velocity } = totals.judgedBefore;
      const done = { profile: judged.profile - profile, velocity: judged.velocity - velocity };
      // Rows that Debezium has yet to read are behind as well, not only messages that wait in Kafka.
      const lag = Math.max(lagMessages, now.rows - Math.min(done.profile, done.velocity));
      screen.status(
        [
          `${number(now.rows)} rows`,
          `judged ${number(done.profile)} profile, ${number(done.velocity)} velocity`,
          `lag ${number(lag)}`,
          `${number(now.forwarded)} alerts, ${perSecond(now, before).toFixed(1)}/s`,
          temperature ? `${temperature.celsius.toFixed(1)} °C` : "no reading yet",
        ].join(" · "),
      );
    } catch (error) {
      screen.status(`the stack does not answer: ${reasonOf(error)}`);
    }
    before = now;
  }
}

/** Alerts a second between two looks. */
function perSecond(now: { atMs: number; forwarded: number }, before: { atMs: number; forwarded: number }): number {
  return ((now.forwarded - before.forwarded) * 1000) / (now.atMs - before.atMs);
}

function alertLine(alert: ReceivedAlert, arrivedAtMs: number, delayMs: number): string {
  const time = new Date(arrivedAtMs).toTimeString().slice(0, 8);
  const tint = alert.agent === "profile" ? cyan : yellow;
  return `${dim(time)}  ${tint(formatAlert(alert))}  ${dim(`after ${delay(delayMs)}`)}`;
}

function summaryOf(
  { rowsInserted, judged, judgedBefore, alerts, forwarded, latenciesMs }: Totals,
  verification: Verification,
) {
  const { expected, found, missing, unexpected, duplicated } = verification;
  return {
    rowsInserted,
    eventsProcessed: {
      profile: judged.profile - judgedBefore.profile,
      velocity: judged.velocity - judgedBefore.velocity,
    },
    alerts,
    forwarded,
    latencyMs: { p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99) },
    verify: { expected, found, missing, unexpected, duplicated },
  };
}

function printSummary(totals: Totals, verification: Verification): void {
  const { eventsProcessed, alerts, forwarded, latencyMs, verify } = summaryOf(totals, verification);
  const number = (value: number) => value.toLocaleString("en-US");
  console.log();
  console.log(`${bold("Rows inserted")}   ${number(totals.rowsInserted)}`);
  console.log(
    `${bold("Judged")}          ${number(eventsProcessed.profile)} by profile, ${number(eventsProcessed.velocity)} by velocity`,
  );
  console.log(
    `${bold("Alerts")}          ${number(alerts.profile)} profile, ${number(alerts.velocity)} velocity; ${number(forwarded)} forwarded`,
  );
  if (latencyMs.p50 !== null)
    console.log(
      `${bold("Row to alert")}    ${delay(latencyMs.p50)} median, ${delay(latencyMs.p99 ?? latencyMs.p50)} 99th percentile`,
    );
  const mark = isGood(verification) ? green("✔") : red("✖");
  console.log(
    `${bold("Verify")}          ${mark} ${number(verify.expected)} alerts must exist and ${number(verify.found)} do: ${verify.missing} missing, ${verify.unexpected} unexpected, ${verify.duplicated} duplicated`,
  );
  const hint = hintOf(verification);
  if (hint) console.log(`${yellow("!")} ${hint}`);
}

/** 60s, 5m, 1h, or a number of seconds. */
function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const ms = Number(match?.[1]) * { s: 1_000, m: 60_000, h: 3_600_000 }[(match?.[2] ?? "s") as "s" | "m" | "h"];
  if (match === null || ms < 1_000 || ms > 2 ** 31 - 1)
    throw new StackError("USAGE", `--for takes a duration such as 60s, 5m or 1h, not '${text}'.`);
  return ms;
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 1 || rate > rateMax) {
    throw new StackError(
      "USAGE",
      `--rate takes a whole number of transactions a second from 1 to ${rateMax.toLocaleString("en-US")}, not '${text}'.`,
    );
  }
  return rate;
}

function delay(ms: number): string {
  return ms < 10_000 ? `${ms.toLocaleString("en-US")} ms` : seconds(ms);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
