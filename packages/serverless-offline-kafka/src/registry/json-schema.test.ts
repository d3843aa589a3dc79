import { describe, expect, test } from "@jest/globals";
import { compileJsonSchema } from "./json-schema.ts";
import type { RegisteredSchema } from "./schema.ts";

const schemaOf = (schema: unknown, references: RegisteredSchema["references"] = []): RegisteredSchema => ({
  format: "JSON",
  text: JSON.stringify(schema),
  references,
});

const check = (schema: RegisteredSchema, text: string): string => compileJsonSchema(schema)(Buffer.from(text))();

test("the text stays as it was written", () => {
  const text = '{ "n": 12345678901234567890, "é": 1.0 }';
  expect(check(schemaOf({ type: "object" }), text)).toBe(text);
});

describe.each([
  undefined,
  "http://json-schema.org/draft-04/schema#",
  "http://json-schema.org/draft-06/schema#",
  "http://json-schema.org/draft-07/schema#",
  "https://json-schema.org/draft-07/schema",
  "https://json-schema.org/draft/2019-09/schema",
  "https://json-schema.org/draft/2020-12/schema",
])("draft %s", ($schema) => {
  const draft04 = $schema?.includes("draft-04") === true;
  const schema = schemaOf(
    {
      $schema,
      [draft04 ? "id" : "$id"]: "https://shop.test/order.json",
      type: "object",
      javaType: "shop.Order",
      properties: {
        money: { $ref: "money.json" },
        at: { type: "string", format: "date-time" },
        above: { type: "number", minimum: 1, exclusiveMinimum: draft04 ? true : 1 },
        sku: { type: "string", pattern: "^[\\w\\-\\_]+$" },
      },
      required: ["money"],
    },
    [{ name: "money.json", text: JSON.stringify({ $schema, type: "integer" }) }],
  );

  test("accepts what matches", () => {
    const text = '{"money":1,"at":"2026-01-01T00:00:00Z","above":1.5,"sku":"a-b"}';
    expect(check(schema, text)).toBe(text);
  });

  test.each([
    ['{"money":"x"}', "it/money must be integer"],
    ["{}", "it must have required property 'money'"],
    ['{"money":1,"at":"noon"}', 'it/at must match format "date-time"'],
    ['{"money":1,"above":1}', "it/above must be > 1"],
    ['{"money":', "JSON"],
  ])("refuses %s", (text, message) => {
    expect(() => check(schema, text)).toThrow(message);
  });
});

test("2020-12 has tuples of its own", () => {
  const $schema = "https://json-schema.org/draft/2020-12/schema";
  expect(() => check(schemaOf({ $schema, prefixItems: [{ type: "string" }] }), "[1]")).toThrow("it/0 must be string");
});

test("schemas may be true and false, as references too", () => {
  expect(check(schemaOf(true), "1")).toBe("1");
  expect(() => check(schemaOf(false), "1")).toThrow("NOT");
  expect(() => check(schemaOf({ $ref: "no" }, [{ name: "no", text: "false" }]), "1")).toThrow("NOT");
  expect(check(schemaOf({ $ref: "yes" }, [{ name: "yes", text: "true" }]), "1")).toBe("1");
});

test("bytes that are no UTF-8 are no JSON", () => {
  expect(() => compileJsonSchema(schemaOf({}))(Buffer.from([34, 255, 34]))).toThrow();
});

test("an unknown draft is named", () => {
  expect(() => compileJsonSchema(schemaOf({ $schema: "https://shop.test/draft" }))).toThrow("https://shop.test/draft");
});
