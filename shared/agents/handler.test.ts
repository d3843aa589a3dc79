import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { describe, expect, jest, test } from "@jest/globals";
import {
  bytesOf,
  type Cells,
  int32,
  message,
  preciseDecimal,
  TRANSACTION,
  TRANSACTION_KEY,
  timestampUs,
} from "../change-events/samples.ts";
import type { KafkaRecord } from "../lambda/index.ts";
import { fakePool } from "../postgres/fake-pool.ts";
import type { Agent } from "./agent.ts";
import { profileConfig, velocityConfig } from "./config.ts";
import { agentHandler } from "./handler.ts";
import { MemoryStore } from "./memory-store.ts";
import { profileAgent } from "./profile.ts";
import { velocityAgent } from "./velocity.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";

const topic = "dbserver1.public.transactions";
// Every transaction is an alert that counts those of its user before.
const velocity = velocityAgent({ ...velocityConfig({}), alertAbove: 0, countAbove: 0 });
const profile = profileAgent({ ...profileConfig({}), amountAboveCents: 0, historyMin: 2, threshold: 0 });

function recordOf(partition: number, offset: number, value: object | string | null): KafkaRecord {
  const bytes = typeof value === "string" ? Buffer.from(value) : bytesOf(value);
  return {
    topic,
    partition,
    offset,
    timestamp: 1_793_534_400_400,
    timestampType: "CREATE_TIME",
    value: value === null ? null : Buffer.from(bytes).toString("base64"),
    headers: [],
  };
}

const rowOf = (id: number): Cells => ({
  ...TRANSACTION,
  id: int32(id),
  amount: preciseDecimal(BigInt(10_000 + id)),
  created_at: timestampUs(1_793_534_400_000_000 + id),
});
const inserted = (partition: number, offset: number, id: number, op = "c") =>
  recordOf(partition, offset, message({ op, after: rowOf(id) }));
const eventOf = (...records: KafkaRecord[]) => ({
  eventSource: "aws:kafka",
  bootstrapServers: "127.0.0.1:9092",
  records: Object.groupBy(records, ({ partition }) => `${topic}-${partition}`),
});
const failuresOf = (...failures: [partition: number, offset: number][]) => ({
  batchItemFailures: failures.map(([partition, offset]) => ({
    itemIdentifier: { partition: `${topic}-${partition}`, offset },
  })),
});

function setUp(agent: Agent = velocity) {
  const store = new MemoryStore();
  const invoke = agentHandler(agent, { pool: fakePool().pool, store });
  const judged = () => store.alerts.map(({ transactionId }) => transactionId);
  return { store, invoke, judged };
}

describe("every kind of record", () => {
  const { store, invoke, judged } = setUp();
  const row = rowOf(9);

  test("inserts and snapshot rows are judged, everything else moves the watermark only", async () => {
    const response = await invoke(
      eventOf(
        inserted(0, 10, 1, "r"),
        inserted(0, 11, 2),
        recordOf(0, 12, message({ op: "u", before: row, after: row })),
        recordOf(0, 13, message({ op: "d", before: TRANSACTION_KEY })),
        recordOf(0, 14, null),
        recordOf(0, 15, message({ op: "t" })),
        inserted(0, 17, 3),
        recordOf(0, 18, null),
      ),
    );
    expect(response).toEqual(failuresOf());
    expect(judged()).toEqual([1, 2, 3]);
    expect(store.partition({ topic, partition: 0 })?.nextOffset).toBe(19);
  });

  test("an alert says where it comes from, and whether it is of the past", () => {
    expect(store.alerts).toMatchObject([
      { alertId: "velocity-velocity-v1-1", historical: true, kafkaOffset: 10, reason: { windowCount: 1 } },
      { alertId: "velocity-velocity-v1-2", historical: false, kafkaOffset: 11, reason: { windowCount: 2 } },
      { alertId: "velocity-velocity-v1-3", historical: false, kafkaOffset: 17, reason: { windowCount: 3 } },
    ]);
    expect(store.alerts[1]).toEqual({
      alertId: "velocity-velocity-v1-2",
      agent: "velocity",
      rule: "velocity",
      ruleVersion: 1,
      transactionId: 2,
      userId: 1_234,
      amountCents: 10_002,
      reason: expect.anything(),
      historical: false,
      topic,
      partition: 0,
      kafkaOffset: 11,
      committedAtMicros: 1_793_534_400_200_123,
    });
  });

  test("messages with schema are judged alike", async () => {
    const value = message({ op: "c", after: rowOf(4), schemas: true });
    expect(await invoke(eventOf(recordOf(0, 19, value)))).toEqual(failuresOf());
    expect(store.alerts.at(-1)).toMatchObject({ transactionId: 4, reason: { windowCount: 4 } });
  });
});

describe.each([
  ["no JSON", "{"],
  ["no envelope", { hello: 1 }],
  ["a row without user", message({ op: "c", after: { ...rowOf(2), user_id: int32(null) } })],
])("a poisonous record: %s", (_, poison) => {
  test("stops its partition and no other, and what is behind it is judged once, when it is gone", async () => {
    const { store, invoke, judged } = setUp();
    const behind = [inserted(1, 7, 3), inserted(1, 8, 4)];
    const first = await invoke(
      eventOf(inserted(0, 5, 10), inserted(1, 5, 1), recordOf(1, 6, poison), ...behind, inserted(2, 5, 20)),
    );
    expect(first).toEqual(failuresOf([1, 6]));
    expect(judged()).toEqual([10, 1, 20]);

    // The mapping starts partition 1 again at the poison, until it gives the record up.
    expect(await invoke(eventOf(recordOf(1, 6, poison), ...behind))).toEqual(failuresOf([1, 6]));
    expect(judged()).toEqual([10, 1, 20]);
    expect(store.partition({ topic, partition: 1 })?.nextOffset ?? 6).toBe(6);

    expect(await invoke(eventOf(...behind))).toEqual(failuresOf());
    expect(await invoke(eventOf(...behind, inserted(1, 9, 5)))).toEqual(failuresOf());
    expect(judged()).toEqual([10, 1, 20, 3, 4, 5]);
    expect(store.alerts.at(-1)).toMatchObject({ reason: { windowCount: 4 } });
  });
});

test("poison in every partition: each is named, and what is before it is judged", async () => {
  const { invoke, judged } = setUp();
  const event = eventOf(inserted(0, 5, 1), recordOf(0, 6, "{"), recordOf(1, 8, "{"), recordOf(0, 7, "["));
  expect(await invoke(event)).toEqual(failuresOf([0, 6], [1, 8]));
  expect(judged()).toEqual([1]);
});

test("a row without created_at stops the agent with a window, not the one without", async () => {
  const { created_at: _, ...row } = rowOf(1);
  const event = eventOf(recordOf(0, 5, message({ op: "c", after: row })));
  expect(await setUp(velocity).invoke(event)).toEqual(failuresOf([0, 5]));
  expect(await setUp(profile).invoke(event)).toEqual(failuresOf());
});

test("a batch that cannot be stored fails as a whole, and is judged once when it comes again", async () => {
  const { store, invoke, judged } = setUp();
  const event = eventOf(inserted(0, 5, 1), inserted(1, 5, 2), inserted(0, 6, 3));
  for (const step of ["append", "commit", "answer"]) {
    store.breaksAt = (at) => at === step;
    await expect(invoke(event)).rejects.toThrow(`broken at ${step}`);
  }
  store.breaksAt = () => false;
  expect(await invoke(event)).toEqual(failuresOf());
  expect(judged().sort()).toEqual([1, 2, 3]);
});

test("an event of another source is refused", async () => {
  await expect(setUp().invoke({ Records: [] })).rejects.toThrow("not what this function reads");
});

test("no records, nothing to do", async () => {
  expect(await setUp().invoke(eventOf())).toEqual(failuresOf());
});

test.each([
  ["DEBUG", 2],
  ["INFO", 0],
])("at log level %s each alert has %d lines", async (level, lines) => {
  process.env["POWERTOOLS_LOG_LEVEL"] = level;
  // Then it writes by the global console, which can be watched.
  process.env["POWERTOOLS_DEV"] = "true";
  const written: string[] = [];
  const spies = (["debug", "info"] as const).map((method) =>
    jest.spyOn(console, method).mockImplementation((line: string) => {
      written.push(line);
    }),
  );
  try {
    await setUp().invoke(eventOf(inserted(0, 0, 1), inserted(0, 1, 2)));
  } finally {
    process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";
    delete process.env["POWERTOOLS_DEV"];
    for (const spy of spies) spy.mockRestore();
  }
  expect(written.filter((line) => /"message": ?"Alert"/.test(line))).toHaveLength(lines);
});

test("counts what was judged, what came again, and new alerts", async () => {
  const add = jest.spyOn(Metrics.prototype, "addMetric");
  try {
    const { invoke } = setUp();
    await invoke(eventOf(inserted(0, 0, 1), inserted(0, 1, 2)));
    add.mockClear();
    // Offset 1 again, transaction 2 captured again, and a new one.
    await invoke(eventOf(inserted(0, 1, 2), inserted(0, 2, 2), inserted(0, 3, 3)));
    expect(Object.fromEntries(add.mock.calls.map(([name, , value]) => [name, value]))).toEqual({
      TransactionsJudged: 1,
      TransactionsRepeated: 1,
      RecordsRedelivered: 1,
      RecordsSkipped: 0,
      AlertsRaised: 1,
    });
  } finally {
    add.mockRestore();
  }
});

test("says which records it will never see", async () => {
  const written: string[] = [];
  const warn = jest.spyOn(Logger.prototype, "warn").mockImplementation((...[message]) => {
    written.push(String(message));
  });
  const added = jest.spyOn(Metrics.prototype, "addMetric");
  try {
    const { invoke } = setUp();
    // Where it begins is nobody's loss: a topic keeps what its retention allows.
    await invoke(eventOf(inserted(0, 100, 1)));
    expect(written).toEqual([]);
    await invoke(eventOf(inserted(0, 101, 2), inserted(0, 105, 3), inserted(1, 7, 4)));
    expect(written).toEqual([]);
    await invoke(eventOf(inserted(0, 110, 5), inserted(1, 8, 6)));
    expect(written).toEqual([expect.stringMatching(/offsets 106 to 109 of dbserver1.public.transactions-0/)]);
    expect(added.mock.calls.filter(([name]) => name === "RecordsSkipped").map(([, , value]) => value)).toEqual([
      0, 0, 4,
    ]);
  } finally {
    warn.mockRestore();
    added.mockRestore();
  }
});
