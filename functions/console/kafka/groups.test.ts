import { describe, expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
import type { MappingView } from "../api.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { listGroups, partitionsOf } from "./groups.ts";

const assignmentOf = (assignment: Record<string, number[]>) =>
  kafkajs.AssignerProtocol.MemberAssignment.encode({ version: 1, assignment, userData: Buffer.alloc(0) });

function mappingsThat(list: Mappings["list"]): Mappings {
  return { list, act: async () => {}, replay: undefined };
}

const none = mappingsThat(async () => []);

test("a group has the lag of all partitions of its topics, also of those without a commit", async () => {
  const cluster = new FakeCluster()
    .partition("t", 0, [], { start: 0, end: 10 })
    .partition("t", 1, [], { start: 5, end: 20 })
    .group("g", { state: "Empty", committed: { "t-0": 4, "gone-0": 7 } });

  expect(await listGroups(cluster.kafka, none)).toEqual([
    {
      ...{ group: "g", state: "Empty", members: [], lag: 21, mapping: null },
      partitions: [
        { topic: "t", partition: 0, committed: 4, end: 10, lag: 6 },
        { topic: "t", partition: 1, committed: null, end: 20, lag: 15 },
      ],
    },
  ]);
});

test("members show what they read, and a topic that nothing is committed in yet", async () => {
  const member = { clientId: "c", host: "10.0.0.1", assignment: assignmentOf({ t: [1, 0] }) };
  const cluster = new FakeCluster()
    .partition("t", 0, [])
    .partition("t", 1, [])
    .group("g", { state: "Stable", members: [member] });

  expect(await listGroups(cluster.kafka, none)).toMatchObject([
    {
      state: "Stable",
      members: [{ clientId: "c", host: "10.0.0.1", partitions: ["t-0", "t-1"] }],
      partitions: [{ committed: null }, { committed: null }],
    },
  ]);
});

describe("the mapping of a group", () => {
  const cluster = new FakeCluster().group("g", {});

  test("is named", async () => {
    const mappings = mappingsThat(async () => [{ name: "M", group: "g" } as MappingView]);

    expect(await listGroups(cluster.kafka, mappings)).toMatchObject([{ mapping: "M" }]);
  });

  test("is left out when the mappings cannot be asked, or take too long", async () => {
    const refused = mappingsThat(() => Promise.reject(new Error("away")));
    const silent = mappingsThat(() => new Promise(() => {}));

    expect(await listGroups(cluster.kafka, refused)).toMatchObject([{ mapping: null }]);
    expect(await listGroups(cluster.kafka, silent)).toMatchObject([{ mapping: null }]);
  });
});

test("an assignment that is none of a consumer's has no partitions", () => {
  expect(partitionsOf({ protocolType: "consumer" }, assignmentOf({ t: [2] }))).toEqual([{ topic: "t", partition: 2 }]);
  expect(partitionsOf({ protocolType: "connect" }, assignmentOf({ t: [2] }))).toEqual([]);
  for (const bytes of ["", "x", "no assignment at all"]) {
    expect(partitionsOf({ protocolType: "consumer" }, Buffer.from(bytes))).toEqual([]);
  }
});
