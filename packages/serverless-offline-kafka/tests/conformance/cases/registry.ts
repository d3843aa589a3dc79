import { expect } from "@jest/globals";
import avro from "avsc";
import protobuf from "protobufjs";
import { uniqueName } from "../../support/broker.ts";
import { conformance } from "../conformance.ts";
import { valuesOf } from "../function.ts";
import type { Case } from "../harness.ts";

type Properties = Readonly<Record<string, unknown>>;

const AVRO = {
  type: "record",
  name: "Order",
  fields: [
    { name: "id", type: "string" },
    { name: "pieces", type: "int" },
  ],
};
const ORDER = { id: "o-1", pieces: 3 };
const PROTOBUF = 'syntax = "proto3"; message Order { string id = 1; int32 pieces = 2; }';
const JSON_SCHEMA = { type: "object", required: ["id"], properties: { id: { type: "string" } } };
/** The path to the first message of a schema, as Confluent writes it. */
const FIRST_MESSAGE = Buffer.from([0]);

async function register(t: Case, schemaType: "AVRO" | "JSON" | "PROTOBUF", schema: string): Promise<number> {
  const { url } = await t.stage.registry();
  const reply = await fetch(`${url}/subjects/${uniqueName("orders")}-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema, schemaType }),
  });
  const { id } = (await reply.json()) as { id: number };
  return id;
}

/** As serializers of Confluent's frame it. */
function frame(schemaId: number, ...payload: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, ...payload]);
}

const encode = (order: unknown) => avro.Type.forSchema(AVRO as never).toBuffer(order);
const registerAvro = (t: Case) => register(t, "AVRO", JSON.stringify(AVRO));

async function registryOf(t: Case, more: Properties = {}): Promise<Properties> {
  const { url } = await t.stage.registry();
  return {
    SchemaRegistryURI: url,
    EventRecordFormat: "JSON",
    SchemaValidationConfigs: [{ Attribute: "VALUE" }],
    ...more,
  };
}

conformance("registry", "a value in Avro becomes JSON, and says its schema", async (t) => {
  const topic = await t.topic();
  const id = await registerAvro(t);
  await t.produce(topic, { 0: [frame(id, encode(ORDER))] });
  const m = t.map(topic, {}, { schemaRegistry: await registryOf(t) });
  const event = await m.fn.invoked(1);
  expect(JSON.parse(valuesOf(event)[0] ?? "null")).toEqual(ORDER);
  const [record] = event.records[`${topic}-0`] ?? [];
  expect(record?.valueSchemaMetadata).toEqual({ dataFormat: "AVRO", schemaId: String(id) });
  expect(record).not.toHaveProperty("keySchemaMetadata");
});

conformance("registry", "a value in Protobuf becomes JSON", async (t) => {
  const topic = await t.topic();
  const id = await register(t, "PROTOBUF", PROTOBUF);
  const type = protobuf.parse(PROTOBUF).root.lookupType("Order");
  await t.produce(topic, { 0: [frame(id, FIRST_MESSAGE, type.encode(ORDER).finish())] });
  const m = t.map(topic, {}, { schemaRegistry: await registryOf(t) });
  const event = await m.fn.invoked(1);
  expect(JSON.parse(valuesOf(event)[0] ?? "null")).toEqual(ORDER);
  expect(event.records[`${topic}-0`]?.[0]?.valueSchemaMetadata).toEqual({
    dataFormat: "PROTOBUF",
    schemaId: String(id),
  });
});

conformance("registry", "a value with a JSON Schema is checked", async (t) => {
  const topic = await t.topic();
  const id = await register(t, "JSON", JSON.stringify(JSON_SCHEMA));
  const json = (value: unknown) => frame(id, Buffer.from(JSON.stringify(value)));
  await t.produce(topic, { 0: [json({ pieces: 1 }), json(ORDER)] });
  const m = t.map(topic, { MaximumRetryAttempts: 0 }, { schemaRegistry: await registryOf(t) });
  await m.committed({ 0: 2 });
  expect(m.fn.values.map((value) => JSON.parse(String(value)))).toEqual([ORDER]);
  await m.line(/SOK_RECORD_SCHEMA_INVALID: .*-0 offsets 0-0/);
});

conformance("registry", "with SOURCE the function gets the bytes of the value, without its schema's id", async (t) => {
  const topic = await t.topic();
  const id = await registerAvro(t);
  await t.produce(topic, { 0: [frame(id, encode(ORDER))] });
  const schemaRegistry = await registryOf(t, { EventRecordFormat: "SOURCE" });
  const event = await t.map(topic, {}, { schemaRegistry }).fn.invoked(1);
  const [record] = event.records[`${topic}-0`] ?? [];
  expect(Buffer.from(record?.value ?? "", "base64")).toEqual(encode(ORDER));
  expect(record?.valueSchemaMetadata).toEqual({ dataFormat: "AVRO", schemaId: String(id) });
});

conformance("registry", "a key is decoded where KEY is configured, and left alone otherwise", async (t) => {
  const topic = await t.topic();
  const id = await registerAvro(t);
  const key = frame(id, encode(ORDER)).toString("latin1");
  // kafkajs takes a key as text: every byte of this one is ASCII.
  await t.produce(topic, { 0: [{ key, value: "plain" }] });
  const schemaRegistry = await registryOf(t, { SchemaValidationConfigs: [{ Attribute: "KEY" }] });
  const decoded = Object.values((await t.map(topic, {}, { schemaRegistry }).fn.invoked(1)).records).flat()[0];
  expect(JSON.parse(Buffer.from(decoded?.key ?? "", "base64").toString())).toEqual(ORDER);
  expect(decoded?.keySchemaMetadata).toEqual({ dataFormat: "AVRO", schemaId: String(id) });
  expect(Buffer.from(decoded?.value ?? "", "base64").toString()).toBe("plain");

  const other = await t.topic();
  await t.produce(other, { 0: [{ key, value: frame(id, encode(ORDER)) }] });
  const left = Object.values(
    (await t.map(other, {}, { schemaRegistry: await registryOf(t) }).fn.invoked(1)).records,
  ).flat()[0];
  expect(Buffer.from(left?.key ?? "", "base64").toString("latin1")).toBe(key);
  expect(left).not.toHaveProperty("keySchemaMetadata");
});

conformance("registry", "filters see the decoded value", async (t) => {
  const topic = await t.topic();
  const id = await registerAvro(t);
  await t.produce(topic, {
    0: [frame(id, encode({ id: "few", pieces: 1 })), frame(id, encode({ id: "many", pieces: 9 }))],
  });
  const filters = [{ Pattern: '{"value":{"pieces":[{"numeric":[">",5]}]}}' }];
  const m = t.map(topic, { FilterCriteria: { Filters: filters } }, { schemaRegistry: await registryOf(t) });
  await m.committed({ 0: 2 });
  expect(m.fn.values.map((value) => JSON.parse(String(value)))).toEqual([{ id: "many", pieces: 9 }]);
});

conformance("registry", "a record that does not match its schema goes to the destination", async (t) => {
  const topic = await t.topic();
  const queue = await t.queue();
  const id = await registerAvro(t);
  const good = frame(id, encode(ORDER));
  await t.produce(topic, { 0: [good, "no schema at all", frame(id, Buffer.from([255])), good] });
  const m = t.map(
    topic,
    { DestinationConfig: { OnFailure: { Destination: queue.arn } } },
    { schemaRegistry: await registryOf(t) },
  );
  await m.committed({ 0: 4 });
  expect(m.fn.values.map((value) => JSON.parse(String(value)))).toEqual([ORDER, ORDER]);
  const received = [await queue.receive(), await queue.receive()];
  for (const record of received) {
    expect(record).toMatchObject({ requestContext: { condition: "DESERIALIZATION_ERROR" }, responseContext: null });
  }
});

const GLUE = { SchemaRegistryURI: "arn:aws:glue:us-east-1:000000000000:registry/orders" };

conformance("glue", "a registry in Glue is refused", async (t) => {
  const topic = await t.topic();
  const schemaRegistry = await registryOf(t, GLUE);
  expect(() => t.map(topic, {}, { schemaRegistry })).toThrow(
    expect.objectContaining({ code: "SOK_REGISTRY_UNSUPPORTED" }),
  );
});

conformance("glue", "a local registry takes the place of one in Glue", async (t) => {
  const topic = await t.topic();
  const id = await registerAvro(t);
  await t.produce(topic, { 0: [frame(id, encode(ORDER))] });
  const { url } = await t.stage.registry();
  const m = t.map(topic, {}, { schemaRegistry: await registryOf(t, GLUE), settings: { schemaRegistry: url } });
  expect(JSON.parse(valuesOf(await m.fn.invoked(1))[0] ?? "null")).toEqual(ORDER);
});
