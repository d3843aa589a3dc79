import { describe, expect, test } from "@jest/globals";
import { MappingError } from "../errors.ts";
import type { DecodedRecord } from "../registry/registry.ts";
import { RecordSchemaError } from "../registry/schema.ts";
import type { SourceRecord } from "./event.ts";
import { packRecord, recordKey, recordValue } from "./event.ts";
import type { Intake } from "./intake.ts";
import { takeIn, takeInDecoded } from "./intake.ts";
import { FakeClock, OK, settle, shape, TOPIC, World } from "./world.ts";

const AT = { topic: TOPIC, partition: 0 };
const METADATA = { dataFormat: "JSON", schemaId: "1" } as const;
const record = (offset: number, value: string) =>
  packRecord({ offset, timestamp: 1, key: Buffer.from("k"), value: Buffer.from(value), headers: [["h", null]] });
const values = ({ records }: Intake) => records.map((one) => String(recordValue(one)));

/** A registry that knows what is "good", rejects what is "bad", and is asked again about "new" and "away". */
class Registry {
  readonly asked: string[] = [];
  isAway = true;
  resolveNew: () => void = () => {};

  decode(key: Buffer | null, value: Buffer | null): DecodedRecord | Promise<DecodedRecord> {
    const text = String(value);
    this.asked.push(text);
    if (text === "bad") throw new RecordSchemaError("DESERIALIZATION_ERROR", "does not match");
    if (text === "away" && this.isAway) throw new MappingError("SOK_REGISTRY_UNAVAILABLE", "nobody answers");
    const json = `{"${text}":1}`;
    const decoded: DecodedRecord = {
      key: { bytes: key, metadata: undefined, json: undefined },
      value: { bytes: Buffer.from(json), metadata: METADATA, json: () => json },
    };
    if (text !== "new") return decoded;
    return new Promise((resolve) => {
      this.resolveNew = () => resolve(decoded);
    });
  }
}

function setUp(matches?: (value: Buffer | null) => boolean) {
  const registry = new Registry();
  const clock = new FakeClock();
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const log = { notice: say, warning: say, error: say };
  return { registry, clock, lines, take: takeInDecoded({ decoder: registry, matches, clock, name: "fn", log }) };
}

test("without a registry records stay as they are, and filters see their values", () => {
  const records = [record(0, "a"), record(1, "b")];
  expect(takeIn(undefined)(AT, records, () => true)).toEqual({ records, rejected: new Map() });
  const taken = takeIn((value) => String(value) === "b")(AT, records, () => true);
  expect(values(taken as Intake)).toEqual(["b"]);
});

describe("with a registry", () => {
  test("records carry what was decoded, and filters see it", () => {
    const { take } = setUp((value) => String(value) === '{"b":1}');
    const taken = take(AT, [record(0, "a"), record(1, "b")], () => true) as Intake;
    expect(values(taken)).toEqual(['{"b":1}']);
    const [first] = taken.records as [SourceRecord];
    expect(first).toMatchObject({ offset: 1, timestamp: 1, headers: [["h", null]], valueSchemaMetadata: METADATA });
    expect(recordKey(first)).toEqual(Buffer.from("k"));
  });

  test("a schema that has to be fetched holds up what comes after it, in order", async () => {
    const { registry, take } = setUp();
    const taken = take(AT, [record(0, "a"), record(1, "new"), record(2, "b")], () => true);
    await settle();
    expect(registry.asked).toEqual(["a", "new"]);
    registry.resolveNew();
    expect(values(await taken)).toEqual(['{"a":1}', '{"new":1}', '{"b":1}']);
  });

  test("a record that does not match its schema is kept as it was, and marked", () => {
    const { take } = setUp();
    const { records, rejected } = take(AT, [record(4, "bad"), record(5, "a")], () => true) as Intake;
    expect(records.map((one) => String(recordValue(one)))).toEqual(["bad", '{"a":1}']);
    expect([...rejected].map(([offset, { reason }]) => [offset, reason])).toEqual([[4, "DESERIALIZATION_ERROR"]]);
  });

  test("a registry that is away is asked until it answers, loudly", async () => {
    const { clock, lines, registry, take } = setUp();
    const taken = take(AT, [record(7, "away")], () => true);
    await clock.advance(60_000);
    expect(registry.asked.length).toBeGreaterThan(5);
    expect(lines[0]).toMatch(/^fn: SOK_REGISTRY_UNAVAILABLE: t-0 offset 7: nobody answers; again in 0\.4 s$/);
    registry.isAway = false;
    await clock.advance(10_000);
    expect(values(await taken)).toEqual(['{"away":1}']);
  });

  test("nobody is asked for a partition that is not held any more", async () => {
    const { clock, registry, take } = setUp();
    let isHeld = true;
    const taken = take(AT, [record(7, "away"), record(8, "a")], () => isHeld);
    isHeld = false;
    await clock.advance(60_000);
    await taken;
    expect(registry.asked.filter((value) => value === "away").length).toBeLessThan(3);
  });
});

describe("in a mapping", () => {
  test("what cannot be decoded goes to the destination alone, with the reason; its neighbours are delivered", async () => {
    const { registry, take } = setUp();
    const world = new World({ takeIn: take, destination: true });
    world.assign(0);
    for (const value of ["a", "bad", "b"]) world.produce(0, 1, Buffer.from(value));
    world.fetch(0, 3);
    for (let i = 0; i < 4; i += 1) {
      await world.finish(OK);
      await world.clock.advance(0);
    }
    expect(world.disposed.map(({ condition, event }) => [condition, shape(event)])).toEqual([
      ["DESERIALIZATION_ERROR", { "t-0": [1] }],
    ]);
    expect(world.invoked.map(shape)).toEqual([{ "t-0": [0] }, { "t-0": [2] }]);
    expect(world.committed.get(0)).toBe(3);
    expect(world.lines[0]).toContain("SOK_RECORD_SCHEMA_INVALID: t-0 offsets 1-1");
    expect(registry.asked).toEqual(["a", "bad", "b"]);
  });

  test("while a schema is fetched, its partition is not, and nothing is committed past it", async () => {
    const { registry, take } = setUp();
    const world = new World({ takeIn: take });
    world.assign(0, 1);
    world.produce(0, 1, Buffer.from("new"));
    world.produce(0, 1, Buffer.from("a"));
    world.produce(1, 1, Buffer.from("b"));
    for (const partition of [0, 1]) world.fetch(partition, 2);
    await settle();
    expect(world.paused).toEqual(new Set([0]));
    expect(shape(world.invocation)).toEqual({ "t-1": [0] });
    await world.finish(OK);
    expect(world.commits).toEqual([{ topic: TOPIC, partition: 1, offset: 1 }]);
    registry.resolveNew();
    await world.clock.advance(0);
    expect(world.paused).toEqual(new Set());
    expect(shape(world.invocation)).toEqual({ "t-0": [0, 1] });
  });
});
