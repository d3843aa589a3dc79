// What Kafka would cost the temperature path: npm run bench:temperature. Readings into PostgreSQL by the function as it is; then the same
// readings captured by Debezium, and read from Kafka. On a stack of its own.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createHandler } from "../functions/recordTemperature/handler.ts";
import { createHandler as createReporter } from "../functions/reportTemperature/handler.ts";
import { table } from "../localstack/cli/output.ts";
import { bringUp } from "../localstack/cli/up.ts";
import { connectTo } from "../localstack/run/database.ts";
import { residentBytes } from "../localstack/stack/processes.ts";
import { readSettings } from "../localstack/stack/settings.ts";
import { readLiveState } from "../localstack/stack/state.ts";
import { ConnectClient } from "../shared/connectors/connect-client.ts";
import { connectorDeclarations } from "../shared/connectors/declarations.ts";
import { connectKafka } from "../shared/kafka/client.ts";
import { clearStack } from "./own-stack.ts";
import { median, percentile } from "./statistics.ts";
import { cpuSeconds } from "./usage.ts";

const idleSeconds = 30;
const readings = 3_000;
/** The longest a reading may take through Kafka. */
const patienceMs = 60_000;

const settings = readSettings({
  ...process.env,
  TRIPLINE_HOME: `${readSettings().home}/bench-temperature`,
  TRIPLINE_PORT_OFFSET: "13000",
});
const topic = "dbserver1.public.temperature_readings";
const parts = ["postgres", "kafka", "connect"] as const;
type Part = (typeof parts)[number];
type Usage = Record<Part, number>;

const pidOf = (part: Part) => readLiveState(settings)?.parts[part]?.process?.pid ?? 0;
const each = (measure: (part: Part) => number): Usage => ({
  postgres: measure("postgres"),
  kafka: measure("kafka"),
  connect: measure("connect"),
});

/** CPU seconds that each part uses while `work` goes on. */
async function cpuOf(work: () => Promise<unknown>): Promise<Usage> {
  const before = each((part) => cpuSeconds(pidOf(part)));
  await work();
  return each((part) => cpuSeconds(pidOf(part)) - before[part]);
}

const pool = connectTo(settings, "mydb");
process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";
const record = createHandler({ pool, config: { sensorId: "sensor-1" }, random: Math.random });
const report = createReporter({ pool, clock: () => new Date() });
const scheduled = { time: new Date().toISOString() };

/** Readings one after another, as so many sensors would send them; how many milliseconds each took. */
async function recordMany(): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < readings; i++) {
    const startedMs = performance.now();
    await record(scheduled);
    took.push(performance.now() - startedMs);
  }
  return took;
}

const kafka = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-bench" });

/** When the reporter of the other design would have each reading, in milliseconds after its statement had begun. */
async function captureMany(): Promise<number[]> {
  const consumer = kafka.consumer({ groupId: "temperature-reporter", maxWaitTimeInMs: 100 });
  const arrivedMs = new Map<number, number>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        const { payload } = JSON.parse(String(value)) as { payload: { after: { id: number } } };
        arrivedMs.set(payload.after.id, performance.now());
      }
    },
  });
  await joined;
  const sentMs = new Map<number, number>();
  for (let i = 0; i < readings; i++) {
    const startedMs = performance.now();
    const { id } = await record(scheduled);
    sentMs.set(id, startedMs);
  }
  const untilMs = performance.now() + patienceMs;
  while (![...sentMs.keys()].every((id) => arrivedMs.has(id))) {
    if (performance.now() > untilMs)
      throw new Error(`Only ${arrivedMs.size} of ${readings} readings came through Kafka.`);
    await sleep(50);
  }
  await consumer.disconnect();
  return [...sentMs].map(([id, startedMs]) => (arrivedMs.get(id) ?? 0) - startedMs);
}

async function capture(): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const activity = connectorDeclarations["activity-connector"];
  const connect = new ConnectClient(settings.connectUrl);
  await connect.put("temperature-connector", {
    ...activity,
    "database.hostname": settings.postgres.host,
    "database.port": String(settings.postgres.port),
    "database.user": settings.postgres.user,
    "database.password": settings.postgres.password,
    "database.dbname": "mydb",
    "table.include.list": "public.temperature_readings",
    "publication.name": "temperature_publication",
    "slot.name": "temperature_slot",
    "custom.metric.tags": "connector=temperature",
    "snapshot.mode": "no_data",
  });
  while (!(await connect.list()).get("temperature-connector")?.tasks.some(({ state }) => state === "RUNNING"))
    await sleep(200);
}

const milliseconds = (value: number) => `${value.toFixed(1)} ms`;

await mkdir(settings.home, { recursive: true });
try {
  console.error("starting a stack of its own");
  await bringUp(settings, { json: true }, new AbortController().signal);
  // What Java compiles at its start is no part of being idle.
  await sleep(45_000);
  console.error(`idle, for ${idleSeconds} s`);
  const idle = await cpuOf(() => sleep(idleSeconds * 1_000));
  const memory = each((part) => residentBytes(pidOf(part)));
  console.error(`${readings} readings without Kafka`);
  await recordMany();
  let took: number[] = [];
  const startedMs = performance.now();
  const direct = await cpuOf(async () => {
    took = await recordMany();
  });
  const directSeconds = (performance.now() - startedMs) / 1_000;
  const reportedMs = performance.now();
  await report({ time: new Date(Date.now() + 60_000).toISOString() });
  const reportMs = performance.now() - reportedMs;
  console.error(`${readings} readings through Kafka`);
  await capture();
  await captureMany();
  let arrived: number[] = [];
  const captured = await cpuOf(async () => {
    arrived = await captureMany();
  });
  const sum = (usage: Usage) => usage.postgres + usage.kafka + usage.connect;
  const design = (name: string, which: readonly Part[], usage: Usage, latencies: readonly number[]) => [
    name,
    String(which.length),
    `${Math.round(which.reduce((bytes, part) => bytes + memory[part], 0) / 1e6)} MB`,
    `${which.reduce((seconds, part) => seconds + (idle[part] * 60) / idleSeconds, 0).toFixed(2)} s`,
    `${((sum(usage) * 1_000) / readings).toFixed(2)} s`,
    `${milliseconds(median(latencies))}, ${milliseconds(percentile(latencies, 0.99) ?? Number.NaN)}`,
  ];
  console.log(
    table([
      [
        "design",
        "servers",
        "memory",
        "CPU a minute, idle",
        "CPU for 1,000 readings",
        "reading to reporter (median, 99 %)",
      ],
      design("PostgreSQL alone", ["postgres"], direct, took),
      design("PostgreSQL, Debezium, Kafka", parts, captured, arrived),
    ]),
  );
  console.log(
    `one after another, ${Math.round((readings / directSeconds) * 60).toLocaleString("en-US")} readings a minute without Kafka; a report over ${readings * 2} readings takes ${milliseconds(reportMs)}`,
  );
} finally {
  await pool.end();
  await clearStack(settings);
}
