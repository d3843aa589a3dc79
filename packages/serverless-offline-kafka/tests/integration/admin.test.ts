import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Admin, Producer } from "kafkajs";
import type { SampleSource } from "../../src/admin/sample.ts";
import { sampleEvent } from "../../src/admin/sample.ts";
import type { MappingView } from "../../src/admin/view.ts";
import type { Broker } from "../support/broker.ts";
import {
  connectAdmin,
  connectKafka,
  connectProducer,
  createTopic,
  freePorts,
  startBroker,
  uniqueName,
} from "../support/broker.ts";
import type { RunningService, ServiceFolder } from "../support/service.ts";
import { copyExample } from "../support/service.ts";

const TEST_MS_MAX = 120_000;

let broker: Broker;
let admin: Admin;
let producer: Producer;

beforeAll(async () => {
  broker = await startBroker();
  [admin, producer] = await Promise.all([connectAdmin(broker), connectProducer(broker)]);
}, TEST_MS_MAX);

afterAll(async () => {
  await Promise.all([producer?.disconnect(), admin?.disconnect()]);
  await broker?.stop();
});

describe("sls offline kafka", () => {
  let folder: ServiceFolder;
  let service: RunningService;
  let url: string;

  beforeAll(async () => {
    await Promise.all([createTopic(admin, "orders", 2), createTopic(admin, "payments")]);
    const [port] = await freePorts(1);
    url = `http://127.0.0.1:${port}`;
    folder = await copyExample("minimal", { BOOTSTRAP_SERVERS: broker.bootstrapServers, ADMIN_PORT: String(port) });
    await folder.edit("handler.mjs", (code) =>
      code.replace("countOrders = async (event) =>", "$& console.log('event', JSON.stringify(event)) ??"),
    );
    service = await folder.start();
    await service.line(/countOrders: orders, partitions 0-1,/);
    await service.line(/countPayments: payments, partition 0,/);
  }, TEST_MS_MAX);

  afterAll(async () => {
    await service?.interrupt();
    await folder?.remove();
  });

  /** Runs a command that has to succeed, without a word on the standard error. */
  const run = async (...args: string[]): Promise<string> => {
    const { code, stderr, stdout } = await folder.kafka(...args);
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout });
    return stdout;
  };
  const list = async (functionKey: string): Promise<MappingView> => {
    const views = JSON.parse(await run("list", "--json")) as readonly MappingView[];
    return views.find((view) => view.functionKey === functionKey) as MappingView;
  };
  /** Asks until the mapping is as wanted. */
  const until = async (functionKey: string, isWanted: (view: MappingView) => boolean): Promise<MappingView> => {
    for (;;) {
      const views = (await (await fetch(`${url}/mappings`)).json()) as readonly MappingView[];
      const view = views.find((one) => one.functionKey === functionKey);
      if (view !== undefined && isWanted(view)) return view;
    }
  };
  const orderLines = (id: number) => service.lines.filter((line) => line.startsWith(`order ${id}:`)).length;

  test(
    "list shows what was delivered, and where each partition is",
    async () => {
      const value = (id: number) => JSON.stringify({ id, pieces: 1 });
      const messages = [
        { partition: 0, key: "a", value: value(1), headers: { trace: "x" } },
        { partition: 0, value: value(2) },
        { partition: 1, value: value(3) },
      ];
      await producer.send({ topic: "orders", messages });
      for (const id of [1, 2, 3]) await service.line(new RegExp(`^order ${id}: `));
      await until("countOrders", ({ sumOffsetLag }) => sumOffsetLag === 0);

      const view = await list("countOrders");
      expect(view).toMatchObject({
        logicalId: "CountOrdersEventSourceMappingMSKShopOrders",
        state: "running",
        groupId: "minimal-count-orders",
        startingPosition: "TRIM_HORIZON",
        partitions: [
          { partition: 0, end: 2, committed: 2, next: 2, lag: 0, failingFrom: null },
          { partition: 1, end: 1, committed: 1, next: 1, lag: 0, failingFrom: null },
        ],
        metrics: { PolledEventCount: 3, InvokedEventCount: 3, CommittedEventCount: 3, SumOffsetLag: 0 },
      });
      const table = await run("list");
      expect(table).toMatch(/^countOrders ← orders {2}running {2}lag 0 {2}1 poller {2}no invocations$/m);
      // No colours where there is no terminal.
      expect(table).not.toContain("\u001b");
    },
    TEST_MS_MAX,
  );

  test(
    "sample prints, byte for byte, the event that the function got, and leaves the group alone",
    async () => {
      const member = async () => (await admin.describeGroups(["minimal-count-orders"])).groups[0]?.members;
      // In an order of Kafka's own.
      const groupIds = async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId).sort();
      const [before, groups] = await Promise.all([member(), groupIds()]);
      const events = service.lines.filter((line) => line.startsWith("event "));
      // One batch or two, as they came; either way the records of partition 0 were together in the first.
      const first = JSON.parse((events[0] as string).slice("event ".length)) as { records: Record<string, unknown> };
      const expected = { ...first, records: { "orders-0": first.records["orders-0"] } };

      const sample = await run("sample", "--topic", "orders", "--partition", "0", "--count", "2");
      expect(sample).toBe(`${JSON.stringify(expected)}\n`);
      const one = JSON.parse(
        await run("sample", "-f", "countOrders", "--partition", "0", "--offset", "0", "--count", "1"),
      );
      expect(one.records["orders-0"]).toEqual([(first.records["orders-0"] as unknown[])[0]]);

      expect(await member()).toEqual(before);
      expect(await groupIds()).toEqual(groups);
    },
    TEST_MS_MAX,
  );

  test(
    "pause holds records back, resume delivers them",
    async () => {
      expect(await run("pause", "--function", "countPayments")).toBe("countPayments ← payments: paused\n");
      await producer.send({ topic: "payments", messages: [{ value: '{"id":7}' }, { value: "no JSON" }] });
      await until("countPayments", ({ partitions }) => partitions[0]?.next === 2);
      expect(await list("countPayments")).toMatchObject({ state: "paused", sumOffsetLag: 2 });
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
        /^event_source_mapping_sum_offset_lag\{.*function="countPayments".*\} 2$/m,
      );
      expect(service.lines.filter((line) => line.startsWith("payment"))).toEqual([]);

      expect(await run("resume", "-f", "CountPaymentsEventSourceMappingKafkaPayments")).toMatch(
        /: (running|failing)\n$/,
      );
      await service.line(/^payment 7 /);
    },
    TEST_MS_MAX,
  );

  test(
    "replay skips a record that fails for ever",
    async () => {
      await service.line(/^payments-0, offset 1: /);
      const failing = await until("countPayments", ({ state }) => state === "failing");
      expect(failing.partitions[0]).toMatchObject({ failingFrom: 1, committed: 1, lag: 1 });
      expect(await run("replay", "-f", "countPayments", "--latest")).toMatch(/partition 0 from offset 2\n$/);
      await producer.send({ topic: "payments", messages: [{ value: '{"id":9}' }] });
      await service.line(/^payment 9 /);
      const { state } = await until("countPayments", ({ sumOffsetLag }) => sumOffsetLag === 0);
      expect(state).toBe("running");
    },
    TEST_MS_MAX,
  );

  test(
    "replay delivers again: from the beginning, from an offset of one partition, from a time",
    async () => {
      expect(await run("replay", "-f", "countOrders", "--from-beginning")).toBe(
        "countOrders goes on in partition 0 from offset 0, partition 1 from offset 0\n",
      );
      for (const id of [1, 2, 3]) await service.line(new RegExp(`^order ${id}: `), 2);
      const said = JSON.parse(
        await run("replay", "-f", "countOrders", "--offset", "1", "--partition", "0", "--json"),
      ) as object;
      expect(said).toMatchObject({ positions: [{ partition: 0, offset: 1 }] });
      await service.line(/^order 2: /, 3);
      const past = new Date(Date.now() - 3_600_000).toISOString();
      await run("replay", "-f", "countOrders", "--timestamp", past, "--partition", "1");
      await service.line(/^order 3: /, 3);
      await until("countOrders", ({ sumOffsetLag }) => sumOffsetLag === 0);
      expect([1, 2, 3].map(orderLines)).toEqual([2, 3, 3]);
    },
    TEST_MS_MAX,
  );

  test(
    "what cannot be done ends with an exit code and says what can",
    async () => {
      const unknown = await folder.kafka("pause", "-f", "nobody");
      expect(unknown.code).toBe(1);
      expect(unknown.stdout + unknown.stderr).toMatch(/SOK_MAPPING_UNKNOWN: .* there are countOrders \(/);
      expect(await service.interrupt()).toBe(0);
      const alone = await folder.kafka("list");
      expect(alone.code).toBe(1);
      expect(alone.stdout + alone.stderr).toMatch(/SOK_ADMIN_UNREACHABLE: nobody answers at .*; start `sls offline`/);
      // It asks Kafka, and nobody else.
      const sample = JSON.parse(await run("sample", "--topic", "payments", "--count", "1"));
      expect(sample.records["payments-0"]).toMatchObject([{ offset: 2 }]);
    },
    TEST_MS_MAX,
  );
});

describe("sampleEvent", () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const host = { region: "us-east-1", log: { notice: write, warning: write, error: write, debug: () => {} } };
  const LAST = { count: 2, partition: undefined, offset: undefined };

  async function sourceOf(partitions: number, over: Partial<SampleSource> = {}): Promise<SampleSource> {
    const topic = uniqueName("sampled");
    await createTopic(admin, topic, partitions);
    return {
      topic,
      bootstrapServers: [broker.bootstrapServers],
      access: [],
      tls: undefined,
      filterPatterns: [],
      schemaRegistry: undefined,
      envelope: { eventSource: "SelfManagedKafka", bootstrapServers: broker.bootstrapServers },
      ...over,
    };
  }
  const offsetsOf = (event: Awaited<ReturnType<typeof sampleEvent>>) =>
    Object.fromEntries(
      Object.entries(event.records).map(([key, records]) => [key, records.map(({ offset }) => offset)]),
    );

  test(
    "has the latest records of all partitions, in the order of the partitions",
    async () => {
      const source = await sourceOf(3);
      const at = (partition: number, timestamp: number) => ({ partition, value: "v", timestamp: String(timestamp) });
      const start = Date.now();
      await producer.send({
        topic: source.topic,
        messages: [at(1, start), at(1, start + 30), at(0, start + 10), at(0, start + 40), at(2, start + 20)],
      });
      expect(offsetsOf(await sampleEvent(source, LAST, host))).toEqual({
        [`${source.topic}-0`]: [1],
        [`${source.topic}-1`]: [1],
      });
    },
    TEST_MS_MAX,
  );

  test(
    "looks past what the filters leave out, from the end and from an offset",
    async () => {
      const source = await sourceOf(1, { filterPatterns: [{ value: { kind: ["big"] } }] });
      const kinds = ["big", "big", "big", ...Array<string>(50).fill("small")];
      await producer.send({
        topic: source.topic,
        messages: kinds.map((kind) => ({ value: JSON.stringify({ kind }) })),
      });
      expect(offsetsOf(await sampleEvent(source, LAST, host))).toEqual({ [`${source.topic}-0`]: [1, 2] });
      const from = { count: 1, partition: 0, offset: 1 };
      expect(offsetsOf(await sampleEvent(source, from, host))).toEqual({ [`${source.topic}-0`]: [1] });
      await expect(sampleEvent(source, { ...from, offset: 3 }, host)).rejects.toMatchObject({
        code: "SOK_SAMPLE_FAILED",
        message: expect.stringMatching(
          /no record in partition 0 that the filters let through \(sampled-\w+-0 3 to 53\)/,
        ),
      });
    },
    TEST_MS_MAX,
  );

  test(
    "ends behind the markers of a transaction, which are no records",
    async () => {
      const source = await sourceOf(1);
      const transactional = connectKafka(broker).producer({
        transactionalId: uniqueName("tx"),
        maxInFlightRequests: 1,
      });
      await transactional.connect();
      for (const end of ["commit", "abort"] as const) {
        const transaction = await transactional.transaction();
        await transaction.send({ topic: source.topic, messages: [{ value: end }] });
        await transaction[end]();
      }
      await transactional.disconnect();
      expect(offsetsOf(await sampleEvent(source, { ...LAST, count: 4 }, host))).toEqual({ [`${source.topic}-0`]: [0] });
    },
    TEST_MS_MAX,
  );

  test(
    "decodes by the schema registry, and leaves out what would reach no function",
    async () => {
      const schema = JSON.stringify({ type: "record", name: "Order", fields: [{ name: "id", type: "int" }] });
      const registry = createServer((_request, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ schema }));
      });
      await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
      const { port } = registry.address() as AddressInfo;
      const source = await sourceOf(1, {
        schemaRegistry: {
          uri: `http://127.0.0.1:${port}`,
          eventRecordFormat: "JSON",
          attributes: ["VALUE"],
          access: [],
        },
      });
      // Confluent's format: a zero, the schema's id in four bytes, and Avro: 7 is 14.
      const avro = Buffer.from([0, 0, 0, 0, 1, 14]);
      await producer.send({ topic: source.topic, messages: [{ value: avro }, { value: "no Avro" }] });
      const { records } = await sampleEvent(source, { ...LAST, partition: 0 }, host);
      expect(records[`${source.topic}-0`]).toMatchObject([
        { offset: 0, value: Buffer.from('{"id":7}').toString("base64"), valueSchemaMetadata: { schemaId: "1" } },
      ]);
      expect(lines).toEqual([expect.stringMatching(/-0 offset 1 is left out, it reaches no function: SOK_\w+: /)]);
      await new Promise((resolve) => registry.close(resolve));
    },
    TEST_MS_MAX,
  );

  test(
    "names what is not there",
    async () => {
      const source = await sourceOf(2);
      const message = (request: object, over: Partial<SampleSource> = {}) =>
        sampleEvent({ ...source, ...over }, { ...LAST, ...request }, host).then(
          JSON.stringify,
          (error) => error.message,
        );
      expect(await message({}, { topic: "nowhere" })).toMatch(/^there is no topic nowhere; there are .*sampled-/);
      expect(await admin.listTopics()).not.toContain("nowhere");
      expect(await message({ partition: 9 })).toMatch(/has no partition 9; it has 2$/);
      expect(await message({ offset: 0 })).toMatch(/has 2 partitions; say by --partition which one/);
      expect(await message({ offset: 0, partition: 1 })).toMatch(/has no offset 0; it is empty$/);
      expect(await message({})).toMatch(/^sampled-\w+ has no record to show$/);
      expect(await message({}, { bootstrapServers: ["127.0.0.1:1"] })).toMatch(/at 127\.0\.0\.1:1: /);
    },
    TEST_MS_MAX,
  );
});
