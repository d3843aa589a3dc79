import { describe, expect, test } from "@jest/globals";
import { bytesOf, int32, message, TRANSACTION, text } from "../../../shared/change-events/samples.ts";
import { topics } from "../../../shared/kafka/topics.ts";
import { fakePool } from "../../../shared/postgres/fake-pool.ts";
import type { MappingView } from "../api.ts";
import { causeOf, type FailedMessage, judgement, listFailed, parseFailed, redrive } from "./failed-records.ts";
import { FakeCluster } from "./fake-cluster.ts";

const topic = topics.transactions.name;
const failedTopic = topics.failedRecords.name;
const arn = "arn:aws:lambda:us-east-1:000000000000:function:tripline-local-profileAgent:$LATEST";

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
const change = (cells: object = {}) => base64(bytesOf(message({ op: "c", after: { ...TRANSACTION, ...cells } })));

const record = (changes: object = {}) => ({
  ...{ topic, partition: 2, offset: 5_000, timestamp: 1_795_844_950_087, timestampType: "CREATE_TIME" },
  ...{
    key: base64('{"id":1}'),
    value: change(),
    headers: [{ h: [...Buffer.from("one")] }, { h: [...Buffer.from("two")] }],
  },
  ...changes,
});

const failure = (records: readonly object[] = [record()], functionArn = arn) =>
  JSON.stringify({
    requestContext: { requestId: "r", functionArn, condition: "RetriesExhausted", approximateInvokeCount: 4 },
    responseContext: null,
    payload: { eventSource: "aws:kafka", records: { [`${topic}-2`]: records } },
  });

const judge = judgement();

const mappings = { list: async () => [{ topic } as MappingView] };

test("a message of the topic is read, and what is none is told from it", () => {
  expect(parseFailed(Buffer.from(failure()))).toMatchObject({
    ...{ functionName: "tripline-local-profileAgent", condition: "RetriesExhausted", attempts: 4 },
    records: [{ topic, partition: 2, offset: 5_000 }],
  });
  for (const other of [null, "", "rubbish", "{}", '{"requestContext":{}}']) {
    expect(parseFailed(other === null ? null : Buffer.from(other))).toBeUndefined();
  }
});

describe("the cause", () => {
  const cause = (records: readonly object[], functionArn?: string) =>
    causeOf(parseFailed(Buffer.from(failure(records, functionArn))) as FailedMessage, judge);
  const velocity = arn.replace("profile", "velocity");

  test("is null where nothing is wrong with the record by itself", () => {
    expect(cause([record()])).toBeNull();
    expect(cause([record({ value: null })])).toBeNull();
  });

  test("is what the agent says of it", () => {
    expect(cause([record({ value: base64("no JSON") })])).toContain("is not UTF-8 JSON");
    expect(cause([record({ value: change({ user_id: int32(null) }) })])).toMatch(/user_id/);
  });

  test("is that of the function: what one needs, another does not", () => {
    const late = [record({ value: change({ created_at: text("never") }) })];

    expect(cause(late)).toBeNull();
    expect(cause(late, velocity)).toMatch(/created_at/);
    expect(cause(late, arn.replace("profileAgent", "other"))).toBeNull();
    expect(cause([record({ value: base64("{}") })], arn.replace("profileAgent", "other"))).toContain("envelope");
  });

  test("of several records names the one that it is of", () => {
    expect(cause([record(), record({ offset: 5_001, value: base64("x") })])).toMatch(
      /^dbserver1\.public\.transactions-2, offset 5001: /,
    );
  });
});

const clusterWith = (...values: readonly (string | null)[]) =>
  new FakeCluster().partition(topic, 2, []).partition(
    failedTopic,
    0,
    values.map((value, offset) => ({ offset, timestamp: 1_000 * offset, value })),
  );

describe("the list", () => {
  test("has the newest first, with who has redriven them", async () => {
    const redriven = { partition: 0, offset: 0, at: "2026-11-28T05:51:55.434646Z", actor: "me" };
    const { pool, statements } = fakePool(() => [redriven]);
    const page = await listFailed(
      { kafka: clusterWith(failure(), "rubbish", failure()).kafka, pool, judge },
      undefined,
    );

    expect(page.records.map(({ offset }) => offset)).toEqual([2, 1, 0]);
    expect(page.records[0]).toMatchObject({
      ...{ functionName: "tripline-local-profileAgent", attempts: 4, cause: null, redriven: null },
      failedAt: "1970-01-01T00:00:02.000Z",
      records: [{ topic, partition: 2, offset: 5_000, key: '{"id":1}', isCut: false }],
    });
    expect(page.records[1]).toMatchObject({ records: [], cause: expect.stringContaining("none that an event source") });
    expect(page.records[2]?.redriven).toEqual({ at: redriven.at, actor: "me" });
    expect(statements[0]?.values).toEqual([
      [0, 0, 0],
      [2, 1, 0],
      [2, 1, 0].map((second) => `1970-01-01T00:00:0${second}.000Z`),
    ]);
  });

  test("comes in pages", async () => {
    const cluster = clusterWith(...Array.from({ length: 60 }, () => failure()));
    const options = { kafka: cluster.kafka, pool: fakePool().pool, judge };
    const first = await listFailed(options, undefined);

    expect(first.records).toHaveLength(50);
    expect(first.next).not.toBeNull();
  });

  test("is empty before anything was put aside, without asking PostgreSQL", async () => {
    const { pool, statements } = fakePool();

    expect(await listFailed({ kafka: new FakeCluster().kafka, pool, judge }, undefined)).toEqual({
      records: [],
      next: null,
    });
    expect(statements).toEqual([]);
  });
});

describe("a redrive", () => {
  const noted = (rows: readonly object[]) => fakePool(({ text: sql }) => (sql.startsWith("insert") ? rows : []));
  const first = { partition: 0, offset: 0 };

  test("writes the record as it was to where it was, and notes who did", async () => {
    const cluster = clusterWith(failure());
    const { pool, statements } = noted([{}]);

    expect(await redrive({ kafka: cluster.kafka, pool, mappings }, first, "me")).toEqual({
      written: [{ topic, partition: 2, offset: 100 }],
    });
    expect(cluster.written).toEqual([
      {
        ...{ topic, partition: 2, key: Buffer.from('{"id":1}'), value: Buffer.from(change(), "base64") },
        headers: { h: [Buffer.from("one"), Buffer.from("two")] },
      },
    ]);
    expect(statements.map(({ text: sql }) => sql.split(" ")[0])).toEqual(["begin", "insert", "commit"]);
    expect(statements[1]?.values).toEqual([0, 0, expect.stringMatching(/^\d{4}-.*Z$/), "me"]);
  });

  test("is done once", async () => {
    const cluster = clusterWith(failure());

    await expect(redrive({ kafka: cluster.kafka, pool: noted([]).pool, mappings }, first, "me")).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("was redriven before"),
    });
    expect(cluster.written).toEqual([]);
  });

  test("that Kafka does not take is not noted", async () => {
    const cluster = clusterWith(failure());
    cluster.writeError = new Error("away");
    const { pool, statements } = noted([{}]);

    await expect(redrive({ kafka: cluster.kafka, pool, mappings }, first, "me")).rejects.toThrow("away");
    expect(statements.at(-1)?.text).toBe("rollback");
  });

  test("that was written and could not be noted says so", async () => {
    const { pool } = fakePool(({ text: sql }) => {
      if (sql === "commit") throw new Error("connection lost");
      return [{}];
    });

    await expect(redrive({ kafka: clusterWith(failure()).kafka, pool, mappings }, first, "me")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^It was written.*connection lost/),
    });
  });

  test.each([
    ["that is not there", clusterWith(failure()), { partition: 0, offset: 7 }, "NOT_FOUND"],
    ["of a partition that is not there", clusterWith(failure()), { partition: 3, offset: 0 }, "NOT_FOUND"],
    ["of what is no record of a function", clusterWith("rubbish"), first, "CONFLICT"],
    ["whose topic is gone", clusterWith(failure([record({ topic: "gone" })])), first, "CONFLICT"],
    [
      "of a topic that no mapping reads",
      clusterWith(failure([record({ topic: failedTopic, partition: 0 })])),
      first,
      "CONFLICT",
    ],
  ])("of a record %s is refused", async (_case, cluster, place, code) => {
    const { pool, statements } = noted([{}]);

    await expect(redrive({ kafka: cluster.kafka, pool, mappings }, place, "me")).rejects.toMatchObject({ code });
    expect(cluster.written).toEqual([]);
    expect(statements).toEqual([]);
  });
});
