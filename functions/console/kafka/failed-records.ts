import * as v from "valibot";
import { profileConfig, velocityConfig } from "../../../shared/agents/config.ts";
import { profileAgent } from "../../../shared/agents/profile.ts";
import { RecordBatch } from "../../../shared/agents/record-batch.ts";
import { TransactionReader } from "../../../shared/agents/transaction-reader.ts";
import { velocityAgent } from "../../../shared/agents/velocity.ts";
import { decodeRecord } from "../../../shared/change-events/index.ts";
import { type DirectKafka, earliest, keyOf, latest } from "../../../shared/kafka/direct.ts";
import type { DirectRecord } from "../../../shared/kafka/record-set.ts";
import { topics } from "../../../shared/kafka/topics.ts";
import { inTransaction, type Pool } from "../../../shared/postgres/index.ts";
import type { FailedRecordPage, FailedRecordView, RedriveResult } from "../api.ts";
import { ConsoleError, orUnavailable, unavailable } from "../http/errors.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { isoText } from "../sql.ts";
import { type Cursor, encodeCursor } from "./cursor.ts";
import type { ConsoleKafka, OutgoingMessage, WrittenMessage } from "./kafka.ts";
import { isoTime, readBackward, textOf, valueBytesMax } from "./messages.ts";

const topicName = topics.failedRecords.name;
const pageSize = 50;
/** As much of the records as one answer can show. */
const pageBytesMax = 2 * 1_024 * 1_024;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A record as the function got it. */
const PutAside = v.object({
  topic: v.string(),
  partition: natural,
  offset: natural,
  timestamp: v.number(),
  key: v.nullish(v.string(), null),
  value: v.nullish(v.string(), null),
  headers: v.optional(v.array(v.record(v.string(), v.array(v.number()))), []),
});

/**
 * A message of the topic of failed records, as far as it is read here.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
 */
const Message = v.object({
  requestContext: v.object({
    functionArn: v.string(),
    condition: v.string(),
    approximateInvokeCount: v.number(),
  }),
  payload: v.object({ records: v.record(v.string(), v.array(PutAside)) }),
});

export type PutAside = v.InferOutput<typeof PutAside>;

export interface FailedMessage {
  readonly functionName: string;
  readonly condition: string;
  readonly attempts: number;
  readonly records: readonly PutAside[];
}

/** undefined: somebody else has written this. */
export function parseFailed(value: Buffer | null): FailedMessage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value?.toString() ?? "");
  } catch {
    return undefined;
  }
  const message = v.safeParse(Message, parsed);
  if (!message.success) return undefined;
  const { payload, requestContext } = message.output;
  return {
    functionName: functionNameOf(requestContext.functionArn),
    condition: requestContext.condition,
    attempts: requestContext.approximateInvokeCount,
    records: Object.values(payload.records).flat(),
  };
}

/** `arn:aws:lambda:region:account:function:name:version` */
function functionNameOf(arn: string): string {
  return arn.split(":")[6] ?? arn;
}

/** Says why a function cannot take a record, or null. */
export type Judgement = (functionName: string, record: PutAside) => string | null;

/**
 * Decodes as the agents do, by their settings; of other functions, whether it is a change event is all that is known.
 */
export function judgement(): Judgement {
  const readers = [
    { name: "profileAgent", reader: new TransactionReader(profileAgent(profileConfig()).needs) },
    { name: "velocityAgent", reader: new TransactionReader(velocityAgent(velocityConfig()).needs) },
  ];
  const batch = new RecordBatch();
  return (functionName, record) => {
    const reader = readers.find(({ name }) => functionName.includes(name))?.reader;
    try {
      if (reader === undefined) decodeRecord(record);
      else reader.readInto(batch.reset(record), record);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}

/** Of the first record that has one. */
export function causeOf({ functionName, records }: FailedMessage, judge: Judgement): string | null {
  for (const record of records) {
    const cause = judge(functionName, record);
    if (cause === null) continue;
    return records.length === 1 ? cause : `${keyOf(record)}, offset ${record.offset}: ${cause}`;
  }
  return null;
}

export interface FailedRecordOptions {
  readonly kafka: ConsoleKafka;
  readonly pool: Pool;
  readonly judge: Judgement;
}

/** Newest first. */
export async function listFailed(
  { kafka, pool, judge }: FailedRecordOptions,
  before: Cursor | undefined,
): Promise<FailedRecordPage> {
  const { records, next } = await kafka.use(async (direct): Promise<FailedRecordPage> => {
    const [topic] = await direct.topics([topicName]);
    // Nothing has been put aside yet, nor has the topic been made.
    if (topic === undefined) return { records: [], next: null };
    const reader = await readBackward(direct, topic, pageSize, before);
    const found: FailedRecordView[] = [];
    for (let bytes = 0; found.length < pageSize && bytes < pageBytesMax; ) {
      const one = await reader.next();
      if (one === undefined) break;
      const view = viewOf(one.partition, one.record, judge);
      bytes += view.records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
      found.push(view);
    }
    const positions = reader.positions();
    return { records: found, next: positions.size === 0 ? null : encodeCursor({ direction: "backward", positions }) };
  });
  const redriven = await findRedriven(pool, records);
  return { next, records: records.map((record) => ({ ...record, redriven: redriven.get(placeOf(record)) ?? null })) };
}

function viewOf(partition: number, record: DirectRecord, judge: Judgement): FailedRecordView {
  const place = { partition, offset: record.offset, failedAt: isoTime(record.timestamp), redriven: null };
  const failed = parseFailed(record.value);
  if (failed === undefined) {
    const cause = "This message is none that an event source mapping has written, and cannot be redriven.";
    return { ...place, functionName: "unknown", condition: "unknown", attempts: 0, cause, records: [] };
  }
  const { attempts, condition, functionName } = failed;
  return {
    ...place,
    ...{ functionName, condition, attempts },
    cause: causeOf(failed, judge),
    records: failed.records.map(({ topic, partition: source, offset, timestamp, key, value }) => {
      const bytes = bytesOf(value);
      return {
        ...{ topic, partition: source, offset, timestamp: isoTime(timestamp) },
        key: textOf(bytesOf(key), valueBytesMax),
        value: textOf(bytes, valueBytesMax),
        isCut: (bytes?.length ?? 0) > valueBytesMax,
      };
    }),
  };
}

function bytesOf(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, "base64");
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

const placeOf = ({ partition, offset }: Place) => `${partition}/${offset}`;

async function findRedriven(pool: Pool, places: readonly (Place & Pick<FailedRecordView, "failedAt">)[]) {
  if (places.length === 0) return new Map<string, NonNullable<FailedRecordView["redriven"]>>();
  const { rows } = await orUnavailable(
    "PostgreSQL",
    pool.query<Place & NonNullable<FailedRecordView["redriven"]>>(
      `select partition, kafka_offset as offset, ${isoText("at")} as at, actor from console.redriven
       where (partition, kafka_offset, failed_at) in (select * from unnest($1::int[], $2::bigint[], $3::timestamptz[]))`,
      [
        places.map(({ partition }) => partition),
        places.map(({ offset }) => offset),
        places.map(({ failedAt }) => failedAt),
      ],
    ),
  );
  return new Map(rows.map(({ at, actor, ...place }) => [placeOf(place), { at, actor }]));
}

/**
 * Writes what was put aside to its topic again, once: whoever notes it first writes it, and it is noted when it is
 * written. Should that note fail at last, it can be written twice, and an agent knows a row that it has judged by its
 * id.
 *
 * @throws {ConsoleError} NOT_FOUND, or CONFLICT when it was done before or cannot be
 */
export async function redrive(
  {
    kafka,
    pool,
    mappings,
  }: Pick<FailedRecordOptions, "kafka" | "pool"> & { readonly mappings: Pick<Mappings, "list"> },
  place: Place,
  actor: string,
): Promise<RedriveResult> {
  const { messages, failedAt } = await kafka.use((direct) => readMessages(direct, place));
  await requireMappedTopics(mappings, messages);
  let written: WrittenMessage[] | undefined;
  try {
    return await inTransaction(pool, async (client) => {
      const { rowCount } = await client.query(
        "insert into console.redriven (partition, kafka_offset, failed_at, actor) values ($1, $2, $3, $4) on conflict do nothing",
        [place.partition, place.offset, failedAt, actor],
      );
      if (rowCount === 0) throw new ConsoleError("CONFLICT", `${placeOf(place)} was redriven before.`);
      written = await kafka.write(messages);
      return { written };
    });
  } catch (error) {
    if (error instanceof ConsoleError) throw error;
    const refusal = unavailable("PostgreSQL", error);
    if (written === undefined) throw refusal;
    throw new ConsoleError(
      "UNAVAILABLE",
      `It was written to its topic, and that could not be noted: ${refusal.message}`,
      {
        cause: error,
      },
    );
  }
}

/** What was put aside, as it is to be written; with the place of each checked to be there. */
async function readMessages(
  direct: DirectKafka,
  { partition, offset }: Place,
): Promise<{ readonly messages: readonly OutgoingMessage[]; readonly failedAt: string }> {
  const place = { topic: topicName, partition, offset };
  const [topic] = await direct.topics([topicName]);
  const isThere = topic?.partitions.some((one) => one.partition === partition) ?? false;
  const fetched = isThere ? (await direct.fetch([place], 1)).get(keyOf(place)) : undefined;
  const records = await fetched?.batches[0]?.records();
  const record = records?.find((one) => one.offset === offset);
  if (record === undefined) {
    throw new ConsoleError("NOT_FOUND", `There is no failed record ${placeOf(place)}: it may have expired.`);
  }
  const failed = parseFailed(record.value);
  if (failed === undefined || failed.records.length === 0) {
    throw new ConsoleError(
      "CONFLICT",
      `${placeOf(place)} is no record of a function, and has nowhere to be written to.`,
    );
  }
  const sources = await direct.topics([...new Set(failed.records.map((one) => one.topic))]);
  for (const one of failed.records) {
    const source = sources.find((each) => each.topic === one.topic);
    if (source?.partitions.some((each) => each.partition === one.partition)) continue;
    throw new ConsoleError("CONFLICT", `There is no ${keyOf(one)} any more, from which the record was.`);
  }
  const messages = failed.records.map((one) => ({
    topic: one.topic,
    partition: one.partition,
    key: bytesOf(one.key),
    value: bytesOf(one.value),
    headers: headersOf(one),
  }));
  return { messages, failedAt: isoTime(record.timestamp) };
}

/** Whoever can write to the topic of failed records says where each is from; it is written only where a mapping can have read it. */
async function requireMappedTopics(mappings: Pick<Mappings, "list">, messages: readonly OutgoingMessage[]) {
  const mapped = new Set((await mappings.list()).map(({ topic }) => topic));
  const other = messages.find(({ topic }) => !mapped.has(topic));
  if (other === undefined) return;
  throw new ConsoleError("CONFLICT", `No mapping reads ${other.topic}, from which the record is said to be.`);
}

/** As the producer takes them: a header that comes several times has a list. */
function headersOf({ headers }: PutAside): Record<string, Buffer[]> {
  const byName: Record<string, Buffer[]> = {};
  for (const [name, bytes] of headers.flatMap((each) => Object.entries(each))) {
    byName[name] = [...(byName[name] ?? []), Buffer.from(bytes)];
  }
  return byName;
}

/** Failed records that are still there and that nobody has written to their topic again. */
export async function countWaiting({ kafka, pool }: Pick<FailedRecordOptions, "kafka" | "pool">): Promise<number> {
  const { starts, count } = await kafka.use(async (direct) => {
    const [topic] = await direct.topics([topicName]);
    const partitions = (topic?.partitions ?? []).map(({ partition }) => ({ topic: topicName, partition }));
    const [first, end] = await Promise.all([direct.offsets(partitions, earliest), direct.offsets(partitions, latest)]);
    const known = partitions.map((one) => {
      const ended = end.get(keyOf(one)) ?? 0;
      return { ...one, first: first.get(keyOf(one)) ?? ended, ended };
    });
    return { starts: known, count: known.reduce((sum, one) => sum + one.ended - one.first, 0) };
  });
  if (count === 0) return 0;
  const { rows } = await pool.query<{ redriven: number }>(
    `select count(*) as redriven from console.redriven
     join unnest($1::int[], $2::bigint[], $3::bigint[]) as kept (partition, first, ended) using (partition)
     where kafka_offset >= first and kafka_offset < ended`,
    [starts.map(({ partition }) => partition), starts.map(({ first }) => first), starts.map(({ ended }) => ended)],
  );
  return Math.max(0, count - (rows[0]?.redriven ?? 0));
}
