import type { SchemaRegistryConfig } from "../config/types.ts";
import { RegistryClient } from "./registry-client.ts";
import {
  type DataFormat,
  RecordSchemaError,
  type RegisteredSchema,
  type SchemaMetadata,
  type SchemaReader,
} from "./schema.ts";
import { type Frame, parseFrame } from "./wire-format.ts";

/** A topic has few schemas at a time: this bounds what years of versions would take. The oldest goes first. */
const SCHEMAS_CACHED_MAX = 1_000;

/** A record's key or value. */
export interface DecodedPart {
  /** What the event carries, before base64: JSON in UTF-8, or the source's bytes. Null stays null and is not checked. */
  readonly bytes: Buffer | null;
  /** Where the registry was asked. */
  readonly metadata: SchemaMetadata | undefined;
  /**
   * What filter patterns see where the registry was asked, for SOURCE too; otherwise they see `bytes`.
   * @throws {RecordSchemaError} a well-formed Protobuf message may yet have no JSON.
   */
  readonly json: (() => string) | undefined;
}

export interface DecodedRecord {
  readonly key: DecodedPart;
  readonly value: DecodedPart;
}

export interface RecordDecoderOptions {
  /** From Secrets Manager: the SecretString of an ARN. */
  readonly readSecret: (arn: string) => Promise<string>;
  readonly topic: string;
}

/** A schema ready to check payloads; `read` of one that does not compile throws. */
interface CompiledSchema {
  readonly format: DataFormat;
  readonly read: SchemaReader;
}

interface CheckableFrame extends Frame {
  readonly schema: CompiledSchema;
}

type Attribute = "KEY" | "VALUE";

/** Checks and decodes the records of one mapping with its schema registry [services-consume-kafka-events]. */
export class RecordDecoder {
  readonly #config: SchemaRegistryConfig;
  readonly #topic: string;
  readonly #client: RegistryClient;
  readonly #schemas = new Map<number, CompiledSchema>();
  readonly #loading = new Map<number, Promise<void>>();

  /** @throws {MappingError} SOK_REGISTRY_UNSUPPORTED: Glue, or no URL. */
  constructor(config: SchemaRegistryConfig, options: RecordDecoderOptions) {
    this.#config = config;
    this.#topic = options.topic;
    this.#client = new RegistryClient(config, options.readSecret);
  }

  /**
   * Returns at once when the schemas are known, which is all but the first time. Fails in the same two ways, too.
   * @throws {RecordSchemaError} the record is invalid: its `reason` goes to the on-failure destination.
   * @throws {MappingError} SOK_REGISTRY_UNAVAILABLE: try the same record again later.
   */
  decode(key: Buffer | null, value: Buffer | null): DecodedRecord | Promise<DecodedRecord> {
    const waits: Promise<void>[] = [];
    const prepare = (frame: Frame | undefined): CheckableFrame | undefined => {
      const schema = frame && this.#schemas.get(frame.schemaId);
      if (frame && !schema) waits.push(this.#load(frame.schemaId));
      return frame && schema && { ...frame, schema };
    };
    const [keyFrame, valueFrame] = [this.#frame("KEY", key), this.#frame("VALUE", value)];
    const [checkableKey, checkableValue] = [prepare(keyFrame), prepare(valueFrame)];
    if (waits.length > 0) return Promise.all(waits).then(() => this.decode(key, value));
    return { key: this.#part("KEY", key, checkableKey), value: this.#part("VALUE", value, checkableValue) };
  }

  #frame(attribute: Attribute, bytes: Buffer | null): Frame | undefined {
    if (bytes === null || !this.#config.attributes.includes(attribute)) return undefined;
    return this.#attempt(attribute, "was written with no schema", () => parseFrame(bytes));
  }

  #part(attribute: Attribute, bytes: Buffer | null, frame: CheckableFrame | undefined): DecodedPart {
    if (frame === undefined) return { bytes, metadata: undefined, json: undefined };
    const { schemaId, payload, schema } = frame;
    const mismatch = `does not match schema ${schemaId} (${schema.format})`;
    const metadata = { dataFormat: schema.format, schemaId: String(schemaId) };
    const write = this.#attempt(attribute, mismatch, () => schema.read(payload));
    // A Protobuf message keeps its indexes: the events in Powertools' tests have them, and its consumer skips them.
    if (this.#config.eventRecordFormat === "SOURCE") {
      return { bytes: payload, metadata, json: () => this.#attempt(attribute, mismatch, write) };
    }
    const json = this.#attempt(attribute, mismatch, write);
    return { bytes: Buffer.from(json), metadata, json: () => json };
  }

  /** One request for all records that wait for the same schema. */
  #load(id: number): Promise<void> {
    const running = this.#loading.get(id);
    if (running !== undefined) return running;
    const loading = this.#client
      .schema(id)
      .then(compile)
      .then((schema) => this.#keep(id, schema))
      .finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  #keep(id: number, schema: CompiledSchema): void {
    const [oldest] = this.#schemas.keys();
    if (oldest !== undefined && this.#schemas.size >= SCHEMAS_CACHED_MAX) this.#schemas.delete(oldest);
    this.#schemas.set(id, schema);
  }

  #attempt<Result>(attribute: Attribute, failure: string, action: () => Result): Result {
    try {
      return action();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The ${attribute.toLowerCase()} of a record of topic ${this.#topic} ${failure}: ${why}.`;
      throw new RecordSchemaError("DESERIALIZATION_ERROR", message, { cause });
    }
  }
}

/** Loads the library of the format; a schema that it refuses makes the records invalid, not the mapping. */
async function compile(schema: RegisteredSchema): Promise<CompiledSchema> {
  const compileFormat = await compilerOf(schema.format);
  try {
    return { format: schema.format, read: compileFormat(schema) };
  } catch (error) {
    return {
      format: schema.format,
      read: () => {
        throw new Error(`the schema cannot be read (${error instanceof Error ? error.message : error})`, {
          cause: error,
        });
      },
    };
  }
}

async function compilerOf(format: DataFormat): Promise<(schema: RegisteredSchema) => SchemaReader> {
  switch (format) {
    case "AVRO":
      return (await import("./avro.ts")).compileAvro;
    case "JSON":
      return (await import("./json-schema.ts")).compileJsonSchema;
    case "PROTOBUF":
      return (await import("./protobuf.ts")).compileProtobuf;
  }
}
