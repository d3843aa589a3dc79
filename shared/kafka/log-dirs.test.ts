import { expect, test } from "@jest/globals";
import { decodeLogDirs, describeLogDirs } from "./log-dirs.ts";

const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value: number) => Buffer.from([0, value >> 16, (value >> 8) & 0xff, value & 0xff]);
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([int16(value.length), Buffer.from(value)]);
const list = (...items: readonly Buffer[]) => Buffer.concat([int32(items.length), ...items]);

const replica = (partition: number, bytes: bigint, isFuture = false) =>
  Buffer.concat([int32(partition), int64(bytes), int64(0n), Buffer.from([isFuture ? 1 : 0])]);
const folder = (errorCode: number, ...topics: readonly Buffer[]) =>
  Buffer.concat([int16(errorCode), text("/data"), list(...topics)]);
const topic = (name: string, ...replicas: readonly Buffer[]) => Buffer.concat([text(name), list(...replicas)]);
const answer = (...folders: readonly Buffer[]) => Buffer.concat([int32(0), list(...folders)]);

test("asks for all topics in version 1", async () => {
  const { request } = describeLogDirs(() => () => {
    throw new Error("kafkajs does not know this request");
  });

  expect(request).toMatchObject({ apiKey: 35, apiVersion: 1 });
  const { encode } = request as { encode(): Promise<{ buffer: Buffer }> };
  expect((await encode()).buffer).toEqual(Buffer.from([0xff, 0xff, 0xff, 0xff]));
});

test("reads the sizes of all folders", () => {
  const first = folder(0, topic("a", replica(0, 5_000_000_000n), replica(1, 7n)), topic("b", replica(0, 0n)));
  const second = folder(0, topic("a", replica(0, 2n, true)));

  expect(decodeLogDirs(answer(first, second))).toEqual({
    isKnown: true,
    sizes: [
      { topic: "a", partition: 0, bytes: 5_000_000_000 },
      { topic: "a", partition: 1, bytes: 7 },
      { topic: "b", partition: 0, bytes: 0 },
      { topic: "a", partition: 0, bytes: 2 },
    ],
  });
});

test("does not take a folder that is broken, or a client that may not know, for one of no size", () => {
  expect(decodeLogDirs(answer(folder(0), folder(56))).isKnown).toBe(false);
  expect(decodeLogDirs(answer()).isKnown).toBe(false);
});
