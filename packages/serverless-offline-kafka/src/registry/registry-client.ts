import type { SchemaRegistryConfig } from "../config/types.ts";
import { MappingError } from "../errors.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { type HttpReply, httpGet } from "./http.ts";
import { type DataFormat, RecordSchemaError, type RegisteredSchema } from "./schema.ts";

/** (AWS does not say) how long it waits. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Of one schema; Kafka's own limit for a message is 1 MB, and Confluent's registry keeps schemas in messages. */
const REPLY_BYTES_MAX = 4 * 1_024 * 1_024;
/** Of one schema, with those of its references. */
const REFERENCES_MAX = 200;

/** No such subject, version, schema. */
const NOT_FOUND_CODES: ReadonlySet<number> = new Set([40401, 40402, 40403]);

const ACCEPT = "application/vnd.schemaregistry.v1+json, application/json";

/** A reply about a schema; an Avro schema comes without a type. */
interface SchemaReply {
  readonly text: string;
  readonly format: DataFormat;
  readonly references: readonly Reference[];
}

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** Refuses what cannot be asked here, before anything is read from Kafka. */
export function registryUrl(uri: string): string {
  if (uri.startsWith("arn:")) {
    throw new MappingError(
      "SOK_REGISTRY_UNSUPPORTED",
      `The schema registry ${uri} cannot be reached from here: AWS Glue has no local stand-in. ` +
        "Set custom.serverless-offline-kafka.schemaRegistry to the URL of a registry with Confluent's API.",
    );
  }
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol)) {
    throw new MappingError(
      "SOK_REGISTRY_UNSUPPORTED",
      `The schema registry ${JSON.stringify(uri)} is no http:// or https:// URL. Set SchemaRegistryURI, or ` +
        "custom.serverless-offline-kafka.schemaRegistry, to the URL of a registry with Confluent's API.",
    );
  }
  return uri.replace(/\/+$/, "");
}

/**
 * Asks a registry with Confluent's REST API for schemas.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export class RegistryClient {
  readonly #base: string;
  readonly #access: SchemaRegistryConfig["access"];
  readonly #readSecret: (arn: string) => Promise<string>;
  #credentials: Promise<Credentials> | undefined;

  constructor(config: Pick<SchemaRegistryConfig, "access" | "uri">, readSecret: (arn: string) => Promise<string>) {
    this.#base = registryUrl(config.uri);
    this.#access = config.access;
    this.#readSecret = readSecret;
  }

  /**
   * @throws {RecordSchemaError} SCHEMA_NOT_FOUND: the registry knows no such schema.
   * @throws {MappingError} SOK_REGISTRY_UNAVAILABLE: try again later.
   */
  async schema(id: number): Promise<RegisteredSchema> {
    const reply = await this.#get(`/schemas/ids/${id}`, `schema ${id}`);
    const references = new Map<string, string>();
    await this.#collect(reply.references, references, new Set());
    return {
      format: reply.format,
      text: reply.text,
      references: Array.from(references, ([name, text]) => ({ name, text })),
    };
  }

  /** Depth first, so that what a reference needs stands before it. */
  async #collect(references: readonly Reference[], into: Map<string, string>, seen: Set<string>): Promise<void> {
    for (const { name, subject, version } of references) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > REFERENCES_MAX) {
        throw new RecordSchemaError("DESERIALIZATION_ERROR", `A schema refers to more than ${REFERENCES_MAX} others.`);
      }
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      const reply = await this.#get(path, `version ${version} of subject ${subject}`);
      await this.#collect(reply.references, into, seen);
      into.set(name, reply.text);
    }
  }

  async #get(path: string, what: string): Promise<SchemaReply> {
    const url = new URL(this.#base + path);
    let reply: HttpReply;
    try {
      this.#credentials ??= readCredentials(this.#access, this.#readSecret);
      const credentials = await this.#credentials;
      const headers = { ...credentials.headers, accept: ACCEPT };
      const limits = { timeoutMs: REQUEST_TIMEOUT_MS, bytesMax: REPLY_BYTES_MAX };
      reply = await httpGet(url, { ...limits, tls: credentials.tls, headers });
    } catch (cause) {
      throw this.#unavailable(url, reasonOf(cause), cause);
    }
    if (reply.status === 200) return this.#parse(url, reply.body);
    const code = errorCodeOf(reply.body);
    // A wrong path answers 404 as well, with another code or none: that must not cost a single record.
    if (reply.status === 404 && code !== undefined && NOT_FOUND_CODES.has(code)) {
      throw new RecordSchemaError("SCHEMA_NOT_FOUND", `The schema registry has no ${what} (error ${code}).`);
    }
    throw this.#unavailable(url, `it answers with status ${reply.status}`);
  }

  #parse(url: URL, body: string): SchemaReply {
    const reply = parseJson(body);
    if (!isObject(reply) || typeof reply["schema"] !== "string") {
      throw this.#unavailable(url, "what it answers is no schema");
    }
    const format = reply["schemaType"] ?? "AVRO";
    if (format !== "AVRO" && format !== "JSON" && format !== "PROTOBUF") {
      throw new RecordSchemaError("DESERIALIZATION_ERROR", `A schema has the unknown type ${JSON.stringify(format)}.`);
    }
    const references = Array.isArray(reply["references"]) ? reply["references"].filter(isReference) : [];
    return { text: reply["schema"], format, references };
  }

  /** The next attempt reads the secrets anew: they may have been what was wrong. */
  #unavailable(url: URL, reason: string, cause?: unknown): MappingError {
    this.#credentials = undefined;
    return new MappingError(
      "SOK_REGISTRY_UNAVAILABLE",
      `The schema registry gives no schema at ${url.origin}${url.pathname}: ${reason}. ` +
        "Check that it runs, its URL (with the path of its Confluent API) and its credentials.",
      { cause },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const isReference = (value: unknown): value is Reference =>
  isObject(value) &&
  typeof value["name"] === "string" &&
  typeof value["subject"] === "string" &&
  typeof value["version"] === "number";

function errorCodeOf(body: string): number | undefined {
  const parsed = parseJson(body);
  return isObject(parsed) && typeof parsed["error_code"] === "number" ? parsed["error_code"] : undefined;
}

/** Connections to several addresses fail with an AggregateError that has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
