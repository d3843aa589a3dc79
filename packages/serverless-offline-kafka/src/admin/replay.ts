import { asList, isObject, own, show } from "../config/json.ts";
import type { PartitionOffset } from "../delivery/contract.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminMapping } from "./view.ts";

/** Where to go on from: what the body of a replay says, and the command. */
export type ReplayPosition =
  | { readonly offset: number }
  | { readonly timestampMs: number }
  | { readonly position: "TRIM_HORIZON" | "LATEST" };

export interface ReplayRequest {
  readonly from: ReplayPosition;
  /** undefined: all that this process reads. */
  readonly partitions: readonly number[] | undefined;
}

const NAMES = ["offset", "timestamp", "position", "partitions"];
/** A date, or a date and a time. Without a zone it is the time of this machine, which is the developer's. */
const ISO_PATTERN = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const DATE_PATTERN = /^.{10}$/;
/** 1973 in milliseconds, the year 5138 in seconds: a smaller number was meant in seconds. */
const TIMESTAMP_MS_MIN = 100_000_000_000;

/** @throws AdminError SOK_ADMIN_REQUEST_INVALID */
export function parseReplay(body: unknown): ReplayRequest {
  if (!isObject(body)) throw invalid(`the body is ${show(body)}; write {"offset": 0}, or a timestamp or a position`);
  const unknown = Object.keys(body).filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw invalid(`${unknown.join(", ")} is unknown; write ${NAMES.join(", ")}`);
  const declared = own(body, "partitions");
  return { from: parsePosition(body), partitions: declared === undefined ? undefined : parsePartitions(declared) };
}

function parsePosition(body: Readonly<Record<string, unknown>>): ReplayPosition {
  const given = NAMES.slice(0, 3).filter((name) => own(body, name) !== undefined);
  if (given.length !== 1) throw invalid("say from where: write one of offset, timestamp and position");
  const value = own(body, given[0] as string);
  if (given[0] === "offset") {
    if (isCount(value)) return { offset: value };
    throw invalid(`offset is ${show(value)}; write a whole number from 0`);
  }
  if (given[0] === "timestamp") return { timestampMs: parseTimestamp(value) };
  if (value === "TRIM_HORIZON" || value === "LATEST") return { position: value };
  throw invalid(`position is ${show(value)}; write TRIM_HORIZON or LATEST`);
}

function parseTimestamp(value: unknown): number {
  if (typeof value === "string" && ISO_PATTERN.test(value)) {
    const timestampMs = Date.parse(DATE_PATTERN.test(value) ? `${value}T00:00` : value.replace(" ", "T"));
    if (!Number.isNaN(timestampMs)) return timestampMs;
  }
  if (isCount(value)) {
    if (value >= TIMESTAMP_MS_MIN) return value;
    throw invalid(`timestamp is ${value}, which is in ${new Date(value).getUTCFullYear()}; write milliseconds`);
  }
  throw invalid(`timestamp is ${show(value)}; write 2026-11-30T12:00:00Z, or milliseconds`);
}

function parsePartitions(declared: unknown): readonly number[] {
  const partitions = asList(declared).filter(isCount);
  if (Array.isArray(declared) && partitions.length > 0 && partitions.length === declared.length) {
    return [...new Set(partitions)];
  }
  throw invalid(`partitions is ${show(declared)}; write a list of their numbers, such as [0, 2]`);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(message: string): AdminError {
  return new AdminError(400, "SOK_ADMIN_REQUEST_INVALID", message);
}

/**
 * Lets a mapping go on from another position, which is committed.
 *
 * @throws AdminError SOK_REPLAY_REFUSED when the position cannot be, SOK_REPLAY_FAILED when Kafka does not take it
 */
export async function replay(
  { config, mapping }: { config: AdminMapping["config"]; mapping: NonNullable<AdminMapping["mapping"]> },
  { from, partitions }: ReplayRequest,
): Promise<readonly PartitionOffset[]> {
  const held = mapping.status().partitions.map(({ partition }) => partition);
  const missing = (partitions ?? []).filter((partition) => !held.includes(partition));
  if (missing.length > 0 || held.length === 0) {
    const what = missing.length > 0 ? `partition ${missing.join(", ")} of ${config.topic}` : config.topic;
    const read = held.length > 0 ? `; it reads ${held.join(", ")}` : "";
    throw new AdminError(409, "SOK_REPLAY_REFUSED", `${what} is not read by this process now${read}`);
  }
  const wanted = new Set(partitions ?? held);
  try {
    const all = await findOffsets(mapping, config.topic, from);
    const positions = all.filter(({ partition }) => wanted.has(partition));
    await mapping.replay(positions);
    return positions;
  } catch (error) {
    if (error instanceof AdminError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdminError(503, "SOK_REPLAY_FAILED", `nothing has changed: ${reason}`, { cause: error });
  }
}

/** For each partition of the topic. */
async function findOffsets(
  mapping: NonNullable<AdminMapping["mapping"]>,
  topic: string,
  from: ReplayPosition,
): Promise<readonly PartitionOffset[]> {
  if ("timestampMs" in from) return mapping.offsetsAt(from.timestampMs);
  if ("position" in from && from.position === "TRIM_HORIZON") return mapping.offsetsAt(0);
  const [ends, firsts] = await Promise.all([mapping.offsets(), "offset" in from ? mapping.offsetsAt(0) : []]);
  return ends.map(({ end, partition }) => {
    if (!("offset" in from)) return { topic, partition, offset: end };
    // Kafka would send a reader that is behind the end back to the beginning.
    const first = firsts.find((one) => one.partition === partition)?.offset ?? 0;
    return { topic, partition, offset: Math.min(Math.max(from.offset, first), end) };
  });
}
