import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import avro from "avsc";
import protobuf from "protobufjs";
import type { SchemaRegistryConfig } from "../../src/config/types.ts";
import { type DecodedRecord, RecordDecoder } from "../../src/registry/registry.ts";
import { RecordSchemaError } from "../../src/registry/schema.ts";
import { startRegistry, type TestRegistry } from "../support/registry.ts";

// The first run on a machine fetches the registry.
jest.setTimeout(180_000);

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());

interface Registration {
  schema: string;
  schemaType?: "AVRO" | "JSON" | "PROTOBUF";
  references?: ReadonlyArray<{ name: string; subject: string; version: number }>;
}

async function register(subject: string, registration: Registration): Promise<number> {
  const reply = await fetch(`${registry.url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify(registration),
  });
  const body = (await reply.json()) as { id: number };
  if (!reply.ok) throw new Error(JSON.stringify(body));
  return body.id;
}

/** As Confluent's serializers frame a payload. */
function frame(schemaId: number, ...payload: Uint8Array[]): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, ...payload]);
}

function decoder(config: Partial<SchemaRegistryConfig> = {}): RecordDecoder {
  return new RecordDecoder(
    { uri: registry.url, eventRecordFormat: "JSON", attributes: ["VALUE"], access: [], ...config },
    { topic: "orders", readSecret: async (arn) => Promise.reject(new Error(`no secret ${arn}`)) },
  );
}

const jsonOf = (record: DecodedRecord): unknown => JSON.parse(String(record.value.bytes));

describe("Avro", () => {
  const money = {
    type: "record",
    name: "Money",
    namespace: "shop.common",
    fields: [
      { name: "units", type: "long" },
      { name: "currency", type: { type: "enum", name: "Currency", symbols: ["EUR", "USD"] } },
    ],
  };
  const order = {
    type: "record",
    name: "Order",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "total", type: "shop.common.Money" },
      { name: "tip", type: ["null", "shop.common.Money"], default: null },
      { name: "placed", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "note", type: ["null", "string", "long"], default: null },
    ],
  };
  const written = avro.Type.forSchema(
    {
      ...order,
      fields: order.fields.map((field) => (field.name === "total" ? { ...field, type: money } : field)),
    } as never,
    { wrapUnions: "always" },
  );
  const payload = written.toBuffer({
    id: "o-1",
    total: { units: 1250, currency: "EUR" },
    tip: { "shop.common.Money": { units: 100, currency: "USD" } },
    placed: 1_790_000_000_000_000,
    note: { long: 7 },
  });
  let orderId = 0;

  beforeAll(async () => {
    await register("shop.common.Money", { schema: JSON.stringify(money) });
    orderId = await register("orders-value", {
      schema: JSON.stringify(order),
      references: [{ name: "shop.common.Money", subject: "shop.common.Money", version: 1 }],
    });
  });

  test("JSON: a record with a reference, a logical type and unions becomes plain JSON", async () => {
    const record = await decoder().decode(Buffer.from("plain key"), frame(orderId, payload));

    expect(jsonOf(record)).toEqual({
      id: "o-1",
      total: { units: 1250, currency: "EUR" },
      tip: { units: 100, currency: "USD" },
      placed: 1_790_000_000_000_000,
      note: 7,
    });
    expect(record.value.metadata).toEqual({ dataFormat: "AVRO", schemaId: String(orderId) });
    expect(record.key).toEqual({ bytes: Buffer.from("plain key"), metadata: undefined, json: undefined });
  });

  test("SOURCE: the bytes without the producer's header, with the same JSON for filters", async () => {
    const record = await decoder({ eventRecordFormat: "SOURCE" }).decode(null, frame(orderId, payload));

    expect(record.value.bytes).toEqual(payload);
    expect(record.value.metadata).toEqual({ dataFormat: "AVRO", schemaId: String(orderId) });
    expect(JSON.parse(record.value.json?.() ?? "")).toMatchObject({ id: "o-1", note: 7 });
  });

  test("key and value each have their own schema and metadata", async () => {
    const keyId = await register("orders-key", { schema: '"long"' });
    const record = await decoder({ attributes: ["KEY", "VALUE"] }).decode(
      frame(keyId, avro.Type.forSchema("long").toBuffer(42)),
      frame(orderId, payload),
    );

    expect(String(record.key.bytes)).toBe("42");
    expect(record.key.metadata).toEqual({ dataFormat: "AVRO", schemaId: String(keyId) });
    expect(record.value.metadata?.schemaId).toBe(String(orderId));
  });

  test("schema evolution: versions of one topic are each read with the schema they were written with", async () => {
    const one = { type: "record", name: "User", fields: [{ name: "name", type: "string" }] };
    const two = { ...one, fields: [...one.fields, { name: "age", type: "int", default: 0 }] };
    const [oneId, twoId] = [
      await register("users-value", { schema: JSON.stringify(one) }),
      await register("users-value", { schema: JSON.stringify(two) }),
    ];
    const values = [
      frame(oneId, avro.Type.forSchema(one as never).toBuffer({ name: "Ada" })),
      frame(twoId, avro.Type.forSchema(two as never).toBuffer({ name: "Alan", age: 41 })),
      frame(oneId, avro.Type.forSchema(one as never).toBuffer({ name: "Grace" })),
    ];
    const users = decoder();

    const records = await Promise.all(values.map((value) => users.decode(null, value)));

    expect(records.map(jsonOf)).toEqual([{ name: "Ada" }, { name: "Alan", age: 41 }, { name: "Grace" }]);
    expect(records.map((record) => record.value.metadata?.schemaId)).toEqual([oneId, twoId, oneId].map(String));
    expect(users.decode(null, values[0] ?? null)).not.toBeInstanceOf(Promise);
  });

  test("an id that the registry does not have is the record's fault: SCHEMA_NOT_FOUND", async () => {
    const failure = await Promise.resolve(decoder().decode(null, frame(987_654, payload))).catch((error) => error);

    expect(failure).toBeInstanceOf(RecordSchemaError);
    expect(failure).toMatchObject({ code: "SOK_RECORD_SCHEMA_INVALID", reason: "SCHEMA_NOT_FOUND" });
  });

  test("bytes that the schema cannot read are the record's fault: DESERIALIZATION_ERROR", async () => {
    const failure = await Promise.resolve(decoder().decode(null, frame(orderId, payload.subarray(0, 6)))).catch(
      (error) => error,
    );

    expect(failure).toMatchObject({ code: "SOK_RECORD_SCHEMA_INVALID", reason: "DESERIALIZATION_ERROR" });
  });
});

describe("Protobuf", () => {
  const money = `syntax = "proto3"; package shop.common; message Money { int64 units = 1; string currency = 2; }`;
  const order = `
    syntax = "proto3";
    package shop;
    import "money.proto";
    import "google/protobuf/timestamp.proto";
    message Cart {}
    message Order {
      message Line { string sku_code = 1; shop.common.Money price = 2; }
      string id = 1;
      repeated Line lines = 2;
      google.protobuf.Timestamp placed_at = 3;
      map<string, int32> counts_by_kind = 4;
    }`;
  const root = new protobuf.Root();
  protobuf.parse(money, root);
  protobuf.parse(order, root);
  root.addJSON(protobuf.common.get("google/protobuf/timestamp.proto")?.nested ?? {});
  const encode = (type: string, value: object): Uint8Array => {
    const messageType = root.lookupType(type);
    return messageType.encode(messageType.fromObject(value)).finish();
  };
  const line = { skuCode: "cup", price: { units: "9007199254740993", currency: "EUR" } };
  const payload = encode("shop.Order", {
    id: "o-1",
    lines: [line],
    placedAt: { seconds: 1_790_000_000, nanos: 5_000_000 },
    countsByKind: { cup: 2 },
  });
  /** The second message of the file; then the first message nested in it. */
  const orderIndexes = Buffer.from([2, 2]);
  const lineIndexes = Buffer.from([4, 2, 0]);
  let orderId = 0;

  beforeAll(async () => {
    await register("money.proto", { schemaType: "PROTOBUF", schema: money });
    orderId = await register("proto-orders-value", {
      schemaType: "PROTOBUF",
      schema: order,
      references: [{ name: "money.proto", subject: "money.proto", version: 1 }],
    });
  });

  test("JSON: names as in the schema, 64-bit numbers as strings, well-known types in their own form", async () => {
    const record = await decoder().decode(null, frame(orderId, orderIndexes, payload));

    expect(jsonOf(record)).toEqual({
      id: "o-1",
      lines: [{ sku_code: "cup", price: { units: "9007199254740993", currency: "EUR" } }],
      placed_at: "2026-09-21T14:13:20.005Z",
      counts_by_kind: { cup: 2 },
    });
    expect(record.value.metadata).toEqual({ dataFormat: "PROTOBUF", schemaId: String(orderId) });
  });

  test("a nested message is found by its indexes", async () => {
    const record = await decoder().decode(null, frame(orderId, lineIndexes, encode("shop.Order.Line", line)));

    expect(jsonOf(record)).toMatchObject({ sku_code: "cup" });
  });

  test("SOURCE: the indexes stay, as Powertools expects them", async () => {
    const record = await decoder({ eventRecordFormat: "SOURCE" }).decode(null, frame(orderId, orderIndexes, payload));

    expect(record.value.bytes).toEqual(Buffer.concat([orderIndexes, payload]));
  });
});

describe("JSON Schema", () => {
  const money = { type: "object", properties: { units: { type: "integer" } }, required: ["units"] };
  const order = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { id: { type: "string" }, total: { $ref: "money.json" } },
    required: ["id", "total"],
  };
  let orderId = 0;

  beforeAll(async () => {
    await register("money.json", { schemaType: "JSON", schema: JSON.stringify(money) });
    orderId = await register("json-orders-value", {
      schemaType: "JSON",
      schema: JSON.stringify(order),
      references: [{ name: "money.json", subject: "money.json", version: 1 }],
    });
  });

  test.each(["JSON", "SOURCE"] as const)("%s: what was written, without the header", async (eventRecordFormat) => {
    const text = '{ "id": "o-1", "total": { "units": 12345678901234567890 } }';
    const record = await decoder({ eventRecordFormat }).decode(null, frame(orderId, Buffer.from(text)));

    expect(String(record.value.bytes)).toBe(text);
    expect(record.value.metadata).toEqual({ dataFormat: "JSON", schemaId: String(orderId) });
  });

  test("a value that breaks a rule of the referenced schema is invalid", async () => {
    const value = frame(orderId, Buffer.from('{"id":"o-1","total":{"units":"many"}}'));

    await expect(async () => decoder().decode(null, value)).rejects.toMatchObject({
      reason: "DESERIALIZATION_ERROR",
      message: expect.stringContaining("total/units must be integer"),
    });
  });
});

test("a registry that is down is not the record's fault", async () => {
  const own = await startRegistry();
  const orders = decoder({ uri: own.url });
  await own.stop();

  await expect(async () => orders.decode(null, frame(1, Buffer.from("{}")))).rejects.toMatchObject({
    code: "SOK_REGISTRY_UNAVAILABLE",
  });
});

describe("a registry with a private certificate that asks for the client's", () => {
  const passphrase = "key-secret";
  const secretArn = (name: string) => `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${name}`;
  const secrets = new Map<string, object>();
  let server: Server;
  let uri: string;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "sok-registry-"));
    const issue = async (name: string, ...key: string[]) => {
      const args = ["req", "-x509", "-newkey", "rsa:2048", "-subj", `/CN=${name}`, "-days", "2", ...key];
      const alternative = ["-addext", "subjectAltName=IP:127.0.0.1"];
      await promisify(execFile)("openssl", [...args, ...alternative, "-keyout", `${name}.key`, "-out", `${name}.pem`], {
        cwd: folder,
      });
      const read = (extension: string) => readFile(join(folder, `${name}.${extension}`), "utf8");
      return { certificate: await read("pem"), privateKey: await read("key") };
    };
    const own = await issue("server", "-nodes");
    const client = await issue("client", "-passout", `pass:${passphrase}`);
    await rm(folder, { recursive: true });
    secrets.set(secretArn("ca"), { certificate: own.certificate });
    secrets.set(secretArn("client"), { ...client, privateKeyPassword: passphrase });
    server = createServer(
      {
        cert: own.certificate,
        key: own.privateKey,
        ca: client.certificate,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, reply) => {
        reply.statusCode = (request.socket as TLSSocket).authorized ? 200 : 401;
        reply.end(JSON.stringify({ schema: '"string"' }));
      },
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    uri = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const decodeWith = async (...access: SchemaRegistryConfig["access"]): Promise<DecodedRecord> =>
    new RecordDecoder(
      { uri, eventRecordFormat: "JSON", attributes: ["VALUE"], access },
      { topic: "orders", readSecret: async (arn) => JSON.stringify(secrets.get(arn)) },
    ).decode(null, frame(1, Buffer.from([4, 104, 105])));
  const ca = { type: "SERVER_ROOT_CA_CERTIFICATE", uri: secretArn("ca") } as const;
  const client = { type: "CLIENT_CERTIFICATE_TLS_AUTH", uri: secretArn("client") } as const;

  test("answers with both secrets", async () => {
    expect(jsonOf(await decodeWith(ca, client))).toBe("hi");
  });

  test("is not trusted without the authority's certificate", async () => {
    await expect(decodeWith(client)).rejects.toMatchObject({
      code: "SOK_REGISTRY_UNAVAILABLE",
      message: expect.stringContaining("self-signed certificate"),
    });
  });

  test("refuses a client without a certificate", async () => {
    await expect(decodeWith(ca)).rejects.toMatchObject({ message: expect.stringContaining("status 401") });
  });
});
