import { topics } from "../../shared/kafka/topics.ts";
import type { KafkaRecord } from "../../shared/lambda/index.ts";
import { TopicReader } from "./topic-reader.ts";

export const agentNames = ["profile", "velocity"] as const;
export type AgentName = (typeof agentNames)[number];

/** A message of the topic of failed records. */
export interface FailedRecord {
  readonly agent: AgentName;
  readonly condition: string;
  readonly invocations: number;
  /** Null where the function was never invoked. */
  readonly response: { readonly statusCode: number } | null;
  readonly partition: number;
  readonly offset: number;
  /** Of the message in fraud.failed-records: that of the record. */
  readonly key: Buffer | null;
  /** The record as the function got it. */
  readonly record: KafkaRecord;
}

/** What has been put aside so far, in the order in which it was. */
export class FailedRecords {
  readonly all: FailedRecord[] = [];
  readonly #reader: TopicReader;

  constructor(bootstrapServers: string) {
    this.#reader = new TopicReader(bootstrapServers, topics.failedRecords.name, (_, { key, value }) =>
      this.all.push(parse(key, String(value))),
    );
  }

  start(): Promise<void> {
    return this.#reader.start();
  }

  stop(): Promise<void> {
    return this.#reader.stop();
  }

  at(partition: number, offset: number): FailedRecord[] {
    return this.all.filter((failed) => failed.partition === partition && failed.offset === offset);
  }
}

interface Message {
  requestContext: { functionArn: string; condition: string; approximateInvokeCount: number };
  responseContext: { statusCode: number } | null;
  KafkaBatchInfo: { recordInfo: { offset: string } };
  payload: { records: Record<string, KafkaRecord[]> };
}

function parse(key: Buffer | null, value: string): FailedRecord {
  const { requestContext, responseContext, KafkaBatchInfo, payload } = JSON.parse(value) as Message;
  const agent = agentNames.find((name) => requestContext.functionArn.includes(`${name}Agent`));
  const [record, ...others] = Object.values(payload.records).flat();
  if (agent === undefined || record === undefined || others.length > 0) {
    throw new Error(`not one record of an agent: ${value.slice(0, 500)}`);
  }
  return {
    agent,
    condition: requestContext.condition,
    invocations: requestContext.approximateInvokeCount,
    response: responseContext,
    partition: record.partition,
    offset: Number(KafkaBatchInfo.recordInfo.offset),
    key,
    record,
  };
}
