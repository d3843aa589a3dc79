import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MappingError } from "../errors.ts";
import { checkPattern, compileFilters } from "./filter.ts";

type Pattern = Readonly<Record<string, unknown>>;

const passes = (text: string | Buffer | null, ...patterns: Pattern[]) =>
  compileFilters(patterns)(typeof text === "string" ? Buffer.from(text) : text);
/** Whether a record with this JSON passes a filter on the fields of its value. */
const matches = (json: string, fields: Pattern) => passes(json, { value: fields });
/** Whether a field `a` with this JSON passes a list of rules. */
const leafMatches = (json: string, ...rules: unknown[]) => matches(`{"a":${json}}`, { a: rules });

describe("compileFilters", () => {
  test("lets everything through without patterns", () => {
    expect(compileFilters([])(null)).toBe(true);
    expect(compileFilters([])(Buffer.from("anything"))).toBe(true);
  });

  test("asks for one of several patterns", () => {
    const patterns = [{ value: { a: ["x"] } }, { value: { b: ["y"] } }];
    expect(passes('{"a":"x","b":"n"}', ...patterns)).toBe(true);
    expect(passes('{"a":"n","b":"y"}', ...patterns)).toBe(true);
    expect(passes('{"a":"n","b":"n"}', ...patterns)).toBe(false);
  });

  test("matches the examples of AWS's page on Kafka", () => {
    const devices: Pattern = { value: { device_ID: [{ prefix: "AB" }] } };
    const record = (id: string) => JSON.stringify({ device_ID: id, session: { start_time: "now", duration: 162 } });
    expect(passes(record("AB1234"), devices)).toBe(true);
    expect(passes(record("BA1234"), devices)).toBe(false);
    const errors: Pattern = { value: [{ "anything-but": ["error"] }] };
    expect(passes("error", errors)).toBe(false);
    expect(passes("errors", errors)).toBe(true);
  });

  test.each([
    ["a plain string, plain string pattern that matches", "yes", { value: ["yes"] }, true],
    ["a plain string, plain string pattern that does not match", "no", { value: ["yes"] }, false],
    ["an empty value, pattern for the empty string", "", { value: [""] }, true],
    ["an empty value, another plain string pattern", "", { value: ["yes"] }, false],
    ["a plain string, JSON pattern", "yes", { value: { a: ["yes"] } }, true],
    ["broken JSON, JSON pattern", '{"a":"no"', { value: { a: ["yes"] } }, true],
    ["broken JSON, plain string pattern", '{"a":"no"', { value: [{ prefix: "x" }] }, false],
    ["a byte order mark before JSON, JSON pattern", '\uFEFF{"a":"no"}', { value: { a: ["yes"] } }, true],
    ["JSON, plain string pattern", '{"a":"no"}', { value: ["yes"] }, true],
    ["JSON after white space, plain string pattern", '\r\n\t {"a":"no"}', { value: ["yes"] }, true],
    ["JSON that is a number, plain string pattern", "-42", { value: ["yes"] }, true],
    ["JSON that is a literal, plain string pattern", "null", { value: ["yes"] }, true],
    ["JSON that is a string, plain string pattern", '"no"', { value: ["yes"] }, true],
    ["JSON that is a number, JSON pattern", "42", { value: { a: ["yes"] } }, false],
    ["JSON, JSON pattern that matches", '{"a":"yes"}', { value: { a: ["yes"] } }, true],
    ["JSON, JSON pattern that does not match", '{"a":"no"}', { value: { a: ["yes"] } }, false],
    ["UTF-16, JSON pattern", Buffer.from("\u{20AC}no", "utf16le"), { value: { a: ["yes"] } }, true],
    ["bytes that are not UTF-8, plain string pattern", Buffer.from([0xc3, 0x28]), { value: ["yes"] }, true],
    ["a tombstone, JSON pattern", null, { value: { a: ["yes"] } }, true],
    ["a tombstone, plain string pattern", null, { value: ["yes"] }, true],
  ])("filters %s", (_name, value, pattern, expected) => {
    expect(passes(value, pattern)).toBe(expected);
  });

  test("decides by kind for each alternative of a $or around value", () => {
    const pattern: Pattern = { $or: [{ value: { a: ["yes"] } }, { value: { b: ["yes"] } }] };
    expect(passes('{"b":"yes"}', pattern)).toBe(true);
    expect(passes('{"b":"no"}', pattern)).toBe(false);
    expect(passes("no", pattern)).toBe(true);
  });
});

describe("operators", () => {
  test.each([
    ["null", [null], ["null"], ['"null"', '""', "0", "[]"]],
    ["the empty string", [""], ['""'], ["null", '" "']],
    ["equals, a string", ["Alice"], ['"Alice"', '"\\u0041lice"'], ['"alice"', '"Alice "', '["Bob"]', "{}"]],
    ["equals, true", [true], ["true"], ['"true"', "false", "1"]],
    ["equals, false", [false], ["false"], ['"false"', "true", "null"]],
    ["equals, a number by its text", [300], ["300"], ["300.0", "3.0e2", "3e2", '"300"', "301"]],
    ["equals, a fraction by its text", [0.5], ["0.5"], ["0.50", "5e-1"]],
    ["or", ["Credit", "Debit", 5], ['"Credit"', '"Debit"', "5"], ['"Cash"', "6"]],
    ["not", [{ "anything-but": ["Raining"] }], ['"Sunny"', "5", "null", "true"], ['"Raining"', "{}", "[]"]],
    ["anything-but a string", [{ "anything-but": "x" }], ['"y"', '"X"', '""'], ['"x"']],
    ["anything-but a number by its text", [{ "anything-but": 300 }], ["301", "300.0", '"300"'], ["300"]],
    ["anything-but numbers", [{ "anything-but": [1, 2] }], ["3", '"1"'], ["1", "2"]],
    ["anything-but strings", [{ "anything-but": ["x", "y"] }], ['"z"'], ['"x"', '"y"']],
    ["anything-but a prefix", [{ "anything-but": { prefix: "us-" } }], ['"eu-1"', "1"], ['"us-1"', '"us-"']],
    ["anything-but a suffix", [{ "anything-but": { suffix: ".png" } }], ['"a.gif"', '".png "'], ['"a.png"']],
    ["equals-ignore-case", [{ "equals-ignore-case": "Alice" }], ['"ALICE"', '"alice"'], ['"alic"', "null"]],
    ["prefix", [{ prefix: "us-" }], ['"us-east-1"', '"us-"'], ['"US-east-1"', '"us"', '"a us-"', "5"]],
    ["suffix", [{ suffix: ".png" }], ['"a.png"', '".png"'], ['"a.PNG"', '"a.png "', "null"]],
    ["prefix, ignoring case", [{ prefix: { "equals-ignore-case": "Us-" } }], ['"uS-1"'], ['"eu-1"', "1"]],
    ["suffix, ignoring case", [{ suffix: { "equals-ignore-case": ".pNg" } }], ['"a.PnG"'], ['"a.gif"', "1"]],
    ["numeric =", [{ numeric: ["=", 100] }], ["100", "100.0", "1e2"], ["101", '"100"', "null"]],
    ["numeric <", [{ numeric: ["<", 10] }], ["9.99", "-5"], ["10", "11"]],
    ["numeric <=", [{ numeric: ["<=", 10] }], ["10", "9"], ["10.01"]],
    ["numeric >", [{ numeric: [">", 10] }], ["10.01"], ["10", "9"]],
    ["numeric >=", [{ numeric: [">=", 10] }], ["10", "11"], ["9.99"]],
    ["a numeric range", [{ numeric: [">", 10, "<=", 20] }], ["11", "20"], ["10", "21", '"15"']],
    ["a numeric range beside a number", [7, { numeric: [">=", 10, "<", 20] }], ["7", "1e1", "19"], ["7.0", "20"]],
    ["numbers that numeric cannot compare", [{ numeric: [">", 0] }], ["5e9"], ["5000000001", "1764547200000"]],
    ["exists", [{ exists: true }], ['"x"', "null", "0", "[1]", "[[{},1]]"], ["{}", '{"b":1}', "[]", "[{}]"]],
    ["does not exist", [{ exists: false }], ["{}", '{"b":1}', "[]"], ['"x"', "null", "[1]", "[{},1]"]],
    ["a value or nothing", ["x", { exists: false }], ['"x"', "{}"], ['"y"']],
  ])("%s", (_name, rules, matching, others) => {
    for (const json of matching) expect([json, leafMatches(json, ...rules)]).toEqual([json, true]);
    for (const json of others) expect([json, leafMatches(json, ...rules)]).toEqual([json, false]);
  });

  test("exists is about the field, wherever its path ends", () => {
    const exists = (answer: boolean): Pattern => ({ a: { b: [{ exists: answer }] } });
    for (const json of ["{}", "[]", "7", '{"a":null}', '{"a":[]}', '{"a":{"c":1}}', '{"a":[{"c":1},5]}']) {
      expect([json, matches(json, exists(false)), matches(json, exists(true))]).toEqual([json, true, false]);
    }
    for (const json of ['{"a":{"b":1}}', '{"a":[{"c":1},{"b":null}]}', '[{"a":[[{"b":[0]}]]}]']) {
      expect([json, matches(json, exists(false)), matches(json, exists(true))]).toEqual([json, false, true]);
    }
  });

  test("and: all fields of a pattern, those of an array in one element", () => {
    const both: Pattern = { people: { first: ["Anna"], last: ["Jones"] } };
    expect(matches('{"people":{"first":"Anna","last":"Jones","age":4}}', both)).toBe(true);
    expect(matches('{"people":{"first":"Anna","last":"Smith"}}', both)).toBe(false);
    expect(matches('{"people":{"first":"Anna"}}', both)).toBe(false);
    expect(matches('{"people":[[{"first":"Eve","last":"Smith"}],{"first":"Anna","last":"Jones"}]}', both)).toBe(true);
    expect(matches('{"people":[{"first":"Anna","last":"Smith"},{"first":"Eve","last":"Jones"}]}', both)).toBe(false);
  });

  test("an array of the event needs one element that matches", () => {
    expect(leafMatches('["x",["y"],3]', "y")).toBe(true);
    expect(leafMatches('["x",["y"],3]', 3)).toBe(true);
    expect(leafMatches('["x",["y"],3]', "z")).toBe(false);
    expect(leafMatches('["x","y"]', { "anything-but": "x" })).toBe(true);
    expect(matches('[{"a":"x"},{"a":"y"}]', { a: ["y"] })).toBe(true);
  });

  test("$or, beside a field and nested", () => {
    const pattern: Pattern = {
      source: ["s"],
      detail: { $or: [{ city: ["NY"] }, { day: ["Mon"], $or: [{ hour: [1] }, { hour: [{ exists: false }] }] }] },
    };
    const event = (detail: object, source = "s") => JSON.stringify({ source, detail });
    expect(matches(event({ city: "NY" }), pattern)).toBe(true);
    expect(matches(event({ city: "NY" }, "t"), pattern)).toBe(false);
    expect(matches(event({ day: "Mon", hour: 1 }), pattern)).toBe(true);
    expect(matches(event({ day: "Mon" }), pattern)).toBe(true);
    expect(matches(event({ day: "Mon", hour: 2 }), pattern)).toBe(false);
    expect(matches(event({ hour: 1 }), pattern)).toBe(false);
  });

  test("of two fields with one name the last counts", () => {
    expect(matches('{"a":1,"a":2.0,"b":1}', { a: [2], b: [1] })).toBe(false);
    expect(matches('{"a":2.0,"a":2,"b":1}', { a: [2], b: [1] })).toBe(true);
    expect(matches('{"a":"x","a":"y"}', { a: ["x"] })).toBe(false);
  });

  test("an event may be deeper than the stack", () => {
    const deep = `{"a":${"[".repeat(100_000)}"x"${"]".repeat(100_000)}}`;
    expect(matches(deep, { a: ["x"] })).toBe(true);
    expect(matches(deep, { a: ["y"] })).toBe(false);
    expect(matches(deep, { a: { b: [{ exists: false }] } })).toBe(true);
    // With the text of its numbers it cannot be read, so it is no JSON.
    expect(matches(deep, { a: ["y", 1] })).toBe(true);
  });

  test("what every object inherits is no field", () => {
    expect(matches("{}", { toString: [{ exists: true }] })).toBe(false);
    expect(matches("{}", JSON.parse('{"__proto__":{"a":[{"exists":true}]}}') as Pattern)).toBe(false);
    expect(matches('{"__proto__":{"a":1}}', JSON.parse('{"__proto__":{"a":[1]}}') as Pattern)).toBe(true);
  });
});

describe("checkPattern", () => {
  const or = (alternatives: number) => Array.from({ length: alternatives }, (_, index) => ({ [`f${index}`]: ["x"] }));
  const nested = (groups: number, alternatives: number) =>
    Object.fromEntries(Array.from({ length: groups }, (_, index) => [`g${index}`, { $or: or(alternatives) }]));

  test.each([
    ["no object", [], "it is no object"],
    ["null", null, "it is no object"],
    ["what JSON does not have", () => true, "it cannot be written as JSON"],
    ["a bigint", { value: [1n] }, "it cannot be written as JSON"],
    ["an empty pattern", {}, "it is an empty object"],
    ["an empty value", { value: {} }, "value is an empty object"],
    ["an empty object inside", { value: { a: { b: {} } } }, "value.a.b is an empty object"],
    ["an empty list", { value: { a: [] } }, "value.a is an empty list"],
    ["a value that is no list", { value: "x" }, "value is neither a list"],
    ["a field that is no list", { value: { a: { b: "INSERT" } } }, "value.a.b is neither a list"],
    ["an operator that is in no list", { value: { a: { prefix: "x" } } }, "value.a.prefix is neither a list"],
    ["another field of the record", { value: ["x"], topic: ["t"] }, "topic cannot be filtered on"],
    ["the key of the record", { key: ["k"] }, "key cannot be filtered on"],
    ["another field of the record in $or", { $or: [{ value: ["x"] }, { key: ["k"] }] }, "$or[1].key cannot be"],
    ["a list in a list", { value: { a: ["x", ["y"]] } }, "value.a[1] is a list"],
    ["an empty rule", { value: { a: [{}] } }, "value.a[0] is no rule"],
    ["two operators", { value: { a: [{ prefix: "x", suffix: "y" }] } }, "value.a[0] is no rule"],
    ["an unknown operator", { value: { a: [{ contains: "x" }] } }, "value.a[0] uses contains, which is no operator"],
    ["an inherited name", { value: { a: [{ constructor: "x" }] } }, "value.a[0] uses constructor, which is no"],
    ["wildcard", { value: { a: [{ wildcard: "*x" }] } }, "value.a[0] uses wildcard, which Lambda does not support"],
    ["cidr", { value: { a: [{ cidr: "10.0.0.0/8" }] } }, "value.a[0] uses cidr, which Lambda does not support"],
    ["a prefix of another type", { value: { a: [{ prefix: 5 }] } }, "value.a[0].prefix is a string"],
    [
      "a suffix with another operator",
      { value: { a: [{ suffix: { prefix: "x" } }] } },
      "value.a[0].suffix is a string",
    ],
    ["a number to compare without case", { value: [{ "equals-ignore-case": 5 }] }, "value[0].equals-ignore-case is a"],
    ["exists with a string", { value: { a: [{ exists: "true" }] } }, "value.a[0].exists is true or false"],
    ["anything-but nothing", { value: [{ "anything-but": [] }] }, "value[0].anything-but is a string"],
    ["anything-but mixed", { value: [{ "anything-but": ["x", 1] }] }, "value[0].anything-but is a string"],
    ["anything-but null", { value: [{ "anything-but": null }] }, "value[0].anything-but is a string"],
    [
      "anything-but wildcard",
      { value: [{ "anything-but": { wildcard: "*" } }] },
      "value[0].anything-but wraps wildcard",
    ],
    [
      "anything-but without case",
      { value: [{ "anything-but": { "equals-ignore-case": "x" } }] },
      "value[0].anything-but wraps equals-ignore-case, which Lambda does not support",
    ],
    ["anything-but no prefix", { value: [{ "anything-but": { prefix: "" } }] }, "value[0].anything-but.prefix is a"],
    ["numeric without a list", { value: { a: [{ numeric: 5 }] } }, "value.a[0].numeric is one comparison"],
    ["numeric without a bound", { value: { a: [{ numeric: ["="] }] } }, "value.a[0].numeric is one comparison"],
    [
      "three comparisons",
      { value: { a: [{ numeric: [">", 0, "<", 5, "=", 3] }] } },
      "value.a[0].numeric is one comparison",
    ],
    ["an unknown comparison", { value: { a: [{ numeric: ["!=", 5] }] } }, "value.a[0].numeric has an operator"],
    ["a bound that is no number", { value: { a: [{ numeric: ["=", "5"] }] } }, "value.a[0].numeric compares with"],
    ["a bound out of range", { value: { a: [{ numeric: ["<", 5.1e9] }] } }, "value.a[0].numeric compares with"],
    [
      "a range from its upper bound",
      { value: { a: [{ numeric: ["<", 5, ">", 0] }] } },
      "value.a[0].numeric is no range",
    ],
    ["an empty range", { value: { a: [{ numeric: [">=", 5, "<=", 5] }] } }, "value.a[0].numeric is no range"],
    ["one alternative", { value: { $or: [{ a: ["x"] }] } }, "value.$or is a list of 2 objects or more"],
    ["$or with values", { value: { $or: ["x", "y"] } }, "value.$or is a list of 2 objects or more"],
    ["$or with an object", { value: { $or: { a: ["x"] } } }, "value.$or is a list of 2 objects or more"],
    ["a fault inside $or", { value: { $or: [{ a: ["x"] }, { b: [] }] } }, "value.$or[1].b is an empty list"],
    ["too many combinations", { value: nested(3, 11) }, "$or makes 1331 combinations, 1000 is the most"],
    ["too long a pattern", { value: ["x".repeat(4_085)] }, "it has 4099 characters as JSON, 4096 is the most"],
  ])("refuses %s", (_name, pattern, reason) => {
    expect(checkPattern(pattern)).toContain(`filter pattern: ${reason}`);
    expect(() => compileFilters([{ value: ["fine"] }, pattern as Pattern])).toThrow(
      expect.objectContaining({ code: "SOK_FILTER_INVALID", message: checkPattern(pattern) }),
    );
  });

  test.each([
    ["a plain string pattern", { value: ["x"] }],
    ["a JSON pattern", { value: { a: { b: ["x", 5, null, { exists: false }] } } }],
    ["bounds of numeric", { value: { a: [{ numeric: [">=", -5e9, "<=", 5e9] }] } }],
    ["as many combinations as may be", { value: nested(3, 10) }],
    ["as long a pattern as may be", { value: ["x".repeat(4_082)] }],
  ])("takes %s", (_name, pattern) => {
    expect(checkPattern(pattern)).toBeUndefined();
  });
});

describe("properties", () => {
  type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
  const scalar = fc.oneof(
    fc.string({ maxLength: 4 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const fieldName = fc.string({ maxLength: 3 }).filter((name) => name !== "$or");
  const { event, json } = fc.letrec<{ event: { [key: string]: Json }; json: Json }>((tie) => ({
    event: fc.dictionary(fieldName, tie("json"), { maxKeys: 3 }),
    json: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      fc.array(tie("json"), { maxLength: 3 }),
      tie("event"),
    ),
  }));

  /** A pattern for every leaf of an event, or of one element of an array; undefined where there is no leaf. */
  const patternOf = (value: Json): unknown => {
    if (Array.isArray(value)) return value.map(patternOf).find((part) => part !== undefined);
    if (typeof value !== "object" || value === null) return [value];
    const parts = Object.entries(value).map(([key, part]) => [key, patternOf(part)] as const);
    const present = parts.filter(([, part]) => part !== undefined);
    return present.length === 0 ? undefined : Object.fromEntries(present);
  };

  test("a pattern made of an event's leaves matches the event", () => {
    fc.assert(
      fc.property(event, (value) => {
        const pattern = patternOf(value);
        fc.pre(pattern !== undefined);
        expect(matches(JSON.stringify(value), pattern as Pattern)).toBe(true);
      }),
    );
  });

  test("a pattern made of an event's leaves does not match it once a leaf is another", () => {
    const flat = fc.dictionary(fieldName, scalar, { minKeys: 1, maxKeys: 5 });
    fc.assert(
      fc.property(flat, fc.nat(), scalar, fc.array(fieldName, { maxLength: 3 }), (leaves, index, other, path) => {
        const keys = Object.keys(leaves);
        const key = keys[index % keys.length] as string;
        fc.pre(JSON.stringify(leaves[key]) !== JSON.stringify(other));
        const changed = Object.fromEntries(keys.map((name) => [name, name === key ? other : leaves[name]] as const));
        const inside = (value: unknown) => path.reduceRight<unknown>((part, name) => ({ [name]: part }), value);
        const pattern = inside(patternOf(leaves as Json)) as Pattern;
        expect(matches(JSON.stringify(inside(leaves)), pattern)).toBe(true);
        expect(matches(JSON.stringify(inside(changed)), pattern)).toBe(false);
      }),
    );
  });

  test("anything-but is the negation of exact match on strings", () => {
    const text = fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "é", '"', "\\") });
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1 }), (value, values) => {
        const is = JSON.stringify(value);
        expect(leafMatches(is, { "anything-but": values })).toBe(!leafMatches(is, ...values));
      }),
    );
  });

  test("$or is the or of its alternatives, and fields are the and of theirs", () => {
    const fields = fc.dictionary(
      fc.constantFrom("a", "b", "c"),
      fc.array(fc.oneof(fc.constantFrom("x", 1, null), fc.constantFrom({ exists: false }, { "anything-but": "x" })), {
        minLength: 1,
        maxLength: 2,
      }),
      { minKeys: 1 },
    );
    const values = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("x", "y", 1, 2, null));
    fc.assert(
      fc.property(fields, fields, fields, values, (first, second, both, value) => {
        const is = JSON.stringify(value);
        const one = matches(is, first) || matches(is, second);
        expect(matches(is, { $or: [first, second], ...both })).toBe(one && matches(is, both));
      }),
    );
  });

  test("a filter answers for any bytes", () => {
    const filters = [
      compileFilters([{ value: { a: [1, { exists: false }], b: { c: ["x"] } } }, { value: ["x"] }]),
      compileFilters([{ value: { a: [{ numeric: [">", 0] }], b: { c: [{ exists: false }] } } }]),
    ];
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      json.map((value) => Buffer.from(JSON.stringify(value))),
      fc.constant(null),
    );
    fc.assert(
      fc.property(bytes, (value) => {
        for (const filter of filters) expect(typeof filter(value)).toBe("boolean");
      }),
    );
  });

  test("any pattern is compiled or refused with a reason", () => {
    const key = fc.constantFrom(
      ..."value $or a anything-but equals-ignore-case exists numeric prefix suffix wildcard cidr __proto__ toJSON".split(
        " ",
      ),
    );
    const { nearPattern } = fc.letrec((tie) => ({
      nearPattern: fc.oneof(
        { depthSize: "medium" },
        fc.oneof(scalar, fc.constantFrom(undefined, Number.NaN, 1n, "=", "<", ">")),
        fc.array(tie("nearPattern"), { maxLength: 4 }),
        fc.dictionary(key, tie("nearPattern"), { maxKeys: 3 }),
        fc.dictionary(key, tie("nearPattern"), { minKeys: 1, maxKeys: 1 }),
      ),
    }));
    const garbage = fc.oneof(
      fc.anything({ withBigInt: true, withNullPrototype: true, withObjectString: true }),
      nearPattern,
      nearPattern.map((value) => ({ value })),
      nearPattern.map((value) => ({ value: { a: [value] } })),
    );
    fc.assert(
      fc.property(garbage, (pattern) => {
        const reason = checkPattern(pattern);
        if (reason === undefined) {
          expect(typeof passes('{"a":1}', pattern as Pattern)).toBe("boolean");
          return;
        }
        const thrown = (() => {
          try {
            return compileFilters([pattern as Pattern]);
          } catch (error) {
            return error;
          }
        })();
        expect(thrown).toBeInstanceOf(MappingError);
        expect(thrown).toMatchObject({ code: "SOK_FILTER_INVALID", message: reason });
      }),
      { numRuns: 500 },
    );
  });
});
