// Lets one kafkajs consumer decode what it fetches by record-batch.ts, and no other client of this process. It reaches into
// kafkajs 2.2.4 (pinned, and not developed any more): an assigner is given the consumer's cluster, whose brokers build
// their requests by `lookupRequest`. Where anything is not as expected, kafkajs decodes as it always does.
import { createRequire } from "node:module";
import type { Batch } from "kafkajs";
import type { SourceRecord } from "../delivery/event.ts";
import { packRecord } from "../delivery/event.ts";
import { decodeBatches, isRecordBatch, readInt64 } from "./record-batch.ts";

/** A fetch response of version 11, as kafkajs hands it on. */
interface FetchResponse {
  readonly throttleTime: 0;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly TopicResponse[];
}

interface TopicResponse {
  readonly topicName: string;
  readonly partitions: readonly PartitionResponse[];
}

interface PartitionResponse {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  /** Left out: what was aborted is not among the records any more. */
  readonly abortedTransactions: readonly never[];
  readonly preferredReadReplica: number;
  readonly messages: readonly Carrier[];
}

/** One message for all records of a partition: what kafkajs does for each message it does once. */
interface Carrier {
  /** The last one, from which kafkajs reckons where to read on. */
  readonly offset: string;
  readonly isControlRecord: false;
  readonly [RECORDS]: readonly SourceRecord[];
}

const RECORDS = Symbol("records");

interface Protocol {
  decode(response: Buffer): Promise<unknown>;
  parse(decoded: unknown): Promise<unknown>;
}

interface Request {
  readonly request: unknown;
  readonly response: Protocol;
}

type LookupRequest = (apiKey: number, definition: unknown) => (options: FetchOptions) => Request;

interface FetchOptions {
  readonly topics?: ReadonlyArray<{
    readonly topic: string;
    readonly partitions: ReadonlyArray<{ readonly partition: number; readonly fetchOffset: string }>;
  }>;
}

/** The parts of kafkajs that are used here. */
export interface FetchCluster {
  findBroker(options: { readonly nodeId: number }): Promise<{ lookupRequest: LookupRequest }>;
}

/** kafkajs's number for it, in protocol/requests/apiKeys.js. */
const FETCH_API_KEY = 1;

/** Once for each cluster; its brokers come and go. */
export function decodeFast(cluster: FetchCluster): void {
  const original = createRequire(import.meta.url)("kafkajs/src/protocol/requests/fetch/v11/response.js") as Protocol;
  const patched = new WeakSet<object>();
  const findBroker = cluster.findBroker.bind(cluster);
  cluster.findBroker = async (options) => {
    const broker = await findBroker(options);
    if (!patched.has(broker)) {
      patched.add(broker);
      // A broker gets its lookupRequest when it connects, and another one when it connects again.
      let lookupRequest = broker.lookupRequest;
      Object.defineProperty(broker, "lookupRequest", {
        configurable: true,
        get: () => fetchFast(lookupRequest, original),
        set: (next: LookupRequest) => {
          lookupRequest = next;
        },
      });
    }
    return broker;
  };
}

function fetchFast(lookupRequest: LookupRequest, original: Protocol): LookupRequest {
  return (apiKey, definition) => {
    const make = lookupRequest(apiKey, definition);
    if (apiKey !== FETCH_API_KEY) return make;
    return (options) => {
      const request = make(options);
      if (request.response !== original) return request;
      const decode = async (response: Buffer) => (await decodeResponse(response, options)) ?? original.decode(response);
      return { ...request, response: { decode, parse: original.parse } };
    };
  };
}

/** Undefined where a partition has records of an older format. */
async function decodeResponse(response: Buffer, options: FetchOptions): Promise<FetchResponse | undefined> {
  const reader = new Reader(response);
  const clientSideThrottleTime = reader.int32();
  const errorCode = reader.int16();
  const sessionId = reader.int32();
  const responses: TopicResponse[] = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topicName = reader.string();
    const asked = options.topics?.filter(({ topic }) => topic === topicName).flatMap(({ partitions }) => partitions);
    const partitions: PartitionResponse[] = [];
    for (let count = reader.int32(); count > 0; count -= 1) {
      const partition = reader.int32();
      const header = {
        partition,
        errorCode: reader.int16(),
        highWatermark: String(reader.int64()),
        lastStableOffset: String(reader.int64()),
        lastStartOffset: String(reader.int64()),
      };
      const aborted = [];
      for (let i = reader.int32(); i > 0; i -= 1) {
        aborted.push({ producerId: reader.bigint64(), firstOffset: reader.int64() });
      }
      const preferredReadReplica = reader.int32();
      const set = reader.bytes();
      if (!isRecordBatch(set)) return undefined;
      const fetchedOffset = Number(asked?.find((one) => one.partition === partition)?.fetchOffset ?? 0);
      const { lastOffset, records } = await decodeBatches(set, fetchedOffset, aborted);
      const carrier = { offset: String(lastOffset), isControlRecord: false as const, [RECORDS]: records };
      const messages = lastOffset === undefined ? [] : [carrier];
      partitions.push({ ...header, abortedTransactions: [], preferredReadReplica, messages });
    }
    responses.push({ topicName, partitions });
  }
  // As kafkajs does: the broker has not throttled this request, it expects the client to wait by itself.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

/** The records of a batch, however it was decoded. */
export function recordsOf(batch: Batch): readonly SourceRecord[] {
  const [first] = batch.messages as ReadonlyArray<Batch["messages"][number] & Partial<Carrier>>;
  return first?.[RECORDS] ?? batch.messages.map(fromMessage);
}

/** kafkajs's number for it, in protocol/timestampTypes.js. */
const LOG_APPEND_TIME = 1;

/** @internal For tests and tools that read with kafkajs itself. */
export function fromMessage(message: Batch["messages"][number]): SourceRecord {
  const context = (message as { readonly batchContext?: { readonly timestampType?: number } }).batchContext;
  return packRecord({
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    logAppendTime: context?.timestampType === LOG_APPEND_TIME,
    key: message.key,
    value: message.value,
    headers: Object.entries(message.headers ?? {}).flatMap(([name, values]) =>
      (Array.isArray(values) ? values : [values]).map((value): SourceRecord["headers"][number] => [
        name,
        value === undefined || value === null ? null : Buffer.from(value),
      ]),
    ),
  });
}

/** Reads Kafka's protocol types [kafka.apache.org/protocol#protocol_types]. */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int16(): number {
    this.#at += 2;
    return this.#buffer.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  int64(): number {
    this.#at += 8;
    return readInt64(this.#buffer, this.#at - 8);
  }

  bigint64(): bigint {
    this.#at += 8;
    return this.#buffer.readBigInt64BE(this.#at - 8);
  }

  string(): string {
    const length = this.int16();
    this.#at += length;
    return this.#buffer.toString("utf8", this.#at - length, this.#at);
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }
}
