import { expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
import { createLogCreator, prepareKafkaJs } from "./kafka-client.ts";
import { ranges } from "./kafka-source.ts";

test.each([
  [[], ""],
  [[3], "3"],
  [[2, 0, 1, 5, 10, 11], "0-2, 5, 10-11"],
])("shows partitions %j as %j", (partitions, shown) => {
  expect(ranges(partitions)).toBe(shown);
});

test("gives kafkajs a zstd codec that reads what it writes", async () => {
  prepareKafkaJs();
  const codec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD]();
  const data = Buffer.from("change event ".repeat(1_000));
  const compressed: Buffer = await codec.compress({ buffer: data });
  expect(compressed.length).toBeLessThan(data.length / 10);
  expect(await codec.decompress(compressed)).toEqual(data);
});

test("makes one line of what kafkajs logs, and tells a broker that is away from one that answers with an error", () => {
  const lines: string[] = [];
  const outages: string[] = [];
  const log = createLogCreator({ debug: (line) => lines.push(line), connectionFailed: (line) => outages.push(line) })(
    2,
  );
  const entry = (message: string) => ({
    namespace: "Connection",
    level: 1,
    label: "ERROR",
    log: { timestamp: "", message, error: "why\nindeed", stack: "at …" },
  });
  log(entry("Connection error: connect ECONNREFUSED"));
  log(entry("Response GroupCoordinator(key: 10, version: 2)"));
  expect(outages).toEqual(["Connection error: connect ECONNREFUSED"]);
  expect(lines).toEqual([
    "kafkajs Connection: Connection error: connect ECONNREFUSED (why | indeed)",
    "kafkajs Connection: Response GroupCoordinator(key: 10, version: 2) (why | indeed)",
  ]);
});
