// How fast the console answers when there are a million alerts: npm run bench:console. On a stack of its own, through `sls offline`, as the page
// asks.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeCursor } from "../functions/console/alerts/cursor.ts";
import type { AlertPage, GroupList } from "../functions/console/api.ts";
import { printJson, table } from "../localstack/cli/output.ts";
import { abortOnSignals } from "../localstack/cli/signals.ts";
import { bringUp } from "../localstack/cli/up.ts";
import { connectTo } from "../localstack/run/database.ts";
import { FunctionHost, functionEnvironment } from "../localstack/run/functions.ts";
import { readSettings } from "../localstack/stack/settings.ts";
import { topics } from "../shared/kafka/topics.ts";
import { runBenchmark } from "./command.ts";
import { describeMachine } from "./machine.ts";
import { clearStack } from "./own-stack.ts";
import { median, percentile } from "./statistics.ts";
import { Status } from "./status.ts";

const alerts = 1_000_000;
const users = 9_000;
const days = 30;
const warmUps = 20;
const requests = 200;
/** What the issue of the console allows. */
const p95MsMax = 50;

const settings = readSettings({
  ...process.env,
  TRIPLINE_HOME: `${readSettings().home}/bench-console`,
  TRIPLINE_PORT_OFFSET: process.env["TRIPLINE_PORT_OFFSET"] || "13000",
});
const address = `http://127.0.0.1:${settings.ports.console}`;
const args = process.argv.slice(2);
const interrupted = abortOnSignals();
const status = new Status();

/** As many transactions, each with an alert, over the last month; two in a hundred have been spoken of. Historical ones are not forwarded. */
async function fill(): Promise<void> {
  const pool = connectTo(settings, "mydb");
  await pool.query("set statement_timeout = 0");
  await pool.query(
    `insert into transactions (user_id, amount, card_type, merchant_id, created_at)
     select 1000 + (random() * ${users - 1})::int, (5 + random() * 4995)::numeric(10, 2),
       (array['VISA', 'MASTERCARD', 'AMEX'])[1 + (random() * 2)::int], 1 + (random() * 499)::int,
       -- Every tenth within the last half hour, which the overview counts.
       now() - (${alerts} - each) * (case when each % 10 = 0 then interval '30 minutes' else interval '${days} days' end / ${alerts})
     from generate_series(1, ${alerts}) each`,
  );
  await pool.query(
    `insert into fraud.alerts (alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical, topic, partition,
       kafka_offset, committed_at, created_at)
     select agent || '-bench-v1-' || id, agent, 'ratio', 1, id, user_id, amount * 100,
       '{"rule":"ratio","count":50,"sumCents":5000000,"meanCents":100000,"threshold":3}', true, '${topics.transactions.name}', id % 8, id / 8,
       created_at, created_at + interval '40 milliseconds'
     from (select *, (array['profile', 'velocity'])[1 + id % 2] as agent from transactions) t`,
  );
  await pool.query(
    `insert into console.cases (alert_id, status, actor)
     select alert_id, (array['acknowledged', 'false_positive'])[1 + transaction_id % 2], 'bench' from fraud.alerts where transaction_id % 100 < 2`,
  );
  await pool.query(
    `insert into temperature_readings (sensor_id, temperature, recorded_at)
     select 'sensor-1', 18 + random() * 12, now() - each * interval '1 minute' from generate_series(1, 10080) each`,
  );
  await pool.query("vacuum analyze");
  await pool.end();
}

async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(address + path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** The functions read what was written before they ran; meanwhile the machine is not the console's alone. */
async function settle(): Promise<void> {
  for (;;) {
    const { groups } = await get<GroupList>("/api/groups");
    const lag = groups.reduce((sum, group) => sum + group.lag, 0);
    if (lag === 0 && groups.length >= 4) return;
    status.show(`the functions catch up: ${lag} records`);
    await sleep(1_000);
    interrupted.throwIfAborted();
  }
}

interface Measured {
  readonly path: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

async function measure(path: string): Promise<Measured> {
  const took: number[] = [];
  for (let i = 0; i < warmUps + requests; i++) {
    const startedMs = performance.now();
    await get(path);
    if (i >= warmUps) took.push(performance.now() - startedMs);
  }
  interrupted.throwIfAborted();
  return { path, p50Ms: median(took), p95Ms: percentile(took, 0.95) ?? Number.NaN, maxMs: Math.max(...took) };
}

async function pathsToMeasure(): Promise<string[]> {
  const { alerts: newest } = await get<AlertPage>("/api/alerts?limit=1");
  const [one] = newest;
  if (one === undefined) throw new Error("there are no alerts");
  const middle = new Date(Date.now() - (days / 2) * 86_400_000).toISOString();
  const before = encodeCursor({ createdAt: middle.replace("Z", "000Z"), alertId: "x" });
  const transactions = encodeURIComponent(topics.transactions.name);
  return [
    "/api/overview",
    "/api/alerts",
    `/api/alerts?before=${before}`,
    "/api/alerts?agent=profile&card=AMEX",
    `/api/alerts?user=${one.userId}`,
    "/api/alerts?status=false_positive",
    "/api/alerts?status=open",
    "/api/alerts?card=NONE",
    `/api/alerts?to=${middle}`,
    `/api/alerts/${encodeURIComponent(one.alertId)}`,
    `/api/users/${one.userId}`,
    `/api/users/${one.userId}/transactions`,
    `/api/users/${one.userId}/transactions?before=${alerts / 2}`,
    "/api/users/1/transactions",
    "/api/temperature?hours=24",
    "/api/topics",
    `/api/topics/${transactions}`,
    `/api/topics/${transactions}/messages`,
    `/api/topics/${transactions}/messages?from=start`,
    "/api/groups",
    "/api/connectors",
    "/api/mappings",
    "/api/failed-records",
    "/api/audit",
  ];
}

async function main(): Promise<void> {
  await mkdir(settings.home, { recursive: true });
  const functions = new FunctionHost(settings, functionEnvironment(settings, ""), (message) => status.show(message));
  try {
    const machine = await describeMachine();
    status.show("starting a stack of its own");
    await bringUp(settings, { json: true }, interrupted);
    status.show(`writing ${alerts.toLocaleString("en-US")} alerts`);
    await fill();
    status.show("starting the functions");
    await functions.start();
    await functions.ready(interrupted);
    await settle();
    const results: Measured[] = [];
    for (const path of await pathsToMeasure()) {
      status.show(path);
      results.push(await measure(path));
    }
    status.show("an index on the user");
    const pool = connectTo(settings, "mydb");
    await pool.query("set statement_timeout = 0");
    await pool.query("create index transactions_user on transactions (user_id, id)");
    await pool.query("analyze transactions");
    await pool.end();
    for (const { path } of results.filter((each) => each.path.includes("/transactions"))) {
      const indexed = await measure(path);
      results.push({ ...indexed, path: `${path}, with an index on the user` });
    }
    status.end();
    const slow = results.filter(({ p95Ms }) => p95Ms > p95MsMax);
    if (args.includes("--json"))
      return printJson({ ok: true, command: "npm run bench:console", machine, alerts, requests, results });
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    console.log(
      table([
        ["request", "p50", "p95", "max"],
        ...results.map((each) => [each.path, ms(each.p50Ms), ms(each.p95Ms), ms(each.maxMs)]),
      ]),
    );
    console.log(
      `\n${requests} requests each, one after the other, with ${alerts.toLocaleString("en-US")} alerts; ` +
        (slow.length === 0 ? `all within ${p95MsMax} ms at p95` : `${slow.length} above ${p95MsMax} ms at p95`),
    );
  } finally {
    await functions.stop();
    await clearStack(settings);
  }
}

await runBenchmark(main, { args, interrupted, status });
