import { describe, expect, test } from "@jest/globals";
import { connectKafka } from "../../../shared/kafka/client.ts";
import { fakePool } from "../../../shared/postgres/fake-pool.ts";
import { findRoute } from "../http/router.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { ConsoleKafka } from "./kafka.ts";
import { kafkaRoutes } from "./routes.ts";
import { findTopicView, listTopics } from "./topics.ts";

const mappings = { list: async () => [], act: async () => {}, replay: undefined };

test("a preview is not noted, and the deed is", () => {
  const routes = kafkaRoutes({ kafka: new FakeCluster().kafka, mappings, pool: fakePool().pool });
  const { route, path } = findRoute(routes, { method: "POST", path: "/api/groups/g%2F1/offsets" });
  if (route.method !== "POST") throw new Error("it is an action");
  const actionOf = (body: unknown) => route.action({ path, query: new URLSearchParams(), body, actor: "me" });

  expect(actionOf({ preview: true })).toBeNull();
  for (const body of [{ preview: false }, {}, null, { preview: "true" }]) {
    expect(actionOf(body)).toEqual({ name: "group.offsets", target: "g/1" });
  }
});

describe("a topic", () => {
  const now = Date.now();
  const cluster = new FakeCluster()
    .partition(
      "t",
      0,
      [1, 2, 3].map((offset) => ({ offset, timestamp: now - (4 - offset) * 25_000 })),
    )
    .partition("t", 1, [{ offset: 0, timestamp: now - 100_000 }])
    .partition("__consumer_offsets", 0, [])
    .partition("connect-status", 0, [])
    .group("reader", { committed: { "t-1": 1 } })
    .group("other", { committed: { "u-1": 1 } });

  test("says how much is in it, and how much came within the last minute", async () => {
    expect(await listTopics(cluster.kafka)).toEqual([
      { name: "__consumer_offsets", internal: true, partitions: 1, records: 0, perMinute: 0, bytes: null },
      { name: "connect-status", internal: true, partitions: 1, records: 0, perMinute: 0, bytes: null },
      { name: "t", internal: false, partitions: 2, records: 4, perMinute: 2, bytes: null },
    ]);
  });

  test("has its partitions and the groups that have read it", async () => {
    expect(await findTopicView(cluster.kafka, "t")).toMatchObject({
      partitionList: [
        { partition: 0, start: 1, end: 4, leader: 1 },
        { partition: 1, start: 0, end: 1 },
      ],
      groups: ["reader"],
    });
    await expect(findTopicView(cluster.kafka, "u")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("Kafka", () => {
  test("that is away is unavailable", async () => {
    const kafka = new ConsoleKafka(connectKafka({ bootstrapServers: "127.0.0.1:1", clientId: "test" }));

    await expect(listTopics(kafka)).rejects.toMatchObject({ code: "UNAVAILABLE", message: /^Kafka: .*ECONNREFUSED/ });
  });

  test("has no part in a mistake of ours", async () => {
    const kafka = new ConsoleKafka(connectKafka({ bootstrapServers: "127.0.0.1:1", clientId: "test" }));
    const mistake = new TypeError("of ours");

    await expect(kafka.use(() => Promise.reject(mistake))).rejects.toBe(mistake);
  });
});
