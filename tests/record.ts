// Records real change events for unit tests: npm run record. Needs a running stack (npx tripline up).
// Writes shared/change-events/samples/*.json: Lambda Kafka events with a snapshot row, an insert, an update, a delete, its
// tombstone and a truncate, in the modes in which Debezium writes them.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../localstack/run/database.ts";
import { projectRoot, readSettings } from "../localstack/stack/settings.ts";
import { buildEvent, partitionKey, toEventRecord } from "../packages/serverless-offline-kafka/src/delivery/event.ts";
import { fromMessage } from "../packages/serverless-offline-kafka/src/kafka/fast-fetch.ts";
import { ConnectClient } from "../shared/connectors/connect-client.ts";
import { isRunning } from "../shared/connectors/reconciler.ts";
import { connectKafka } from "../shared/kafka/client.ts";

const settings = readSettings();
const kafka = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-record" });
const connect = new ConnectClient(settings.connectUrl);
const database = "recording";
const envelope = {
  eventSource: "aws:kafka" as const,
  eventSourceArn: "arn:aws:kafka:us-east-1:000000000000:cluster/tripline/00000000-0000-0000-0000-000000000000-1",
  bootstrapServers: "127.0.0.1:9092",
};

/** Debezium's settings of each recording; the names are those of the files. */
const plain = {
  "value.converter": "org.apache.kafka.connect.json.JsonConverter",
  "value.converter.schemas.enable": "false",
  "value.converter.replace.null.with.default": "false",
  "extended.headers.enabled": "false",
};
const modes: Record<string, Record<string, string>> = {
  defaults: {},
  "no-schema": plain,
  "string-no-schema": { "decimal.handling.mode": "string", ...plain },
  "double-connect": { "decimal.handling.mode": "double", "time.precision.mode": "connect" },
  isostring: { "decimal.handling.mode": "string", "time.precision.mode": "isostring", ...plain },
};

async function record(mode: string, modeSettings: Record<string, string>): Promise<void> {
  const name = `recording-${mode}`;
  const topic = `${name}.public.transactions`;
  // Connect remembers positions by connector: one of a name that was used before would take no snapshot.
  const connector = `${name}-${Date.now()}`;
  const server = connectTo(settings, "postgres", { connectionsMax: 1 });
  const admin = kafka.admin();
  await admin.connect();
  await server.query(`drop database if exists ${database} with (force)`);
  await server.query(`create database ${database}`);
  const pool = connectTo(settings, database, { connectionsMax: 1 });
  try {
    await pool.query(
      "create table transactions (id serial primary key, user_id int, amount decimal(10,2), card_type varchar, merchant_id int, created_at timestamp default current_timestamp)",
    );
    const insert =
      "insert into transactions (user_id, amount, card_type, merchant_id, created_at) values ($1, $2, $3, $4, $5)";
    await pool.query(insert, [4242, "1234.56", "AMEX", 7, "2026-11-23 10:00:00.123456"]);
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic, numPartitions: 1 },
        { topic: `__debezium-heartbeat.${name}`, numPartitions: 1 },
      ],
    });
    await connect.put(connector, {
      "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
      "plugin.name": "pgoutput",
      "database.hostname": settings.postgres.host,
      "database.port": String(settings.postgres.port),
      "database.user": settings.postgres.user,
      "database.password": settings.postgres.password,
      "database.dbname": database,
      "topic.prefix": name,
      "table.include.list": "public.transactions",
      "publication.autocreate.mode": "filtered",
      "publication.name": "recording",
      "slot.name": "recording",
      // Debezium leaves truncates out unless it is told not to.
      "skipped.operations": "none",
      ...modeSettings,
    });
    while (!isRunning((await connect.list()).get(connector))) await sleep(100);
    const messages = async () => Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0);
    const until = async (count: number) => {
      while ((await messages()) < count) await sleep(100);
    };
    await until(1);
    // The slot has to be read before what comes next is streamed and not part of the snapshot.
    await sleep(1_000);
    await pool.query(insert, [4242, "0.05", "VISA", 8, "2026-11-23 10:00:01"]);
    await pool.query(insert, [1001, "99999999.99", 'Müller "Card" \\ 💳', null, "2026-11-23 10:00:02.5"]);
    await pool.query(insert, [null, null, null, null, null]);
    await pool.query("update transactions set amount = 300.10 where id = 2");
    await pool.query("delete from transactions where id = 2");
    await pool.query("truncate transactions");
    await until(8);
    const count = await messages();
    const records = await read(topic, count);
    const event = buildEvent(envelope, [{ key: partitionKey(topic, 0), records }]);
    const folder = join(projectRoot, "shared/change-events/samples");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${mode}.json`), `${JSON.stringify(event)}\n`);
    console.log(`${mode}: ${count} records`);
  } finally {
    await fetch(`${settings.connectUrl}/connectors/${connector}`, { method: "DELETE" });
    await sleep(1_000);
    await pool.end();
    await server.query(
      "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'recording' and not active",
    );
    await server.query(`drop database if exists ${database} with (force)`);
    await server.end();
    await admin.deleteTopics({ topics: [topic, `__debezium-heartbeat.${name}`] }).catch(() => {});
    await admin.disconnect();
  }
}

async function read(topic: string, count: number) {
  const consumer = kafka.consumer({ groupId: `recording-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const records = await new Promise<ReturnType<typeof toEventRecord>[]>((resolve) => {
    const all: ReturnType<typeof toEventRecord>[] = [];
    void consumer.run({
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages)
          all.push(toEventRecord(batch.topic, batch.partition, fromMessage(message)));
        if (all.length >= count) resolve(all);
      },
    });
  });
  await consumer.disconnect();
  return records;
}

for (const [mode, modeSettings] of Object.entries(modes)) await record(mode, modeSettings);
