import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { SchemaRegistryConfig } from "../config/types.ts";
import { MappingError } from "../errors.ts";
import { type DecodedRecord, RecordDecoder } from "./registry.ts";

/** What the registry answers, by path. */
const replies = new Map<string, { status?: number; body: unknown }>();
const requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
let server: Server;
let uri: string;

beforeEach(async () => {
  replies.clear();
  requests.length = 0;
  server = createServer((request, reply) => {
    requests.push({ path: request.url ?? "", headers: request.headers });
    const { status = 200, body } = replies.get(request.url ?? "") ?? notFound;
    reply.statusCode = status;
    reply.end(typeof body === "string" ? body : JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

const notFound = { status: 404, body: { error_code: 40403, message: "Schema not found" } };
const SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:registry";

let secret = "";
function decoder(config: Partial<SchemaRegistryConfig> = {}): RecordDecoder {
  return new RecordDecoder(
    { uri, eventRecordFormat: "JSON", attributes: ["VALUE"], access: [], ...config },
    { topic: "orders", readSecret: async () => secret },
  );
}

const frame = (id: number, ...payload: number[]): Buffer => Buffer.from([0, 0, 0, 0, id, ...payload]);
/** The Avro string "hi". */
const HI = [4, 104, 105];

/** Both ways to fail as one. */
const decode = async (
  records: RecordDecoder,
  value: Buffer | null,
  key: Buffer | null = null,
): Promise<DecodedRecord> => records.decode(key, value);

const failureOf = (attempt: Promise<DecodedRecord>): Promise<unknown> =>
  attempt.then(
    () => "no failure",
    (error) => error,
  );

describe("RecordDecoder", () => {
  test("asks once for a schema, however many records wait for it, and then returns at once", async () => {
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    const records = decoder();

    const decoded = await Promise.all([decode(records, frame(1, ...HI)), decode(records, frame(1, ...HI))]);

    expect(decoded.map(({ value }) => String(value.bytes))).toEqual(['"hi"', '"hi"']);
    expect(records.decode(null, frame(1, ...HI))).toMatchObject({ value: { bytes: Buffer.from('"hi"') } });
    expect(requests.map(({ path }) => path)).toEqual(["/schemas/ids/1"]);
  });

  test("null is a tombstone, which no schema describes", () => {
    expect(decoder({ attributes: ["KEY", "VALUE"] }).decode(null, null)).toEqual({
      key: { bytes: null, metadata: undefined, json: undefined },
      value: { bytes: null, metadata: undefined, json: undefined },
    });
  });

  test("an attribute that is not validated stays as it is", async () => {
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    const record = await decode(decoder({ attributes: ["KEY"] }), Buffer.from("plain"), frame(1, ...HI));

    expect(record.value).toEqual({ bytes: Buffer.from("plain"), metadata: undefined, json: undefined });
    expect(record.key.metadata).toEqual({ dataFormat: "AVRO", schemaId: "1" });
  });

  test("SOURCE checks as JSON does", async () => {
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    const records = decoder({ eventRecordFormat: "SOURCE" });

    expect((await decode(records, frame(1, ...HI))).value.bytes).toEqual(Buffer.from(HI));
    expect(await failureOf(decode(records, frame(1, 200)))).toMatchObject({ reason: "DESERIALIZATION_ERROR" });
  });

  test("references are followed to the end, each of them once", async () => {
    const record = (name: string, ...types: string[]) =>
      JSON.stringify({ type: "record", name, fields: types.map((type, index) => ({ name: `f${index}`, type })) });
    const reference = (name: string) => ({ name, subject: `of/${name}`, version: 3 });
    replies.set("/schemas/ids/1", { body: { schema: record("A", "B", "C"), references: ["B", "C"].map(reference) } });
    replies.set("/subjects/of%2FB/versions/3", { body: { schema: record("B", "C"), references: [reference("C")] } });
    replies.set("/subjects/of%2FC/versions/3", { body: { schema: record("C", "int") } });

    const { value } = await decode(decoder({ uri: `${uri}/` }), frame(1, 2, 4));

    expect(String(value.bytes)).toBe('{"f0":{"f0":{"f0":1}},"f1":{"f0":2}}');
    expect(requests).toHaveLength(3);
  });
});

describe("what is wrong with the record", () => {
  test.each([
    ["DESERIALIZATION_ERROR", Buffer.from('{"id":1}'), "was written with no schema: it begins with byte 123"],
    ["DESERIALIZATION_ERROR", Buffer.alloc(0), "0 bytes are too short"],
    ["DESERIALIZATION_ERROR", frame(1, 200), "The value of a record of topic orders does not match schema 1 (AVRO)"],
    ["DESERIALIZATION_ERROR", frame(2, 0), "the schema cannot be read"],
    ["DESERIALIZATION_ERROR", frame(3, 0), 'the unknown type "XML"'],
    ["SCHEMA_NOT_FOUND", frame(4, 0), "has no schema 4 (error 40403)"],
    ["SCHEMA_NOT_FOUND", frame(5, 0), "has no version 1 of subject gone"],
  ])("%s", async (reason, value, message) => {
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    replies.set("/schemas/ids/2", { body: { schema: '"nothing"' } });
    replies.set("/schemas/ids/3", { body: { schema: "<x/>", schemaType: "XML" } });
    replies.set("/schemas/ids/5", {
      body: { schema: '"gone"', references: [{ name: "gone", subject: "gone", version: 1 }] },
    });

    const failure = await failureOf(decode(decoder(), value));

    expect(failure).toBeInstanceOf(MappingError);
    expect(failure).toMatchObject({
      code: "SOK_RECORD_SCHEMA_INVALID",
      reason,
      message: expect.stringContaining(message),
    });
  });

  test("a schema that cannot be read is not asked for again", async () => {
    replies.set("/schemas/ids/2", { body: { schema: '"nothing"' } });
    const records = decoder();
    await failureOf(decode(records, frame(2, 0)));

    expect(() => records.decode(null, frame(2, 0))).toThrow("the schema cannot be read");
    expect(requests).toHaveLength(1);
  });

  test("what the value is, is not shown", async () => {
    replies.set("/schemas/ids/1", {
      body: { schemaType: "JSON", schema: JSON.stringify({ properties: { pin: { type: "integer" } } }) },
    });
    const failure = await failureOf(decode(decoder(), frame(1, ...Buffer.from('{"pin":"very-secret"}'))));

    expect(String(failure)).not.toContain("very-secret");
  });
});

describe("what is wrong with the registry", () => {
  test.each([
    ["an error of its own", { status: 500, body: { error_code: 50001 } }, "status 500"],
    ["too many requests", { status: 429, body: "" }, "status 429"],
    ["no access", { status: 401, body: { error_code: 401 } }, "status 401"],
    ["a redirect", { status: 302, body: "" }, "status 302"],
    ["a wrong path", { status: 404, body: { error_code: 404, message: "HTTP 404 Not Found" } }, "status 404"],
    ["a page of something else", { status: 404, body: "<html>" }, "status 404"],
    ["no schema", { body: "<html>" }, "is no schema"],
    ["too long a reply", { body: " ".repeat(4 * 1_024 * 1_024 + 1) }, "longer than 4194304 bytes"],
  ])("%s", async (_what, reply, message) => {
    replies.set("/schemas/ids/1", reply);
    const records = decoder();

    expect(await failureOf(decode(records, frame(1, ...HI)))).toMatchObject({
      code: "SOK_REGISTRY_UNAVAILABLE",
      message: expect.stringContaining(message),
    });

    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    expect(String((await decode(records, frame(1, ...HI))).value.bytes)).toBe('"hi"');
  });

  test("no server", async () => {
    server.close();
    expect(await failureOf(decode(decoder(), frame(1, ...HI)))).toMatchObject({
      code: "SOK_REGISTRY_UNAVAILABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test.each([
    ["arn:aws:glue:eu-central-1:000000000000:registry/orders", "custom.serverless-offline-kafka.schemaRegistry"],
    ["ftp://registry", "no http:// or https:// URL"],
    ["registry:8081", "no http:// or https:// URL"],
    ["registry", "no http:// or https:// URL"],
  ])("%s is refused at once", (unsupported, message) => {
    expect(() => decoder({ uri: unsupported })).toThrow(
      expect.objectContaining({ code: "SOK_REGISTRY_UNSUPPORTED", message: expect.stringContaining(message) }),
    );
  });
});

describe("BASIC_AUTH", () => {
  const access = [{ type: "BASIC_AUTH", uri: SECRET_ARN }] as const;

  test("sends what the secret has", async () => {
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    secret = JSON.stringify({ username: "key", password: "ü:1" });
    await decode(decoder({ access }), frame(1, ...HI));

    expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("key:ü:1").toString("base64")}`);
  });

  test("reads the secret again after a failure", async () => {
    const records = decoder({ access });
    secret = JSON.stringify({ username: "key", password: "old" });
    replies.set("/schemas/ids/1", { status: 401, body: "" });
    await failureOf(decode(records, frame(1, ...HI)));
    secret = JSON.stringify({ username: "key", password: "new" });
    replies.set("/schemas/ids/1", { body: { schema: '"string"' } });
    await decode(records, frame(1, ...HI));

    expect(requests[1]?.headers.authorization).toBe(`Basic ${Buffer.from("key:new").toString("base64")}`);
  });

  test.each([
    ["very-secret", "is no JSON"],
    ['{"username":"very-secret"}', "has no string 'password'"],
  ])("a secret of another form is named, not shown", async (text, message) => {
    secret = text;
    const failure = await failureOf(decode(decoder({ access }), frame(1, ...HI)));

    expect(failure).toMatchObject({ code: "SOK_REGISTRY_UNAVAILABLE", message: expect.stringContaining(message) });
    expect(String(failure)).not.toContain("very-secret");
    expect(requests).toEqual([]);
  });
});
