import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { agentHandler } from "../../shared/agents/handler.ts";
import { MemoryStore } from "../../shared/agents/memory-store.ts";
import { base64Of, int32, message, preciseDecimal, TRANSACTION } from "../../shared/change-events/samples.ts";
import { fakePool } from "../../shared/postgres/fake-pool.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";
for (const [name, value] of Object.entries({ PGHOST: "127.0.0.1", PGUSER: "u", PGPASSWORD: "p", PGDATABASE: "d" })) {
  process.env[name] ??= value;
}
const { probingAgent } = await import("./probingAgent.ts");

const topic = "dbserver1.public.transactions";

/** A Lambda event with the payments of one user, the first of them at this offset. */
function eventOf(offset: number, ...cents: number[]) {
  const records = cents.map((each, i) => ({
    topic,
    partition: 0,
    offset: offset + i,
    timestamp: 1_793_534_400_400,
    timestampType: "CREATE_TIME",
    headers: [],
    value: base64Of(
      message({ op: "c", after: { ...TRANSACTION, id: int32(1 + offset + i), amount: preciseDecimal(BigInt(each)) } }),
    ),
  }));
  return { eventSource: "aws:kafka", bootstrapServers: "127.0.0.1:9092", records: { [`${topic}-0`]: records } };
}

/** As after a cold start each time. */
async function judge(store: MemoryStore, ...events: object[]): Promise<void> {
  for (const event of events) {
    expect(await agentHandler(probingAgent, { pool: fakePool().pool, store })(event)).toEqual({
      batchItemFailures: [],
    });
  }
}

describe("the example agent", () => {
  test("alerts about a large payment after three small ones, once, however it is delivered", async () => {
    const store = new MemoryStore();
    await judge(
      store,
      eventOf(0, 1_00, 20_00),
      eventOf(1, 20_00, 3_00, 1_000_00),
      eventOf(2, 3_00, 1_000_00),
      eventOf(4, 1_000_00),
    );
    expect(store.alerts).toMatchObject([
      {
        alertId: "probing-probing-v1-4",
        agent: "probing",
        kafkaOffset: 3,
        reason: { rule: "probing", smallCents: [1_00, 20_00, 3_00] },
      },
    ]);
  });

  test.each([
    ["two small payments are not three", [1_00, 1_00, 1_000_00]],
    ["20.01 is not small", [1_00, 1_00, 20_01, 1_00, 1_000_00]],
    ["999.99 is not large", [1_00, 1_00, 1_00, 999_99]],
  ])("%s", async (_, cents) => {
    const store = new MemoryStore();
    await judge(store, eventOf(0, ...cents));
    expect(store.alerts).toEqual([]);
  });
});

test("the entry in the document is that of the agents that come along, but for its names", () => {
  const [, entry = ""] = /```yaml\n(.*?)```/s.exec(readFileSync(join(import.meta.dirname, "README.md"), "utf8")) ?? [];
  const own = JSON.stringify(parse(entry, { logLevel: "error" })).replaceAll(/robing/g, "rofile");
  const service = parse(readFileSync(join(import.meta.dirname, "../../serverless.yml"), "utf8"), { logLevel: "error" });
  const { description, ...profileAgent } = service.functions.profileAgent;
  const id = "ProfileAgentEventSourceMappingMSKKafkaClusterDbserver1publictransactions";
  expect(JSON.parse(own)).toEqual({
    functions: { profileAgent },
    custom: { extensions: { [id]: service.custom.extensions[id] } },
  });
});
