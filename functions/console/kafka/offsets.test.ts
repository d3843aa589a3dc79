import { describe, expect, test } from "@jest/globals";
import { groups, topics } from "../../../shared/kafka/topics.ts";
import type { MappingView } from "../api.ts";
import { parse } from "../http/router.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { consequencesOf, OffsetReset, obstacleOf, planMoves, resetOffsets } from "./offsets.ts";

const standing = { partition: 0, start: 10, end: 100, committed: 50 };

describe("a move", () => {
  test.each([
    ["start", { to: 10, again: 40, passesOver: false }],
    ["end", { to: 100, again: -50, passesOver: true }],
    [{ offset: 60 }, { to: 60, again: -10, passesOver: true }],
    [{ offset: 3 }, { to: 10, again: 40, beyond: 3 }],
    [{ offset: 999 }, { to: 100, again: -50, beyond: 999 }],
    [{ time: new Date() }, { to: 70, again: -20, beyond: undefined }],
  ] as const)("to %j ends within what there is", (to, move) => {
    expect(planMoves([{ ...standing, atTime: 70 }], to)).toMatchObject([{ partition: 0, from: 50, ...move }]);
  });

  test("to a time after which nothing came is to the end", () => {
    expect(planMoves([standing], { time: new Date() })).toMatchObject([{ to: 100 }]);
  });

  test("of a group that has committed nothing counts nothing", () => {
    const unread = { ...standing, committed: undefined };

    expect(planMoves([unread], "end")).toMatchObject([{ from: null, to: 100, again: 0, passesOver: true }]);
    expect(planMoves([unread], "start")).toMatchObject([{ from: null, to: 10, again: 0, passesOver: false }]);
  });
});

describe("what it means", () => {
  const say = (to: OffsetReset["to"], group = "g", topic = "t", committed: number | undefined = 50) =>
    consequencesOf(group, topic, planMoves([{ ...standing, committed }], to)).join(" ");

  test("is how many records come again, or never", () => {
    expect(say("start")).toMatch(/^40 records will be read again\. Whatever reads as this group gets/);
    expect(say({ offset: 49 })).toContain("1 record will be read again.");
    expect(say("end")).toMatch(/^50 records will never be read by this group\./);
    expect(say({ offset: 50 })).toBe("Nothing changes: the group is there already.");
  });

  test("says where nothing was committed, and where nothing is", () => {
    expect(consequencesOf("g", "t", planMoves([{ ...standing, committed: undefined }], "start"))).toEqual([
      "The group has committed nothing in partition 0: it begins there with what comes from this offset on.",
    ]);
    expect(say({ offset: 999 })).toContain("In partition 0 there is nothing at this offset: the nearest is taken.");
  });

  test.each([groups.profile, groups.velocity])("for %s is what its watermark makes of it", (group) => {
    const agent = (to: OffsetReset["to"], committed?: number) => say(to, group, topics.transactions.name, committed);

    expect(agent("start")).toMatch(/fraud\.progress.*no alert comes twice, and nothing is judged anew/);
    expect(agent("start")).not.toContain("unjudged");
    expect(agent("end")).toMatch(/unjudged for ever.*RecordsSkipped/);
    expect(agent("end")).not.toContain("twice");
    // A group of the same name that reads something else is no agent there.
    expect(say("start", group, "t")).not.toContain("fraud.progress");
  });

  test("for an agent that has committed nothing is that it passes over what is in front", () => {
    const moves = planMoves([{ ...standing, committed: undefined }], "end");

    expect(consequencesOf(groups.profile, topics.transactions.name, moves).join(" ")).toContain("unjudged for ever");
  });

  test("for the forwarder is that it sends nothing twice", () => {
    expect(say("start", groups.forwarder, topics.alerts.name)).toContain("are not sent again: fraud.forwarded");
    expect(say("end", groups.forwarder, topics.alerts.name)).toContain("sent nowhere");
  });
});

test("members are an obstacle, unless their mapping can be told while it runs", () => {
  const mapping = { name: "M", state: "Enabled" };

  expect(obstacleOf({ members: 0, mapping: undefined, canReplay: false })).toBeNull();
  expect(obstacleOf({ members: 2, mapping, canReplay: true })).toBeNull();
  expect(obstacleOf({ members: 2, mapping, canReplay: false })).toMatch(
    /^stop its members first: 2 .*pause the mapping M/,
  );
  expect(obstacleOf({ members: 1, mapping: undefined, canReplay: true })).toMatch(/^stop its members first: a member/);
});

describe("setting offsets", () => {
  const replays: [string, ReadonlyMap<number, number>][] = [];
  const mappingsWith = (list: readonly Partial<MappingView>[], canReplay = true): Mappings => ({
    list: async () => list as MappingView[],
    act: async () => {},
    replay: canReplay ? async (name, offsets) => void replays.push([name, offsets]) : undefined,
  });
  const member = { clientId: "c", host: "h", assignment: Buffer.alloc(0) };
  const clusterWith = (members: number) =>
    new FakeCluster()
      .partition("t", 0, [], { start: 10, end: 100 })
      .partition("t", 1, [], { start: 0, end: 5 })
      .group("g", { members: Array.from({ length: members }, () => member), committed: { "t-0": 50, "t-1": 5 } })
      .group("tripline-connect", { protocolType: "connect" });
  const reset = (cluster: FakeCluster, body: object, mappings = mappingsWith([]), group = "g") =>
    resetOffsets({ kafka: cluster.kafka, mappings }, group, parse(OffsetReset, { topic: "t", ...body }));

  test("previewed changes nothing", async () => {
    const cluster = clusterWith(0);

    expect(await reset(cluster, { to: "start", preview: true })).toMatchObject({
      applied: false,
      obstacle: null,
      partitions: [
        { partition: 0, from: 50, to: 10, again: 40 },
        { partition: 1, from: 5, to: 0, again: 5 },
      ],
    });
    expect(cluster.commits).toEqual([]);
  });

  test("of a group without members commits them, of the partitions that were named", async () => {
    const cluster = clusterWith(0);

    expect(await reset(cluster, { to: "start", partitions: [0], preview: false })).toMatchObject({ applied: true });
    expect(cluster.commits).toEqual([["g", "t", new Map([[0, 10]])]]);
  });

  test("of a mapping that reads lets it go on from there", async () => {
    const cluster = clusterWith(1);
    const mappings = mappingsWith([
      { name: "Other", group: "g", topic: "u" },
      { name: "M", group: "g", topic: "t", state: "running" },
    ]);

    await reset(cluster, { to: { offset: 20 }, partitions: [0], preview: false }, mappings);

    expect(replays).toEqual([["M", new Map([[0, 20]])]]);
    expect(cluster.commits).toEqual([]);
  });

  test("is refused while somebody else reads, and says so before", async () => {
    const cluster = clusterWith(1);
    const running = mappingsWith([{ name: "M", group: "g", topic: "t", state: "Enabled" }], false);

    await expect(reset(cluster, { to: "end", preview: false })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(reset(cluster, { to: "end", preview: false }, running)).rejects.toThrow("pause the mapping M");
    expect((await reset(cluster, { to: "end", preview: true })).obstacle).toMatch("stop its members first");
    const away: Mappings = { ...mappingsWith([]), list: () => Promise.reject(new Error("away")) };
    expect((await reset(cluster, { to: "end", preview: true }, away)).obstacle).toMatch("stop its members first");
    expect(cluster.commits).toEqual([]);
  });

  test("is refused when somebody has joined at that moment", async () => {
    const cluster = clusterWith(0);
    cluster.commitError = Object.assign(new Error("unknown member"), { type: "UNKNOWN_MEMBER_ID" });

    await expect(reset(cluster, { to: "end", preview: false })).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test.each([
    [{ to: "end", preview: true, partitions: [7] }, "g", "INVALID", "has no partition 7"],
    [{ to: "end", preview: true, topic: "u" }, "g", "NOT_FOUND", "no topic 'u'"],
    [{ to: "end", preview: true }, "h", "NOT_FOUND", "no group 'h'"],
    [{ to: "end", preview: true }, "tripline-connect", "CONFLICT", "reads no topics"],
    [{ to: "middle", preview: true }, "g", "INVALID", 'to: must be "start"'],
    [{ to: { offset: -1 }, preview: true }, "g", "INVALID", "to"],
    [{ to: { offset: 1, time: "2026-11-30T12:00:00Z" }, preview: true }, "g", "INVALID", "to"],
    [{ to: { time: "soon" }, preview: true }, "g", "INVALID", "to"],
    [{ to: "end", preview: true, partitions: [] }, "g", "INVALID", "partitions: must name"],
    [{ to: "end" }, "g", "INVALID", "preview"],
  ])("%j of %s is refused", async (body, group, code, message) => {
    const refused = (async () => reset(clusterWith(0), body, mappingsWith([]), group))();

    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
