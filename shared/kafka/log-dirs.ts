// Kafka's request for what its logs take on disk, which kafkajs lacks:
// https://kafka.apache.org/protocol#The_Messages_DescribeLogDirs. In version 1, which every broker since 2.0 knows and
// which has no tagged fields.
import Decoder from "kafkajs/src/protocol/decoder.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import type { Prepare } from "./brokers.ts";

/** What one replica takes on one broker. */
export interface LogSize {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
}

export interface LogDirs {
  /** Also of a client that may not know: it gets none. */
  readonly isKnown: boolean;
  readonly sizes: readonly LogSize[];
}

const allTopics: readonly never[] = [];

export const describeLogDirs: Prepare<LogDirs> = () => ({
  request: {
    apiKey: 35,
    apiVersion: 1,
    apiName: "DescribeLogDirs",
    // kafkajs writes null for a list of nothing, which asks for all.
    encode: async () => new Encoder().writeNullableArray(allTopics),
  },
  response: { decode: async (answer) => decodeLogDirs(answer) },
});

export function decodeLogDirs(answer: Buffer): LogDirs {
  const decoder = new Decoder(answer);
  decoder.readInt32(); // how long the client was throttled
  const folders = decoder.readArray(readFolder);
  return {
    isKnown: folders.length > 0 && folders.every(({ errorCode }) => errorCode === 0),
    sizes: folders.flatMap(({ sizes }) => sizes),
  };
}

function readFolder(decoder: Decoder) {
  const errorCode = decoder.readInt16();
  decoder.readString(); // the folder
  const topics = decoder.readArray((topicDecoder) => ({
    topic: topicDecoder.readString() ?? "",
    replicas: topicDecoder.readArray(readReplica),
  }));
  const sizes = topics.flatMap(({ topic, replicas }) =>
    replicas.map(({ partition, bytes }): LogSize => ({ topic, partition, bytes })),
  );
  return { errorCode, sizes };
}

function readReplica(decoder: Decoder) {
  const partition = decoder.readInt32();
  const bytes = Number(decoder.readInt64());
  decoder.readInt64(); // how far it is behind
  decoder.readBoolean(); // on its way to another folder: it takes its place there already
  return { partition, bytes };
}
