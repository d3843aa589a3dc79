// How fast an agent's handler is on one core, without Kafka and PostgreSQL: node bench/handler.ts [--quick] [--json].
// A Lambda event goes in and alerts come out, as from the event source mapping: records of one partition with their values in
// base64, as many as fit in 6 MB, parsed from JSON right before, as Lambda's runtime does. All that is left out is the database:
// the store forgets what it is given. Making and parsing the events is not in the time.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Agent } from "../shared/agents/agent.ts";
import { profileConfig, velocityConfig } from "../shared/agents/config.ts";
import { agentHandler } from "../shared/agents/handler.ts";
import { profileAgent } from "../shared/agents/profile.ts";
import type { FoldStore, TopicPartition } from "../shared/agents/store.ts";
import { velocityAgent } from "../shared/agents/velocity.ts";
import type { KafkaEvent, KafkaRecord } from "../shared/lambda/index.ts";
import type { Pool } from "../shared/postgres/index.ts";
import { messageKey, messageValue, partitionOf, TransactionStream } from "./change-events.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";
process.env["POWERTOOLS_METRICS_DISABLED"] = "true";

const { values: options } = parseArgs({
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});
const topic = "dbserver1.public.transactions";
const partitions = 8;
const eventBytesMax = 6 * 1024 * 1024;
const recordsMax = 10_000;

/** The schema that JsonConverter writes before each message with schemas.enable=true: a recorded one, with amounts as text. */
function schemaText(): string {
  const file = join(import.meta.dirname, "../shared/change-events/samples/defaults.json");
  const [records = []] = Object.values((JSON.parse(readFileSync(file, "utf8")) as KafkaEvent).records);
  const { schema } = JSON.parse(Buffer.from(records[0]?.value ?? "", "base64").toString()) as {
    schema: { fields: { field: string; fields: { field: string }[] }[] };
  };
  for (const image of schema.fields.filter(({ field }) => field === "before" || field === "after")) {
    const amount = { type: "string", optional: true, field: "amount" };
    image.fields = image.fields.map((column) => (column.field === "amount" ? amount : column));
  }
  return JSON.stringify(schema);
}

/** One transaction after the other, nothing kept but how far it came. */
function forgetfulStore(): FoldStore & { alerts: number } {
  const nextOffsets = new Map<number, number>();
  const store = {
    alerts: 0,
    transaction: ((work) =>
      work({
        lockWatermarks: async (wanted: readonly TopicPartition[]) =>
          wanted.map((each) => ({ ...each, lineage: "one", nextOffset: nextOffsets.get(each.partition) ?? 0 })),
        readCheckpoint: async () => undefined,
        readChanges: async () => [],
        append: async (changes, alerts) => {
          for (const { partition, nextOffset } of changes) nextOffsets.set(partition, nextOffset);
          store.alerts += alerts.length;
          return alerts.length;
        },
        writeCheckpoint: async () => {},
      })) as FoldStore["transaction"],
  };
  return store;
}

type Row = Parameters<typeof messageValue>[0];

/**
 * Events of a stream that never ends, each of one partition. Rows wait until there are enough of a partition.
 */
function* events(schema: string | undefined): Generator<KafkaRecord[]> {
  const rows = new TransactionStream(1);
  const waiting = Array.from({ length: partitions }, () => [] as Row[]);
  const offsets = waiting.map(() => 0);
  const textOf = (row: Row) => {
    const payload = messageValue(row);
    return schema === undefined ? payload : `{"schema":${schema},"payload":${payload}}`;
  };
  const recordOf = (row: Row, partition: number): KafkaRecord => ({
    topic,
    partition,
    offset: (offsets[partition] as number)++,
    timestamp: Math.floor(row.committedAtMicros / 1000),
    timestampType: "CREATE_TIME",
    key: Buffer.from(messageKey(row)).toString("base64"),
    value: Buffer.from(textOf(row)).toString("base64"),
    headers: [],
  });
  rows.next();
  const recordBytes = Math.ceil(textOf(rows).length / 3) * 4 + 220;
  const recordsPerEvent = Math.min(recordsMax, Math.floor(eventBytesMax / recordBytes));
  for (;;) {
    rows.next();
    const partition = partitionOf(rows.userId, partitions);
    const list = waiting[partition] as Row[];
    const { id, userId, amountCents, cardType, merchantId, createdAtMicros, committedAtMicros } = rows;
    const { transactionNumber, lsn, lastCommitLsn } = rows;
    list.push({
      ...{ id, userId, amountCents, cardType, merchantId, createdAtMicros, committedAtMicros },
      ...{ transactionNumber, lsn, lastCommitLsn },
    });
    if (list.length < recordsPerEvent) continue;
    yield list.map((row) => recordOf(row, partition));
    list.length = 0;
  }
}

interface Result {
  readonly recordsPerSecond: number;
  readonly recordsPerEvent: number;
  readonly alertShare: number;
}

async function measure(agent: Agent, schema: string | undefined, seconds: number): Promise<Result> {
  const store = forgetfulStore();
  const handler = agentHandler(agent, { pool: {} as Pool, store });
  let [records, count, nanos] = [0, 0, 0n];
  let isWarm = false;
  for (const list of events(schema)) {
    const partition = list[0]?.partition ?? 0;
    const text = JSON.stringify({
      eventSource: "aws:kafka",
      bootstrapServers: "",
      records: { [`${topic}-${partition}`]: list },
    });
    // As the runtime does.
    const event: unknown = JSON.parse(text);
    const start = process.hrtime.bigint();
    await handler(event);
    nanos += process.hrtime.bigint() - start;
    records += list.length;
    count += 1;
    // The first third warms the compiler up, and fills the users' histories.
    if (!isWarm && Number(nanos) > (seconds * 1e9) / 3)
      [isWarm, records, count, nanos, store.alerts] = [true, 0, 0, 0n, 0];
    if (Number(nanos) > seconds * 1e9) break;
  }
  return {
    recordsPerSecond: Math.round((records * 1e9) / Number(nanos)),
    recordsPerEvent: Math.round(records / count),
    alertShare: store.alerts / records,
  };
}

const agents = { profile: profileAgent(profileConfig({})), velocity: velocityAgent(velocityConfig({})) };
const seconds = options.quick ? 1 : 3;
const rounds = options.quick ? 1 : 3;
const schema = schemaText();
const rates: Record<string, number> = {};
for (const [name, agent] of Object.entries(agents)) {
  // In a hurry, the one that is asked for.
  if (options.quick && name !== "profile") continue;
  for (const kind of ["schemaless", "schema"] as const) {
    const results: Result[] = [];
    for (let round = 0; round < rounds; round++) {
      results.push(await measure(agent, kind === "schema" ? schema : undefined, seconds));
    }
    const median = results.toSorted((a, b) => a.recordsPerSecond - b.recordsPerSecond)[
      Math.floor(rounds / 2)
    ] as Result;
    rates[name === "profile" ? kind : `${name}${kind === "schema" ? "Schema" : "Schemaless"}`] =
      median.recordsPerSecond;
    if (options.json) continue;
    console.log(
      `${name.padEnd(8)} ${kind.padEnd(10)} ${median.recordsPerSecond.toLocaleString("en-US").padStart(9)} records/s  ` +
        `(${median.recordsPerEvent} records an event, ${(100 * median.alertShare).toFixed(1)} % alerts)`,
    );
  }
}
if (options.json) console.log(JSON.stringify(rates));
