import { expect } from "@jest/globals";
import { uniqueName } from "../../support/broker.ts";
import { conformance } from "../conformance.ts";
import { Held, succeeds, throws } from "../function.ts";
import { until, untilTrue } from "../wait.ts";

const SECOND_MS = 1_000;

conformance("starting-position", "TRIM_HORIZON begins with the first record there is", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const m = t.map(topic, { StartingPosition: "TRIM_HORIZON" });
  await m.committed({ 0: 2 });
  expect(m.fn.values).toEqual(["a", "b"]);
});

conformance("starting-position", "LATEST begins with what comes after the start", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["before"] });
  const m = t.map(topic, { StartingPosition: "LATEST" });
  await m.reads(0);
  await t.produce(topic, { 0: ["after"] });
  await m.committed({ 0: 2 });
  expect(m.fn.values).toEqual(["after"]);
});

conformance("starting-position", "AT_TIMESTAMP begins with the first record at or after the time", async (t) => {
  const topic = await t.topic();
  const at = Math.floor(Date.now() / SECOND_MS) - 600;
  const message = (value: string, timestampMs: number) => ({ value, timestampMs });
  await t.produce(topic, {
    0: [
      message("too early", at * SECOND_MS - 1),
      message("in time", at * SECOND_MS),
      message("later", (at + 60) * SECOND_MS),
    ],
  });
  const m = t.map(topic, { StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: at });
  await m.committed({ 0: 3 });
  expect(m.fn.values).toEqual(["in time", "later"]);
});

conformance("starting-position", "offsets that the group has count, not the starting position", async (t) => {
  const topic = await t.topic();
  const groupId = uniqueName("agent");
  await t.produce(topic, { 0: ["a", "b", "c"] });
  const first = t.map(topic, { BatchSize: 1 }, { groupId, replies: [succeeds, throws] });
  await first.committed({ 0: 1 });
  await first.stop();
  const trimHorizon = t.map(topic, { StartingPosition: "TRIM_HORIZON" }, { groupId });
  await trimHorizon.committed({ 0: 3 });
  expect(trimHorizon.fn.values).toEqual(["b", "c"]);
  await trimHorizon.stop();

  await t.produce(topic, { 0: ["while nobody reads"] });
  const latest = t.map(topic, { StartingPosition: "LATEST" }, { groupId });
  await latest.committed({ 0: 4 });
  expect(latest.fn.values).toEqual(["while nobody reads"]);
});

conformance("group", "a mapping is a member of the group that it names", async (t) => {
  const groupId = uniqueName("agent");
  const m = t.map(await t.topic(), {}, { groupId });
  await m.reads(0);
  const { groups } = await t.stage.admin.describeGroups([groupId]);
  expect(groups.map(({ members, state }) => [state, members.length])).toEqual([["Stable", 1]]);
});

conformance("group", "mappings of two groups read every record, each for itself", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const mappings = [t.map(topic), t.map(topic)];
  for (const m of mappings) {
    await m.committed({ 0: 2 });
    expect(m.fn.values).toEqual(["a", "b"]);
  }
});

conformance("group", "a mapping that names no group has one of its own", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const mappings = [1, 2].map(() => t.map(topic, { SelfManagedKafkaEventSourceConfig: undefined }));
  for (const m of mappings) await m.committed({ 0: 1 });
  expect(new Set(mappings.map(({ config }) => config.groupId)).size).toBe(2);
});

conformance("members", "two processes of one group share the partitions, and none is in both", async (t) => {
  const topic = await t.topic(2);
  const groupId = uniqueName("agent");
  const one = t.map(topic, {}, { groupId });
  await one.reads(0, 1);
  await t.produce(topic, { 0: ["alone"] });
  await one.committed({ 0: 1 });
  const other = t.map(topic, {}, { groupId });
  const own = (m: typeof one) => m.mapping.status().partitions.map(({ partition }) => partition);
  await untilTrue("each has one partition", () => own(one).length === 1 && own(other).length === 1);
  expect([...own(one), ...own(other)].sort()).toEqual([0, 1]);

  await t.produce(topic, { 0: ["x"], 1: ["y"] });
  await one.committed({ 0: 2, 1: 1 });
  expect([...one.fn.values, ...other.fn.values].sort()).toEqual(["alone", "x", "y"]);
  expect(other.fn.values).toHaveLength(1);
});

conformance("members", "a batch that runs is done and committed before its partition moves", async (t) => {
  const topic = await t.topic(2);
  const groupId = uniqueName("agent");
  const held = new Held();
  await t.produce(topic, { 0: ["a"], 1: ["b"] });
  // Both partitions are under way, so the one that moves is.
  const one = t.map(topic, { ProvisionedPollerConfig: {}, BatchSize: 1 }, { groupId, replies: [held.reply] });
  await one.fn.invoked(2);
  const other = t.map(topic, {}, { groupId });
  await until("both are in the group", async () => {
    const { groups } = await t.stage.admin.describeGroups([groupId]);
    return groups.some(({ members, state }) => state === "Stable" && members.length === 2) || undefined;
  });
  expect(await one.offsets()).toEqual({});
  held.end();
  await untilTrue("a partition has moved", () => other.mapping.status().partitions.length === 1);
  await one.committed({ 0: 1, 1: 1 });
  expect([one.fn.values.length, other.fn.values]).toEqual([2, []]);
});

conformance("at-least-once", "what is not committed is delivered again after a restart", async (t) => {
  const topic = await t.topic();
  const groupId = uniqueName("agent");
  await t.produce(topic, { 0: ["a", "b"] });
  const before = t.map(topic, {}, { groupId, replies: [throws] });
  await before.fn.invoked(2);
  await before.stop();
  const after = t.map(topic, {}, { groupId });
  await after.committed({ 0: 2 });
  expect(after.fn.values).toEqual(["a", "b"]);
});

conformance("at-least-once", "what is committed is not delivered again after a restart", async (t) => {
  const topic = await t.topic();
  const groupId = uniqueName("agent");
  await t.produce(topic, { 0: ["a", "b"] });
  const before = t.map(topic, {}, { groupId });
  await before.committed({ 0: 2 });
  await before.stop();
  await t.produce(topic, { 0: ["c"] });
  const after = t.map(topic, {}, { groupId });
  await after.committed({ 0: 3 });
  expect(after.fn.values).toEqual(["c"]);
});
