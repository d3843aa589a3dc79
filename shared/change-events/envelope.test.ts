import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { errorOf } from "./error-of.ts";
import { decodeChangeEvent, decodeRecord, readCents, readInteger, readText, readTimestampMicros } from "./index.ts";
import {
  base64Of,
  bytesOf,
  LOGICAL_MESSAGE,
  type MessageOptions,
  message,
  SOURCE,
  TRANSACTION,
  TRANSACTION_KEY,
} from "./samples.ts";

const MODES = [
  { mode: "with schema", schemas: true },
  { mode: "without schema", schemas: false },
];

describe.each(MODES)("$mode", ({ schemas }) => {
  const decode = (options: MessageOptions) => decodeChangeEvent(bytesOf(message({ schemas, ...options })));

  test.each(["c", "r"] as const)("op %s has the new row", (op) => {
    const event = decode({ op, after: TRANSACTION });

    expect(event.op).toBe(op);
    expect(event.before).toBeNull();
    expect(event.after?.columns()).toEqual(Object.keys(TRANSACTION));
    if (event.op !== "c" && event.op !== "r") throw new Error("narrowed by op");
    expect(readInteger(event.after, "id")).toBe(42);
    expect(readCents(event.after, "amount")).toBe(12_345);
    expect(readText(event.after, "card_type")).toBe("VISA");
    expect(readTimestampMicros(event.after, "created_at")).toBe(Date.UTC(2026, 10, 1, 12) * 1_000 + 123_456);
  });

  test("op u has both rows with REPLICA IDENTITY FULL, the new one otherwise", () => {
    const full = decode({ op: "u", before: TRANSACTION, after: TRANSACTION });
    const usual = decode({ op: "u", after: TRANSACTION });

    expect([full.before?.value("id"), full.after?.value("id")]).toEqual([42, 42]);
    expect([usual.before, usual.after?.value("id")]).toEqual([null, 42]);
  });

  test("op d has the key of the row that was", () => {
    const event = decode({ op: "d", before: TRANSACTION_KEY });

    expect(event).toMatchObject({ op: "d", after: null });
    expect([event.before?.value("id"), event.before?.value("amount")]).toEqual([42, null]);
  });

  test("op t has no row", () => {
    expect(decode({ op: "t" })).toMatchObject({
      op: "t",
      before: null,
      after: null,
      source: { table: "transactions" },
    });
  });

  test("op m has its message and belongs to no table", () => {
    const event = decodeChangeEvent(
      bytesOf(schemas ? { schema: { type: "struct", fields: [] }, payload: LOGICAL_MESSAGE } : LOGICAL_MESSAGE),
    );

    expect(event).toMatchObject({
      op: "m",
      before: null,
      after: null,
      source: { schema: "", table: "" },
      message: { prefix: "tripline", content: "aGVsbG8=" },
    });
  });
});

describe("source", () => {
  const sourceOf = (source: Record<string, unknown>) => decodeChangeEvent(bytesOf(message({ op: "t", source }))).source;

  test("says where and when the change was committed", () => {
    expect(sourceOf({})).toEqual({
      schema: "public",
      table: "transactions",
      committedAtMicros: SOURCE.ts_us,
      snapshot: "false",
      lsn: SOURCE.lsn,
      txId: SOURCE.txId,
    });
  });

  test.each([
    ["ts_us", {}, 1_793_534_400_200_123],
    ["ts_ns, rounded by JSON.parse", { ts_us: undefined }, 1_793_534_400_200_123],
    ["ts_ms, of a connector before 2.6", { ts_us: undefined, ts_ns: undefined }, 1_793_534_400_200_000],
  ])("takes the commit time from %s", (_field, source, micros) => {
    expect(sourceOf(source).committedAtMicros).toBe(micros);
  });

  test.each([
    ["first", "first"],
    ["last_in_data_collection", "last_in_data_collection"],
    ["incremental", "incremental"],
    [true, "true"],
    [null, "false"],
    [undefined, "false"],
  ])("gives snapshot %p as text", (snapshot, expected) => {
    expect(sourceOf({ snapshot }).snapshot).toBe(expected);
  });

  test("may have neither lsn nor txId", () => {
    expect(sourceOf({ lsn: null, txId: undefined })).toMatchObject({ lsn: null, txId: null });
  });

  test.each([
    [{ schema: null }],
    [{ table: 7 }],
    [{ ts_us: undefined, ts_ns: undefined, ts_ms: undefined }],
    [{ ts_us: "1793534400200123" }],
    [{ ts_us: 2 ** 53 }],
    [{ lsn: 2 ** 53 }],
    [{ txId: "745" }],
  ])("is refused with %p", (source) => {
    expect(errorOf(() => sourceOf(source)).code).toBe("CHANGE_EVENT_NOT_AN_ENVELOPE");
  });
});

describe("decodeRecord", () => {
  test("decodes the base64 of a Lambda Kafka event", () => {
    const value = base64Of(message({ op: "c", after: TRANSACTION }));
    const record = { topic: "dbserver1.public.transactions", partition: 3, offset: 7, timestamp: 0, key: null, value };

    expect(decodeRecord(record)).toMatchObject({ kind: "change", event: { op: "c" } });
  });

  test.each([
    ["a null value", { value: null }],
    ["no value", {}],
    ["a wrapped null", { value: base64Of({ schema: null, payload: null }) }],
  ])("takes %s for a tombstone", (_case, record) => {
    expect(decodeRecord(record)).toEqual({ kind: "tombstone" });
  });

  test.each(["{}", "e30 ?", "e\n30="])("refuses %p, which is not base64", (value) => {
    expect(errorOf(() => decodeRecord({ value })).code).toBe("CHANGE_EVENT_NOT_BASE64");
  });
});

describe("refuses", () => {
  test.each([
    ["nothing", ""],
    ["half a message", '{"op":"c"'],
    ["a byte order mark", '\uFEFF{"op":"t"}'],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
  ])("%s as not JSON", (_case, bytes) => {
    const error = errorOf(() => decodeChangeEvent(Buffer.from(bytes)));

    expect(error.code).toBe("CHANGE_EVENT_NOT_JSON");
    expect(error.cause).toHaveProperty("message");
  });

  test.each([
    ["null", null],
    ["a text", "op"],
    ["an array", []],
    ["a flattened row", { id: 1 }],
    ["an unknown op", message({ op: "x", after: TRANSACTION })],
    ["an insert without row", message({ op: "c" })],
    ["a row that is a list", { op: "c", source: SOURCE, after: [1] }],
    ["an event without source", { op: "t" }],
    ["a message without message", { op: "m", source: SOURCE }],
    ["a payload that is a number", { schema: {}, payload: 1 }],
    ["a schema that is a text", { schema: "s", payload: {} }],
    [
      "a schema without the row",
      { ...message({ op: "c", after: TRANSACTION, schemas: true }), schema: { fields: [] } },
    ],
  ])("%s as not an envelope", (_case, value) => {
    const error = errorOf(() => decodeChangeEvent(bytesOf(value)));

    expect(error.code).toBe("CHANGE_EVENT_NOT_AN_ENVELOPE");
  });

  test("JSON nested deeper than any stack", () => {
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    const after = `{"op":"c","source":${JSON.stringify(SOURCE)},"after":{"id":${deep}}}`;

    const event = decodeChangeEvent(Buffer.from(after));

    expect(errorOf(() => event.after && readInteger(event.after, "id")).code).toBe("CHANGE_EVENT_COLUMN_TYPE");
  });
});

test("keys that JavaScript gives a meaning are columns like any other", () => {
  const hostile = `{"op":"c","source":${JSON.stringify(SOURCE)},"after":{"__proto__":{"id":1},"hasOwnProperty":2}}`;

  const { after } = decodeChangeEvent(Buffer.from(hostile));

  expect(after?.value("id")).toBeUndefined();
  expect(after?.value("constructor")).toBeUndefined();
  expect(after?.value("hasOwnProperty")).toBe(2);
  expect(after?.columns()).toEqual(["__proto__", "hasOwnProperty"]);
});

describe("whatever the bytes, the only error is ChangeEventError", () => {
  const attempt = (bytes: Uint8Array) => {
    try {
      decodeChangeEvent(bytes);
    } catch (error) {
      expect(error).toHaveProperty("name", "ChangeEventError");
    }
  };

  test("random bytes", () => fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt)));

  test("random base64 and other text", () => {
    const value = fc.oneof(fc.string(), fc.base64String(), fc.json().map(base64Of));
    const property = fc.property(value, (text) => {
      try {
        decodeRecord({ value: text });
      } catch (error) {
        expect(error).toHaveProperty("name", "ChangeEventError");
      }
    });
    fc.assert(property);
  });

  test("envelopes with any JSON in any place", () => {
    const part = fc.option(fc.jsonValue(), { nil: undefined });
    const op = fc.oneof(fc.constantFrom("c", "r", "u", "d", "t", "m"), part);
    const source = fc.oneof(fc.constant(SOURCE), part);
    const payload = fc.record({ op, source, before: part, after: part, message: part });
    const wrapped = fc.record({ schema: part, payload: fc.oneof(payload, part) });
    fc.assert(fc.property(fc.oneof(payload, wrapped), (value) => attempt(bytesOf(value))));
  });

  test("a real message with one byte changed", () => {
    const bytes = bytesOf(message({ op: "c", after: TRANSACTION, schemas: true }));
    const property = fc.property(fc.nat(bytes.length - 1), fc.nat(255), (position, byte) => {
      attempt(bytes.with(position, byte));
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
