// npm run bench -w packages/serverless-offline-kafka: how fast the mapping is beside a bare kafkajs loop, how long a single
// record takes, and whether memory stays flat. On a real broker of its own, with an in-process handler that does nothing.
import { parseArgs } from "node:util";
import type { Kafka, Message } from "kafkajs";
import kafkajs from "kafkajs";
import Lambda from "serverless-offline/lambda";
import { configOf } from "../src/admin/fake-mapping.ts";
import type { MappingConfig } from "../src/config/types.ts";
import type { MappingEvent } from "../src/delivery/event.ts";
import type { Mapping } from "../src/delivery/mapping.ts";
import { ConcurrencyLimit, InvokerPool } from "../src/host/invoker-pool.ts";
import { LambdaInvoker } from "../src/host/lambda-invoker.ts";
import { openMapping } from "../src/open-mapping.ts";
import { connectAdmin, connectKafka, createTopic, startBroker, uniqueName } from "../tests/support/broker.ts";

const PARTITIONS = 8;
const ROUNDS = 5;
const NEVER = new Promise<void>(() => {});

declare global {
  var benchmark: ((event: MappingEvent) => void) | undefined;
}

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "throughput,latency,memory" },
    "memory-records": { type: "string", default: "10000000" },
    rounds: { type: "string", default: String(ROUNDS) },
    json: { type: "boolean", default: false },
  },
});
const wanted = new Set(options.only.split(","));
const say = (line: string) => {
  if (!options.json) console.log(line);
};

const broker = await startBroker({
  throughput: true,
  settings: {
    "log.retention.bytes": 1_000_000_000,
    "log.segment.bytes": 100_000_000,
    "log.retention.check.interval.ms": 5_000,
  },
});
const kafka = connectKafka(broker);
const admin = await connectAdmin(broker);

async function produce(client: Kafka, topic: string, count: number, valueBytes: number): Promise<void> {
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const value = Buffer.alloc(valueBytes, '{"before":null,"after":{"id":4711,"amount":"12.34"}}');
  const chunk = Math.min(5_000, Math.floor(2_000_000 / valueBytes));
  for (let sent = 0; sent < count; ) {
    const messages: Message[] = [];
    for (; messages.length < chunk && sent < count; sent += 1) {
      messages.push({ key: String(sent), value, partition: sent % PARTITIONS });
    }
    await producer.send({ topic, messages, acks: 1 });
  }
  await producer.disconnect();
}

/** Seconds in which a bare loop reads the topic, from its first batch on. */
async function bareLoop(topic: string, count: number): Promise<number> {
  const consumer = kafka.consumer({ groupId: uniqueName("bare") });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<number>();
  let startedAtMs = 0;
  let records = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      startedAtMs ||= performance.now();
      records += batch.messages.length;
      if (records >= count) done.resolve((performance.now() - startedAtMs) / 1_000);
    },
  });
  const seconds = await done.promise;
  await consumer.disconnect();
  return seconds;
}

function open(topic: string, config: Partial<MappingConfig> = {}): Mapping {
  const invoker = new InvokerPool(new ConcurrencyLimit(Number.POSITIVE_INFINITY), () => {
    const service = { service: "bench", provider: { name: "aws", region: "us-east-1", runtime: "nodejs24.x" } };
    const lambda = new Lambda(
      { service, config: { serverlessPath: "", servicePath: import.meta.dirname }, serviceDir: import.meta.dirname },
      { useInProcess: true, noTimeout: true, host: "localhost" },
    );
    const functionDefinition = { handler: "handler.handler", name: "bench", runtime: "nodejs24.x" };
    lambda.create([{ functionKey: "bench", functionDefinition }]);
    return new LambdaInvoker({
      lambda,
      functionKey: "bench",
      timeoutMs: 60_000,
      inWorker: false,
      reloadHandler: false,
    });
  });
  const complain = (line: string) => console.error(line);
  return openMapping(
    configOf({
      functionKey: "bench",
      topic,
      groupId: uniqueName("bench"),
      batchSize: 10_000,
      bootstrapServers: [broker.bootstrapServers],
      envelope: { eventSource: "SelfManagedKafka", bootstrapServers: broker.bootstrapServers },
      ...config,
    }),
    { invoker, region: "us-east-1", log: { notice: () => {}, debug: () => {}, warning: complain, error: complain } },
  );
}

/** Seconds in which the mapping delivers the topic, from its first invocation on. */
async function throughMapping(topic: string, count: number): Promise<number> {
  const done = Promise.withResolvers<number>();
  let startedAtMs = 0;
  let records = 0;
  globalThis.benchmark = (event) => {
    startedAtMs ||= performance.now();
    for (const list of Object.values(event.records)) records += list.length;
    if (records >= count) done.resolve((performance.now() - startedAtMs) / 1_000);
  };
  const mapping = open(topic);
  mapping.start();
  const seconds = await done.promise;
  await mapping.stop(NEVER);
  return seconds;
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const thousands = (value: number) => Math.round(value).toLocaleString("en-US");

const results: Record<string, unknown> = {};

if (wanted.has("throughput")) {
  for (const [valueBytes, count] of [
    [561, 800_000],
    [3_500, 160_000],
  ] as const) {
    const topic = uniqueName(`throughput-${valueBytes}`);
    await createTopic(admin, topic, PARTITIONS);
    await produce(kafka, topic, count, valueBytes);
    const bare: number[] = [];
    const mapped: number[] = [];
    for (let round = 0; round < Number(options.rounds) + 1; round += 1) {
      const [one, other] = [await bareLoop(topic, count), await throughMapping(topic, count)];
      // The first round warms up the compiler and the broker's page cache.
      if (round === 0) continue;
      bare.push(count / one);
      mapped.push(count / other);
    }
    const ratio = median(mapped.map((rate, i) => rate / (bare[i] as number)));
    say(
      `${valueBytes} bytes: mapping ${thousands(median(mapped))} records/s, bare kafkajs ${thousands(median(bare))}: ` +
        `${(100 * ratio).toFixed(0)} % (rounds ${mapped.map((rate, i) => ((100 * rate) / (bare[i] as number)).toFixed(0)).join(", ")} %)`,
    );
    results[`throughput-${valueBytes}`] = { mapping: median(mapped), bare: median(bare), ratio };
  }
}

if (wanted.has("latency")) {
  const topic = uniqueName("latency");
  await createTopic(admin, topic, PARTITIONS);
  const latencies: number[] = [];
  let sentAtMs = 0;
  let arrived = Promise.withResolvers<void>();
  globalThis.benchmark = () => {
    latencies.push(performance.now() - sentAtMs);
    arrived.resolve();
  };
  const mapping = open(topic, { windowMs: 0 });
  mapping.start();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const count = 1_000;
  for (let i = 0; i < count + 100; i += 1) {
    arrived = Promise.withResolvers();
    sentAtMs = performance.now();
    await Promise.all([
      producer.send({ topic, acks: 1, messages: [{ value: Buffer.alloc(561, "x") }] }),
      arrived.promise,
    ]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  }
  await producer.disconnect();
  await mapping.stop(NEVER);
  const sorted = latencies.slice(100).toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] as number;
  say(
    `produce to handler, window 0: p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, most ${at(0.9999).toFixed(1)} ms (${sorted.length} records)`,
  );
  results["latency"] = { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(0.9999) };
}

if (wanted.has("memory")) {
  const total = Number(options["memory-records"]);
  const topic = uniqueName("memory");
  await createTopic(admin, topic, PARTITIONS);
  let records = 0;
  const done = Promise.withResolvers<void>();
  globalThis.benchmark = (event) => {
    for (const list of Object.values(event.records)) records += list.length;
    if (records >= total) done.resolve();
  };
  const mapping = open(topic);
  mapping.start();
  const samples: { records: number; heapMb: number; rssMb: number }[] = [];
  let sampledAt = 0;
  const sampler = setInterval(() => {
    if (records < sampledAt + total / 20) return;
    sampledAt = records;
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    samples.push({ records, heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20 });
    say(
      `${thousands(records)} records: heap ${(heapUsed / 2 ** 20).toFixed(0)} MB, resident ${(rss / 2 ** 20).toFixed(0)} MB`,
    );
  }, 100);
  for (let sent = 0; sent < total; sent += 200_000) {
    await produce(kafka, topic, Math.min(200_000, total - sent), 200);
    while (sent - records > 400_000) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await done.promise;
  clearInterval(sampler);
  await mapping.stop(NEVER);
  const half = samples.slice(Math.floor(samples.length / 2));
  const first = samples.slice(1, Math.floor(samples.length / 2));
  const heap = (some: typeof samples) => median(some.map(({ heapMb }) => heapMb));
  say(
    `heap after ${thousands(total)} records: median ${heap(first).toFixed(0)} MB in the first half, ${heap(half).toFixed(0)} MB in the second`,
  );
  results["memory"] = {
    records: total,
    heapFirstHalfMb: heap(first),
    heapSecondHalfMb: heap(half),
    rssMb: median(half.map(({ rssMb }) => rssMb)),
  };
}

await admin.disconnect();
await broker.stop();
if (options.json) console.log(JSON.stringify(results));
process.exit(0);
