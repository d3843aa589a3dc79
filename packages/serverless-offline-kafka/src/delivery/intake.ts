import type { RecordFilter } from "../filter/filter.ts";
import type { DecodedRecord } from "../registry/registry.ts";
import { RecordSchemaError } from "../registry/schema.ts";
import { backoffMs, REGISTRY_BACKOFF } from "./backoff.ts";
import type { Clock, MappingLog, TopicPartition } from "./contract.ts";
import type { SourceRecord } from "./event.ts";
import { packRecord, recordKey, recordValue } from "./event.ts";

/** What has become of records on their way in. */
export interface Intake {
  /** In their order; what is filtered out is not among them. */
  readonly records: readonly SourceRecord[];
  /** By offset: records that no function will see, and why. */
  readonly rejected: ReadonlyMap<number, RecordSchemaError>;
}

/**
 * Decodes records and leaves out what the filters do not want. Sync, unless a schema has to be fetched; then it ends when
 * all is decoded, or when the records are not wanted any more.
 */
export type TakeIn = (
  at: TopicPartition,
  records: readonly SourceRecord[],
  isWanted: () => boolean,
) => Intake | Promise<Intake>;

const NONE: ReadonlyMap<number, RecordSchemaError> = new Map();

/** @param matches undefined lets everything through, without a look at it */
export function takeIn(matches: RecordFilter | undefined): TakeIn {
  return (_at, records) => ({
    records: matches === undefined ? records : records.filter((record) => matches(recordValue(record))),
    rejected: NONE,
  });
}

export interface DecodingOptions {
  readonly decoder: { decode(key: Buffer | null, value: Buffer | null): DecodedRecord | Promise<DecodedRecord> };
  readonly matches: RecordFilter | undefined;
  readonly clock: Clock;
  readonly name: string;
  readonly log: MappingLog;
}

/** Asks a schema registry about each record; filters see what is decoded [services-consume-kafka-events]. */
export function takeInDecoded(options: DecodingOptions): TakeIn {
  return (at, records, isWanted) => {
    const decoding = new Decoding(options, at);
    return decoding.run(records, 0, isWanted);
  };
}

class Decoding {
  readonly #options: DecodingOptions;
  readonly #at: TopicPartition;
  readonly #records: SourceRecord[] = [];
  readonly #rejected = new Map<number, RecordSchemaError>();

  constructor(options: DecodingOptions, at: TopicPartition) {
    this.#options = options;
    this.#at = at;
  }

  run(records: readonly SourceRecord[], from: number, isWanted: () => boolean): Intake | Promise<Intake> {
    for (let i = from; i < records.length; i += 1) {
      const record = records[i] as SourceRecord;
      const decoded = attempt(() => this.#options.decoder.decode(recordKey(record), recordValue(record)));
      if (decoded instanceof Promise || isUnavailable(decoded)) {
        return this.#wait(record, decoded, isWanted).then(() => this.run(records, i + 1, isWanted));
      }
      this.#take(record, decoded);
    }
    return { records: this.#records, rejected: this.#rejected };
  }

  /** Until the registry has answered, or nobody waits for it. */
  async #wait(record: SourceRecord, first: Promise<DecodedRecord> | unknown, isWanted: () => boolean): Promise<void> {
    const { clock, decoder, log, name } = this.#options;
    let decoded = first instanceof Promise ? await first.catch((error: unknown) => error) : first;
    for (let failures = 1; isUnavailable(decoded) && isWanted(); failures += 1) {
      const waitMs = backoffMs(REGISTRY_BACKOFF, failures, clock.random());
      const { message, name: errorName } = decoded;
      const code = "code" in decoded ? decoded.code : errorName;
      const { partition, topic } = this.#at;
      log.warning(
        `${name}: ${String(code)}: ${topic}-${partition} offset ${record.offset}: ${message}; again in ${(waitMs / 1_000).toFixed(1)} s`,
      );
      await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
      decoded = await attemptAsync(async () => decoder.decode(recordKey(record), recordValue(record)));
    }
    if (!isUnavailable(decoded)) this.#take(record, decoded as DecodedRecord | RecordSchemaError);
  }

  #take(record: SourceRecord, decoded: DecodedRecord | RecordSchemaError): void {
    const isMatch = decoded instanceof RecordSchemaError ? decoded : attempt(() => this.#matches(decoded));
    if (isMatch === false) return;
    if (isMatch instanceof RecordSchemaError || decoded instanceof RecordSchemaError) {
      this.#records.push(record);
      this.#rejected.set(record.offset, isMatch as RecordSchemaError);
      return;
    }
    const { key, value } = decoded;
    const { headers, logAppendTime, offset, timestamp } = record;
    this.#records.push(
      packRecord({
        offset,
        timestamp,
        logAppendTime,
        headers,
        key: key.bytes,
        value: value.bytes,
        keySchemaMetadata: key.metadata,
        valueSchemaMetadata: value.metadata,
      }),
    );
  }

  #matches({ value }: DecodedRecord): boolean {
    const { matches } = this.#options;
    if (matches === undefined) return true;
    return matches(value.json === undefined ? value.bytes : Buffer.from(value.json()));
  }
}

/** An error that is not about the record: the registry, or a secret, cannot be had now. */
function isUnavailable(decoded: unknown): decoded is Error {
  return decoded instanceof Error && !(decoded instanceof RecordSchemaError);
}

function attempt<Result>(action: () => Result): Result | RecordSchemaError {
  try {
    return action();
  } catch (error) {
    return error as RecordSchemaError;
  }
}

async function attemptAsync<Result>(action: () => Promise<Result>): Promise<Result | unknown> {
  return action().catch((error: unknown) => error);
}
