import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import { Held } from "../function.ts";
import type { Case, Message } from "../harness.ts";

type Value = string | Buffer | null;

const criteria = (...patterns: readonly unknown[]) => ({
  FilterCriteria: { Filters: patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) },
});

/** Which of these values are delivered. Objects are produced as JSON. */
async function delivered(
  t: Case,
  patterns: readonly unknown[],
  values: ReadonlyArray<Value | object>,
): Promise<ReadonlyArray<string | null>> {
  const topic = await t.topic();
  const isPlain = (value: Value | object): value is Value =>
    value === null || typeof value === "string" || Buffer.isBuffer(value);
  const messages: Message[] = values.map((value) => (isPlain(value) ? value : JSON.stringify(value)));
  await t.produce(topic, { 0: messages });
  const m = t.map(topic, criteria(...patterns));
  await m.committed({ 0: values.length });
  expect(m.mapping.metrics.get("FilteredOutEventCount")).toBe(values.length - m.fn.values.length);
  return m.fn.values;
}

/** Of values `{"n": N, "x": …}`, the numbers of those that a pattern for `x` lets through. */
async function matching(t: Case, rules: unknown, ...fields: readonly string[]): Promise<readonly unknown[]> {
  const values = fields.map((x, n) => (x === "" ? `{"n":${n}}` : `{"n":${n},"x":${x}}`));
  const passed = await delivered(t, [{ value: { x: rules } }], values);
  return passed.map((value) => fields[(JSON.parse(String(value)) as { n: number }).n]);
}

conformance("filter-criteria", "a record that matches one of the patterns is delivered", async (t) => {
  const patterns = [{ value: { type: ["order"] } }, { value: { type: ["return"], urgent: [true] } }];
  const [order, urgent, other] = [{ type: "order" }, { type: "return", urgent: true }, { type: "return" }];
  expect(await delivered(t, patterns, [order, urgent, other])).toEqual(
    [order, urgent].map((one) => JSON.stringify(one)),
  );
});

conformance("filter-criteria", "a record that matches none is not delivered, and commits with the batch", async (t) => {
  const topic = await t.topic(2);
  const held = new Held();
  await t.produce(topic, { 0: ["no", "yes", "no"] });
  const concurrent = { ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 1 } };
  const m = t.map(topic, { ...criteria({ value: ["yes"] }), ...concurrent }, { replies: [held.reply] });
  await m.fn.invoked(1);
  await t.produce(topic, { 1: ["no"] });
  // What comes before the running batch is done; the batch, and what comes after it, is not.
  await m.committed({ 0: 1, 1: 1 });
  held.end();
  await m.committed({ 0: 3, 1: 1 });
  expect(m.fn.values).toEqual(["yes"]);
});

conformance("filter-criteria", "a batch that is filtered out wholly is committed without an invocation", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["no", "no"] });
  const m = t.map(topic, criteria({ value: ["yes"] }));
  await m.committed({ 0: 2 });
  expect(m.fn.events).toEqual([]);
});

conformance("filter-criteria", "more than 10 patterns are refused, more than 5 warned of", async (t) => {
  const event = (count: number) => ({
    msk: {
      arn: "arn:aws:kafka:us-east-1:000000000000:cluster/shop/1",
      topic: "orders",
      filterPatterns: Array.from({ length: count }, (_, i) => ({ value: [String(i)] })),
    },
  });
  const read = (count: number) => t.read({ events: [event(count)], settings: { bootstrapServers: "127.0.0.1:9092" } });
  expect(read(5).warnings).toEqual([]);
  expect(read(10).warnings).toEqual([expect.stringContaining("AWS refuses more than 5 filters")]);
  expect(() => read(11)).toThrow(expect.objectContaining({ code: "SOK_FILTER_INVALID" }));
});

conformance("filter-value", "a pattern for anything but the value is refused", async (t) => {
  const topic = await t.topic();
  for (const key of ["key", "offset", "headers"]) {
    expect(() => t.map(topic, criteria({ [key]: ["a"] }))).toThrow(
      expect.objectContaining({ code: "SOK_FILTER_INVALID" }),
    );
  }
});

conformance("filter-kinds", "a JSON pattern lets plain strings, tombstones and binary values pass", async (t) => {
  const binary = Buffer.from([0xff, 0xfe]);
  const values = ["a plain string", { type: "order" }, { type: "other" }, null, binary];
  expect(await delivered(t, [{ value: { type: ["order"] } }], values)).toEqual([
    "a plain string",
    '{"type":"order"}',
    null,
    binary.toString(),
  ]);
});

conformance("filter-kinds", "a plain pattern is compared with plain strings, and lets JSON pass", async (t) => {
  const values = ["yes", "no", { type: "other" }, null];
  expect(await delivered(t, [{ value: ["yes"] }], values)).toEqual(["yes", '{"type":"other"}', null]);
});

conformance("filter-operators", "exact match is of strings, true, false and null", async (t) => {
  const fields = ['"a"', '"A"', "true", '"true"', "null", "", "false"];
  expect(await matching(t, ["a", true, null], ...fields)).toEqual(['"a"', "true", "null"]);
});

conformance("filter-operators", "exact match of numbers compares their text: 300 is not 300.0", async (t) => {
  expect(await matching(t, [300], "300", "300.0", "3.0e2", '"300"', "301")).toEqual(["300"]);
});

conformance("filter-operators", "exists asks whether a field is there", async (t) => {
  expect(await matching(t, [{ exists: true }], "1", "null", "", "{}")).toEqual(["1", "null"]);
  expect(await matching(t, [{ exists: false }], "1", "null", "", "{}")).toEqual(["", "{}"]);
});

conformance("filter-operators", "prefix and suffix compare the ends of strings", async (t) => {
  expect(await matching(t, [{ prefix: "AB" }], '"ABC"', '"xAB"', '"abc"', "1")).toEqual(['"ABC"']);
  expect(await matching(t, [{ suffix: ".png" }], '"a.png"', '"a.png.txt"', '"A.PNG"')).toEqual(['"a.png"']);
});

conformance("filter-operators", "anything-but matches everything else that is there", async (t) => {
  expect(await matching(t, [{ "anything-but": ["a", "b"] }], '"a"', '"c"', "1", "")).toEqual(['"c"', "1"]);
  expect(await matching(t, [{ "anything-but": 1 }], "1", "2", '"1"')).toEqual(["2", '"1"']);
});

conformance("filter-operators", "anything-but takes a prefix or a suffix", async (t) => {
  expect(await matching(t, [{ "anything-but": { prefix: "x" } }], '"xa"', '"ax"')).toEqual(['"ax"']);
  expect(await matching(t, [{ "anything-but": { suffix: "x" } }], '"xa"', '"ax"')).toEqual(['"xa"']);
});

conformance("filter-operators", "equals-ignore-case does not look at capitals", async (t) => {
  expect(await matching(t, [{ "equals-ignore-case": "Alice" }], '"ALICE"', '"alice"', '"alic"')).toEqual([
    '"ALICE"',
    '"alice"',
  ]);
});

conformance("filter-operators", "numeric compares numbers, and ranges of them", async (t) => {
  expect(await matching(t, [{ numeric: ["=", 300] }], "300", "300.0", "3.0e2", '"300"')).toEqual([
    "300",
    "300.0",
    "3.0e2",
  ]);
  expect(await matching(t, [{ numeric: [">", 10, "<=", 20] }], "10", "10.5", "20", "21")).toEqual(["10.5", "20"]);
});

conformance("filter-operators", "all fields of a pattern must match, one rule of each", async (t) => {
  const pattern = { value: { type: ["order", "return"], customer: { country: ["DE"] } } };
  const order = (type: string, country: string) => ({ type, customer: { country } });
  const values = [order("order", "DE"), order("return", "DE"), order("order", "FR"), order("other", "DE")];
  expect(await delivered(t, [pattern], values)).toEqual(values.slice(0, 2).map((value) => JSON.stringify(value)));
});

conformance("filter-operators", "$or needs one of its alternatives", async (t) => {
  const pattern = { value: { type: ["order"], $or: [{ urgent: [true] }, { amount: [{ numeric: [">", 100] }] }] } };
  const order = (urgent: boolean, amount: number) => ({ type: "order", urgent, amount });
  const values = [order(true, 1), order(false, 101), order(false, 100), { type: "other", urgent: true }];
  expect(await delivered(t, [pattern], values)).toEqual(values.slice(0, 2).map((value) => JSON.stringify(value)));
});

conformance("filter-operators", "an operator that Lambda does not have is refused", async (t) => {
  const topic = await t.topic();
  for (const rule of [{ wildcard: "a*" }, { cidr: "10.0.0.0/8" }, { regex: "a" }]) {
    expect(() => t.map(topic, criteria({ value: { x: [rule] } }))).toThrow(
      expect.objectContaining({ code: "SOK_FILTER_INVALID" }),
    );
  }
});
