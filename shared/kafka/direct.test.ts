import { afterEach, beforeEach, expect, test } from "@jest/globals";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { connectKafka } from "./client.ts";
import { DirectKafka, keyOf, latest } from "./direct.ts";
import { FakeBroker } from "./fake-broker.ts";

const topic = "t";
const keys = { fetch: 1, listOffsets: 2, metadata: 3 } as const;

/** A metadata answer of version 6: the brokers by their ports, and who leads the partitions of the topic. */
function metadata(ports: readonly number[], leaders: readonly number[]): Buffer {
  const brokers = ports.map((port, id) =>
    new Encoder().writeInt32(id).writeString("127.0.0.1").writeInt32(port).writeString(null),
  );
  const partitions = leaders.map((leader, partition) =>
    bytes(
      int16(leader < 0 ? 5 : 0),
      new Encoder().writeInt32(partition).writeInt32(leader).writeArray([leader]).writeArray([leader]).writeArray([])
        .buffer,
    ),
  );
  return bytes(
    new Encoder().writeInt32(0).writeArray(brokers).writeString("cluster").writeInt32(0).writeInt32(1).buffer,
    ...[int16(0), new Encoder().writeString(topic).buffer, Buffer.from([0])],
    ...[new Encoder().writeInt32(partitions.length).buffer, ...partitions],
  );
}

function listOffsets(offsets: readonly (readonly [partition: number, errorCode: number, offset: number])[]): Buffer {
  const partitions = offsets.map(([partition, errorCode, offset]) =>
    bytes(new Encoder().writeInt32(partition).buffer, int16(errorCode), int64(0), int64(offset)),
  );
  return bytes(
    new Encoder().writeInt32(0).writeInt32(1).writeString(topic).writeInt32(partitions.length).buffer,
    ...partitions,
  );
}

function fetched(errorCode: number, end: number): Buffer {
  return bytes(
    ...[
      new Encoder().writeInt32(0).buffer,
      int16(0),
      new Encoder().writeInt32(0).writeInt32(1).writeString(topic).writeInt32(1).buffer,
    ],
    ...[new Encoder().writeInt32(0).buffer, int16(errorCode), int64(end), int64(end), int64(0)],
    new Encoder().writeInt32(-1).writeInt32(-1).writeInt32(0).buffer,
  );
}

const bytes = (...parts: readonly Buffer[]) => Buffer.concat(parts);
const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const int64 = (value: number) => {
  const encoded = Buffer.alloc(8);
  encoded.writeBigInt64BE(BigInt(value));
  return encoded;
};

let brokers: [FakeBroker, FakeBroker];
let direct: DirectKafka;

beforeEach(async () => {
  brokers = [await FakeBroker.start(), await FakeBroker.start()];
  direct = new DirectKafka(connectKafka({ bootstrapServers: `127.0.0.1:${brokers[0].port}`, clientId: "test" }));
});

afterEach(async () => {
  await direct.close();
  for (const broker of brokers) await broker.stop();
});

const ports = () => brokers.map(({ port }) => port);
const partitions = [0, 1].map((partition) => ({ topic, partition }));

test("asks the leaders, and does without a partition that has none", async () => {
  const [first, second] = brokers;
  first.answers = (key) => (key === keys.metadata ? metadata(ports(), [1, -1]) : undefined);
  second.answers = (key) => (key === keys.listOffsets ? listOffsets([[0, 0, 70]]) : undefined);

  expect(await direct.topics()).toMatchObject([{ topic, partitions: [{ leader: 1 }, { leader: -1 }] }]);
  expect(await direct.offsets(partitions, latest)).toEqual(new Map([["t-0", 70]]));
});

test("asks the new leader when a partition has got one", async () => {
  const [first, second] = brokers;
  let leaders = [0, 0];
  first.answers = (key) => {
    if (key === keys.metadata) return metadata(ports(), leaders);
    leaders = [0, 1];
    return listOffsets([
      [0, 0, 10],
      [1, 6, -1],
    ]);
  };
  second.answers = () => listOffsets([[1, 0, 20]]);

  expect(await direct.offsets(partitions, latest)).toEqual(
    new Map([
      ["t-0", 10],
      ["t-1", 20],
    ]),
  );
});

test("asks the new leader when the old one has gone", async () => {
  const [first, second] = brokers;
  let leader = 1;
  first.answers = (key) => (key === keys.metadata ? metadata(ports(), [leader]) : listOffsets([[0, 0, 30]]));
  await direct.topics();
  leader = 0;
  const { port } = second;
  await second.stop();

  expect(await direct.offsets([{ topic, partition: 0 }], latest)).toEqual(new Map([["t-0", 30]]));
  brokers[1] = await FakeBroker.start(port);
});

test("says of a fetch that what it asked for is not there", async () => {
  const position = { topic, partition: 0, offset: 5 };
  brokers[0].answers = (key) => (key === keys.metadata ? metadata(ports(), [0]) : fetched(1, -1));

  expect((await direct.fetch([position], 100)).get(keyOf(position))).toMatchObject({ isOutOfRange: true, batches: [] });
  brokers[0].answers = () => fetched(29, -1);
  await expect(direct.fetch([position], 100)).rejects.toHaveProperty("type", "TOPIC_AUTHORIZATION_FAILED");
});
