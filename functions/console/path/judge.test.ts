import { describe, expect, test } from "@jest/globals";
import { connectorDeclarations } from "../../../shared/connectors/declarations.ts";
import { topics as declaredTopics, groups as knownGroups } from "../../../shared/kafka/topics.ts";
import type { ConnectorView, GroupView, PathItem, PathStage, TopicSummary } from "../api.ts";
import { judgePath } from "./judge.ts";
import type { Observations, Slot } from "./observe.ts";

const slot: Slot = {
  name: "fraud_transactions_slot",
  database: "mydb",
  active: true,
  behindBytes: 4_096,
  keptBytes: 8_192,
  walStatus: "reserved",
};
const connector: Pick<ConnectorView, "name" | "state" | "tasks"> = {
  name: "fraud-postgres-connector",
  state: "RUNNING",
  tasks: [{ id: 0, state: "RUNNING", trace: null }],
};
const topic = (name: string, more: Partial<TopicSummary> = {}): TopicSummary => ({
  ...{ name, internal: false, partitions: 8, records: 10, perMinute: 1_200, bytes: 1_000 },
  ...more,
});
const group = (name: string, more: Partial<GroupView> = {}): GroupView => ({
  ...{ group: name, state: "Stable", lag: 0, partitions: [], mapping: "Mapping" },
  members: [{ clientId: "a", host: "/127.0.0.1", partitions: [] }],
  ...more,
});

const declared = Object.entries(connectorDeclarations);
const expected = Object.keys(connectorDeclarations);
const otherSlots = declared
  .map(([, each]) => ({ ...slot, name: each["slot.name"] }))
  .filter(({ name }) => name !== slot.name);
const otherConnectors = declared
  .map(([name]) => ({ ...connector, name }))
  .filter(({ name }) => name !== connector.name);

const well: Observations = {
  slots: [slot, ...otherSlots],
  connectors: [connector, ...otherConnectors],
  topics: [...(["transactions", "alerts", "activity"] as const)].map((name) => topic(declaredTopics[name].name)),
  groups: Object.values(knownGroups).map((name) => group(name)),
  mappings: Object.values(knownGroups).map((name) => ({ group: name, state: "running" })),
  failedRecords: 0,
  alerts: { minutes: [], lastMinute: 12, delay: { p50Ms: 40, p99Ms: 90 } },
};

function look(
  seen: Partial<Observations>,
  id: PathStage["id"],
): { stage: PathStage; item: (name: string) => PathItem } {
  const stage = judgePath({ ...well, ...seen }, expected).find((each) => each.id === id) as PathStage;
  return { stage, item: (name) => stage.items.find((each) => each.name === name) as PathItem };
}

test("a path on which all is well, in the order in which a transaction passes", () => {
  const path = judgePath(well, expected);
  expect(path.map(({ id, health }) => [id, health])).toEqual(
    ["database", "connectors", "topics", "groups", "alerts"].map((id) => [id, "ok"]),
  );
  expect(path.flatMap(({ items }) => items).every(({ problem }) => problem === null)).toBe(true);
  expect(look({}, "topics").item(declaredTopics.transactions.name).figure).toBe("1,200/min");
  expect(look({}, "alerts").item("commit → alert").figure).toBe("40 ms p50");
});

describe("a slot", () => {
  test.each<[string, Partial<Slot>, string]>([
    ["that nobody reads", { active: false }, "fault"],
    ["that is lost", { walStatus: "lost" }, "fault"],
    ["that is about to be lost", { walStatus: "unreserved" }, "fault"],
    ["far behind", { behindBytes: 300 * 2 ** 20 }, "attention"],
    ["kept since a transaction that is still open", { keptBytes: 3 * 2 ** 30 }, "attention"],
    ["so far behind that the disk fills", { behindBytes: 3 * 2 ** 30 }, "fault"],
  ])("%s: %j is %s", (_, more, health) => {
    const { stage, item } = look({ slots: [{ ...slot, ...more }, ...otherSlots] }, "database");
    expect([stage.health, item(slot.name).health]).toEqual([health, health]);
    expect(item(slot.name).problem).not.toBeNull();
  });

  test("that a declared connector should have, and has not, is a fault", () => {
    expect(look({ slots: otherSlots }, "database").item(slot.name)).toMatchObject({
      health: "fault",
      figure: "missing",
      href: "/connectors#fraud-postgres-connector",
    });
  });
});

describe("a connector", () => {
  test("whose task has failed says why, in the line that names the cause, and leads to it", () => {
    const trace =
      "org.apache.kafka.connect.errors.ConnectException: failed\n\tat a.b(C.java)\nCaused by: java.net.ConnectException: refused\n\tat d";
    const { item } = look(
      { connectors: [{ ...connector, tasks: [{ id: 0, state: "FAILED", trace }] }, ...otherConnectors] },
      "connectors",
    );
    expect(item(connector.name)).toEqual({
      name: connector.name,
      health: "fault",
      figure: "FAILED",
      problem: "Caused by: java.net.ConnectException: refused",
      href: "/connectors#fraud-postgres-connector",
    });
  });

  test("that is declared and not there is a fault", () => {
    expect(look({ connectors: otherConnectors }, "connectors").item(connector.name)).toMatchObject({
      health: "fault",
      figure: "missing",
    });
  });

  test.each([
    ["PAUSED", [], "fault"],
    ["STOPPED", [], "fault"],
    ["RUNNING", [], "attention"],
    ["UNASSIGNED", connector.tasks, "attention"],
  ] as const)("%s with tasks %j is %s", (state, tasks, health) => {
    expect(look({ connectors: [{ ...connector, state, tasks }, ...otherConnectors] }, "connectors").stage.health).toBe(
      health,
    );
  });
});

test("a connector that is left out is not missed, nor is its slot", () => {
  const seen = { ...well, connectors: otherConnectors, slots: otherSlots };
  expect(judgePath(seen, expected).map(({ health }) => health)).toEqual(["fault", "fault", "ok", "ok", "ok"]);
  const path = judgePath(
    seen,
    expected.filter((name) => name !== connector.name),
  );
  expect(path.every(({ health }) => health === "ok")).toBe(true);
});

describe("a connector whose task nobody tells about, as on MSK Connect", () => {
  const unknown = { ...connector, tasks: [{ id: 0, state: "UNKNOWN", trace: null }] };
  test.each<[string, Observations["slots"], string]>([
    ["works while its slot is read", well.slots, "ok"],
    ["has failed when nobody reads its slot", [{ ...slot, active: false }, ...otherSlots], "fault"],
    ["is not known without PostgreSQL", new Error("away"), "unknown"],
  ])("%s", (_, slots, health) => {
    const { item } = look({ connectors: [unknown, ...otherConnectors], slots }, "connectors");
    expect(item(connector.name)).toMatchObject({ health, figure: "RUNNING" });
  });
});

describe("a group", () => {
  const name = knownGroups.profile;
  const withGroup = (more: Partial<GroupView>) => [...(well.groups as GroupView[]).slice(1), group(name, more)];

  test("that nobody reads as is a fault", () => {
    const { item } = look({ groups: withGroup({ members: [], state: "Empty" }) }, "groups");
    expect(item(name)).toMatchObject({ health: "fault", href: "/groups#fraud-profile-agent" });
  });

  test("that has never been is a fault", () => {
    const others = (well.groups as GroupView[]).filter((each) => each.group !== name);
    expect(look({ groups: others }, "groups").item(name).health).toBe("fault");
  });

  test.each(["paused", "failing"])("whose mapping is %s is a fault", (state) => {
    const { item } = look({ mappings: [{ group: name, state }] }, "groups");
    expect(item(name).health).toBe("fault");
  });

  test("that is far behind needs attention", () => {
    expect(look({ groups: withGroup({ lag: 60_000 }) }, "groups").item(name)).toMatchObject({
      health: "attention",
      figure: "lag 60,000",
    });
  });

  test("is judged also where the mappings do not answer", () => {
    expect(look({ mappings: new Error("away") }, "groups").stage.health).toBe("ok");
  });
});

test("a topic of the path that is missing is a fault; what else is in Kafka is not looked at", () => {
  const { stage, item } = look({ topics: [topic("orders")] }, "topics");
  expect(item(declaredTopics.transactions.name).health).toBe("fault");
  expect(stage.items.map(({ name }) => name)).not.toContain("orders");
});

test("failed records that wait need attention, and lead to the list of them", () => {
  expect(look({ failedRecords: 3 }, "alerts").item("failed records")).toMatchObject({
    health: "attention",
    figure: "3",
    href: "/failed-records",
  });
  expect(look({ failedRecords: new Error("away") }, "alerts").stage.health).toBe("ok");
});

test.each([
  ["slots", "database"],
  ["connectors", "connectors"],
  ["topics", "topics"],
  ["groups", "groups"],
  ["alerts", "alerts"],
] as const)("where %s cannot be asked, that stage alone is at fault, and says why", (what, id) => {
  const path = judgePath({ ...well, [what]: new Error("connection refused") }, expected);
  expect(path.filter(({ health }) => health === "fault").map((stage) => stage.id)).toEqual([id]);
  expect(path.find((stage) => stage.id === id)?.items[0]?.problem).toBe("connection refused");
});
