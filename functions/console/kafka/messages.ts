import * as v from "valibot";
import { describeChange, type ShownChange, shownChangeOf } from "../../../shared/change-events/shown.ts";
import { type DirectKafka, earliest, keyOf, latest, type TopicMetadata } from "../../../shared/kafka/direct.ts";
import type { ChangeView, MessagePage, MessageView } from "../api.ts";
import { maskedConfig } from "../connect/connectors.ts";
import { ConsoleError } from "../http/errors.ts";
import { moment, wholeNumber } from "../http/router.ts";
import { type Cursor, type Direction, decodeCursor, encodeCursor } from "./cursor.ts";
import { type ConsoleKafka, findTopic } from "./kafka.ts";
import { type PartitionRecord, type Range, TopicReader } from "./topic-reader.ts";

export const valueBytesMax = 64 * 1_024;
const headerBytesMax = 4 * 1_024;
const cellLengthMax = 4_096;
const dateMsMax = 8_640_000_000_000_000;

/** What a page may weigh: a function's answer is at most 6 MB, and JSON and base64 make it larger. */
const pageBytesMax = 2 * 1_024 * 1_024;

/** How much one request looks through for a text. Whoever wants more goes on from there. */
export interface SearchLimits {
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

const searchLimits: SearchLimits = { records: 20_000, bytes: 64 * 1_024 * 1_024, ms: 3_000 };

/** How far back a search looks at once. */
const searchStep = 1_000;

const partitionMax = 2 ** 31 - 1;

type From = "start" | "end" | { readonly offset: number } | { readonly time: Date };

const From = v.pipe(
  v.string(),
  v.check(
    (text) => /^(start|end|\d{1,16})$/.test(text) || v.is(moment, text),
    "must be start, end, an offset, or a time such as 2026-11-30T12:00:00Z",
  ),
  v.transform((text): From => {
    if (text === "start" || text === "end") return text;
    return /^\d+$/.test(text) ? { offset: Number(text) } : { time: new Date(text) };
  }),
);

export const MessageQuery = v.pipe(
  v.object({
    partition: v.optional(wholeNumber(0, partitionMax)),
    from: v.optional(From, "end"),
    text: v.optional(v.string()),
    limit: v.optional(wholeNumber(1, 200), "50"),
    next: v.optional(v.pipe(v.string(), v.transform(decodeCursor))),
  }),
  v.forward(
    v.check(
      ({ from, next, partition }) =>
        typeof from !== "object" || !("offset" in from) || (next ?? partition) !== undefined,
      "an offset is of a partition: name it as well",
    ),
    ["from"],
  ),
);

export type MessageQuery = v.InferOutput<typeof MessageQuery>;

/** @throws {ConsoleError} NOT_FOUND or INVALID */
export function findMessages(
  kafka: ConsoleKafka,
  name: string,
  query: MessageQuery,
  limits: SearchLimits = searchLimits,
): Promise<MessagePage> {
  const { limit, text } = query;
  return kafka.use(async (direct) => {
    const topic = await findTopic(direct, name);
    const { direction, ranges } = await startOf(direct, topic, query);
    const reader = new TopicReader(direct, name, direction, ranges, text === undefined ? limit : searchStep);
    const next = holdsConfig(name) ? async () => maskedRecord(await reader.next()) : () => reader.next();
    const page = text === undefined ? await take(next, limit) : await search(next, limit, text.toLowerCase(), limits);
    const positions = reader.positions();
    return {
      messages: page.messages,
      next: positions.size === 0 ? null : encodeCursor({ direction, positions }),
      searched: page.searched,
    };
  });
}

type Found = Pick<MessagePage, "messages" | "searched">;
type Next = () => Promise<PartitionRecord | undefined>;

async function take(next: Next, limit: number): Promise<Found> {
  const messages: MessageView[] = [];
  for (let bytes = 0; messages.length < limit && bytes < pageBytesMax; ) {
    const found = await next();
    if (found === undefined) break;
    messages.push(viewOf(found, changeIn(found)));
    bytes += shownBytes(found);
  }
  return { messages, searched: messages.length };
}

async function search(next: Next, limit: number, text: string, limits: SearchLimits): Promise<Found> {
  const endAtMs = Date.now() + limits.ms;
  const messages: MessageView[] = [];
  let searched = 0;
  for (
    let [bytes, pageBytes] = [0, 0];
    messages.length < limit &&
    searched < limits.records &&
    bytes < limits.bytes &&
    pageBytes < pageBytesMax &&
    Date.now() < endAtMs;
  ) {
    const found = await next();
    if (found === undefined) break;
    searched += 1;
    bytes += bytesOf(found);
    const change = holds(found, text);
    if (change === undefined) continue;
    messages.push(viewOf(found, change));
    pageBytes += shownBytes(found);
  }
  return { messages, searched };
}

/**
 * Whether the text is in a message, as it is or as it is shown; undefined when it is not, and else the change that the
 * message is.
 */
function holds(found: PartitionRecord, text: string): ShownChange | null | undefined {
  const { key, value } = found.record;
  const isThere = [key, value].some((bytes) => bytes?.toString().toLowerCase().includes(text));
  const change = changeIn(found);
  return isThere || (change !== null && describeChange(change).toLowerCase().includes(text)) ? change : undefined;
}

function changeIn({ record: { value } }: PartitionRecord): ShownChange | null {
  if (value === null) return null;
  try {
    return shownChangeOf(value);
  } catch {
    // Something else than a change event.
    return null;
  }
}

async function startOf(
  direct: DirectKafka,
  topic: TopicMetadata,
  { from, next, partition }: MessageQuery,
): Promise<{ direction: Direction; ranges: Range[] }> {
  const all = partitionsOf(topic, next === undefined ? partition : undefined);
  const partitions = all.filter((one) => next === undefined || next.positions.has(one.partition));
  const time = typeof from === "object" && "time" in from && next === undefined ? from.time.getTime() : undefined;
  const [starts, ends, atTime] = await Promise.all([
    direct.offsets(partitions, earliest),
    direct.offsets(partitions, latest),
    time === undefined ? undefined : direct.offsets(partitions, Math.max(0, time)),
  ]);
  const direction = next?.direction ?? (from === "end" ? "backward" : "forward");
  const ranges = partitions.flatMap((one): Range[] => {
    const [start, end] = [starts.get(keyOf(one)), ends.get(keyOf(one))];
    // No leader: what is in it cannot be read now.
    if (start === undefined || end === undefined) return [];
    const wanted =
      next?.positions.get(one.partition) ?? offsetOf(from, { start, end, atTime: atTime?.get(keyOf(one)) });
    return [{ partition: one.partition, start, end, from: Math.min(Math.max(wanted, start), end) }];
  });
  return { direction, ranges };
}

function offsetOf(
  from: From,
  { start, end, atTime = end }: { readonly start: number; readonly end: number; readonly atTime: number | undefined },
): number {
  if (from === "start") return start;
  if (from === "end") return end;
  return "offset" in from ? from.offset : atTime;
}

/** @throws {ConsoleError} NOT_FOUND when there is no such partition */
function partitionsOf({ topic, partitions }: TopicMetadata, only: number | undefined) {
  const found = partitions.filter(({ partition }) => only === undefined || partition === only);
  if (found.length > 0) return found.map(({ partition }) => ({ topic, partition }));
  throw new ConsoleError(
    "NOT_FOUND",
    `The topic '${topic}' has no partition ${only}: they are 0 to ${partitions.length - 1}.`,
  );
}

/** The newest messages of a topic before a place in it. */
export async function readBackward(
  direct: DirectKafka,
  topic: TopicMetadata,
  limit: number,
  before: Cursor | undefined,
): Promise<TopicReader> {
  const query = { from: "end", limit, partition: undefined, text: undefined, next: before } as const;
  const { ranges } = await startOf(direct, topic, query);
  return new TopicReader(direct, topic.topic, "backward", ranges, limit);
}

export function viewOf({ partition, record }: PartitionRecord, change: ShownChange | null): MessageView {
  const { headers, key, offset, timestamp, value } = record;
  const isCut = (value?.length ?? 0) > valueBytesMax || (key?.length ?? 0) > valueBytesMax;
  return {
    partition,
    offset,
    timestamp: isoTime(timestamp),
    key: textOf(key, valueBytesMax),
    value: textOf(value, valueBytesMax),
    isCut,
    bytes: (key?.length ?? 0) + (value?.length ?? 0),
    headers: headers.map(([name, bytes]) => ({ name, value: textOf(bytes, headerBytesMax) ?? "" })),
    change: change && changeViewOf(change, isCut),
  };
}

function changeViewOf(change: ShownChange, isCut: boolean): ChangeView {
  const cells = (row: ShownChange["before"]) =>
    row == null
      ? null
      : isCut
        ? Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cutCell(value)]))
        : row;
  const summary = describeChange(change);
  return {
    op: change.op ?? "",
    table: change.table ?? "",
    before: cells(change.before),
    after: cells(change.after),
    committedAt: change.committedAt ?? "",
    lsn: change.lsn ?? null,
    txId: change.txId ?? null,
    summary: summary.length > cellLengthMax ? `${summary.slice(0, cellLengthMax)}…` : summary,
  };
}

function cutCell(value: unknown): unknown {
  const text = typeof value === "object" && value !== null ? JSON.stringify(value) : value;
  return typeof text === "string" && text.length > cellLengthMax ? `${text.slice(0, cellLengthMax)}…` : value;
}

/** As UTF-8, with a mark for what is none. A character that the cut goes through is left out. */
export function textOf(bytes: Buffer | null, bytesMax: number): string | null {
  if (bytes === null) return null;
  const isCut = bytes.length > bytesMax;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, bytesMax), { stream: isCut });
}

/** A producer may write any 64 bits as a time. */
export function isoTime(ms: number): string {
  return new Date(Math.max(-dateMsMax, Math.min(dateMsMax, ms))).toISOString();
}

function bytesOf({ record: { key, value } }: PartitionRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

/** Connect's own topic of configurations, by its usual name or by MSK Connect's. */
export function holdsConfig(topic: string): boolean {
  return /connect[-_.]configs/.test(topic);
}

/** What the connectors' page masks must not be read here, nor be found by looking for it. */
export function maskedRecord(found: PartitionRecord | undefined): PartitionRecord | undefined {
  const value = found?.record.value;
  if (found === undefined || value == null) return found;
  return { ...found, record: { ...found.record, value: Buffer.from(maskedText(value.toString())) } };
}

function maskedText(text: string): string {
  try {
    const { key, properties, ...others } = JSON.parse(text) as { key?: unknown; properties?: Record<string, string> };
    return JSON.stringify({
      ...others,
      ...(properties === undefined
        ? {}
        : { properties: Object.fromEntries(maskedConfig(properties).map(({ name, value }) => [name, value])) }),
      // By which the workers of Connect trust each other.
      ...(key === undefined ? {} : { key: "••••••••" }),
    });
  } catch {
    return "••••••••";
  }
}

/** What a message adds to a page: its value, and as much again for the change that is in it. */
export function shownBytes({ record: { key, value } }: PartitionRecord): number {
  return Math.min(valueBytesMax, key?.length ?? 0) + 2 * Math.min(valueBytesMax, value?.length ?? 0);
}
