import { createServer, type Server, type Socket } from "node:net";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, DeleteQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { DestinationConfig } from "../../src/config/types.ts";
import { type FailedBatch, invocationRecord, openDestination } from "../../src/destinations/destination.ts";
import { mappingUuid } from "../../src/destinations/s3.ts";
import { freePort, type LocalAws, startAws } from "../support/aws.ts";

const REGION = "eu-central-1";
const ACCOUNT = "000000000000";
const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:failed`;
const TOPIC_ARN = `arn:aws:sns:${REGION}:${ACCOUNT}:failed`;
const BUCKET_ARN = "arn:aws:s3:::failed-batches";
const MAPPING_ID = "AgentEventSourceMappingKafkaOrders";

const BATCH: FailedBatch = {
  condition: "RetryAttemptsExhausted",
  requestId: "316aa6d0-8154-4c5f-9af7-85d5f4a6bc81",
  functionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:agent`,
  approximateInvokeCount: 11,
  response: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
  timestampMs: Date.parse("2026-03-09T23:59:58.999Z"),
  payloadBytes: 400,
  event: {
    eventSource: "SelfManagedKafka",
    bootstrapServers: "127.0.0.1:9092",
    records: {
      "orders-3": [
        {
          topic: "orders",
          partition: 3,
          offset: 42,
          timestamp: 1_700_000_000_000,
          timestampType: "CREATE_TIME",
          key: null,
          value: Buffer.from('{"text":"„ä€"}').toString("base64"),
          headers: [],
        },
      ],
    },
  },
};

let aws: LocalAws;
let queueUrl: string;
let sqs: SQSClient;
let sns: SNSClient;
let s3: S3Client;
const environment = { ...process.env };

beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
  aws = await startAws();
  const options = { region: REGION, endpoint: aws.endpoint };
  sqs = new SQSClient(options);
  sns = new SNSClient(options);
  s3 = new S3Client({ ...options, forcePathStyle: true });
  queueUrl = await createQueue();
  await sns.send(new CreateTopicCommand({ Name: "failed" }));
  await sns.send(new SubscribeCommand({ TopicArn: TOPIC_ARN, Protocol: "sqs", Endpoint: QUEUE_ARN }));
  await s3.send(new CreateBucketCommand({ Bucket: "failed-batches" }));
}, 120_000);

afterAll(async () => {
  for (const client of [sqs, sns, s3]) client.destroy();
  await aws.stop();
  process.env = environment;
});

async function createQueue(): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "failed" }));
  return QueueUrl ?? "";
}

function open(config: DestinationConfig, endpoint = aws.endpoint) {
  const producer = () => {
    throw new Error("no Kafka here");
  };
  const lines: string[] = [];
  const log = { debug: (line: string) => lines.push(line) };
  const destination = openDestination(config, { region: REGION, endpoint, mappingId: MAPPING_ID, producer, log });
  return { destination, lines };
}

async function receive(): Promise<unknown> {
  const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5, VisibilityTimeout: 600 });
  const { Messages: [message] = [] } = await sqs.send(command);
  return JSON.parse(message?.Body ?? "null");
}

/** What a receiver reads. */
const wire = (document: unknown): unknown => JSON.parse(JSON.stringify(document));

describe("a destination that works", () => {
  test("SQS: the queue has the record, also after it was made anew", async () => {
    const { destination } = open({ kind: "sqs", arn: QUEUE_ARN });

    await destination.deliver(BATCH);
    expect(await receive()).toStrictEqual(wire(invocationRecord(BATCH)));

    await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
    await expect(destination.deliver(BATCH)).rejects.toThrow("create it, or correct the ARN");
    queueUrl = await createQueue();
    await destination.deliver(BATCH);
    expect(await receive()).toStrictEqual(wire(invocationRecord(BATCH)));
    await destination.close();
  });

  test("SNS: subscribers get the record", async () => {
    const { destination } = open({ kind: "sns", arn: TOPIC_ARN });

    await destination.deliver(BATCH);

    const envelope = (await receive()) as { Message: string; TopicArn: string };
    expect(envelope.TopicArn).toBe(TOPIC_ARN);
    expect(JSON.parse(envelope.Message)).toStrictEqual(wire(invocationRecord(BATCH)));
    await destination.close();
  });

  test("S3: an object has the record and the event, and each batch is an object", async () => {
    const { destination, lines } = open({ kind: "s3", arn: BUCKET_ARN });

    await destination.deliver(BATCH);
    await destination.deliver(BATCH);

    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "failed-batches" }));
    const prefix = `aws/lambda/${mappingUuid(MAPPING_ID)}/2026/03/09/2026-03-09T23.59.58-`;
    expect(Contents.map(({ Key = "" }) => Key.startsWith(prefix))).toEqual([true, true]);
    const [{ Key = "" } = {}] = Contents;
    expect(lines.some((line) => line.includes(Key))).toBe(true);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "failed-batches", Key }));
    const { payload, ...rest } = JSON.parse((await Body?.transformToString()) ?? "{}") as Record<string, unknown>;
    expect(rest).toStrictEqual(wire(invocationRecord(BATCH)));
    expect(JSON.parse(String(payload))).toStrictEqual(BATCH.event);
    await destination.close();
  });
});

const CONFIGURATIONS: readonly DestinationConfig[] = [
  { kind: "sqs", arn: `${QUEUE_ARN}-elsewhere` },
  { kind: "sns", arn: `${TOPIC_ARN}-elsewhere` },
  { kind: "s3", arn: `${BUCKET_ARN}-elsewhere` },
];

describe("a destination that fails", () => {
  test.each(CONFIGURATIONS)("$kind: does not exist", async (config) => {
    const { destination } = open(config);

    await expect(destination.deliver(BATCH)).rejects.toMatchObject({
      code: "SOK_DESTINATION_FAILED",
      message: expect.stringMatching(
        /^arn:.*-elsewhere did not take a failed batch: .*\(create it, or correct the ARN\)$/,
      ),
    });
    await destination.close();
  });

  test.each(CONFIGURATIONS)("$kind: is down, and says so at once", async (config) => {
    const { destination } = open(config, `http://127.0.0.1:${await freePort()}`);
    const startedMs = Date.now();

    await expect(destination.deliver(BATCH)).rejects.toMatchObject({
      code: "SOK_DESTINATION_FAILED",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    expect(Date.now() - startedMs).toBeLessThan(2_000);
    await destination.close();
  });

  test("accepts and never answers: an error within some ten seconds", async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket));
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
    const destinations = CONFIGURATIONS.map((config) => open(config, `http://127.0.0.1:${port}`).destination);
    const startedMs = Date.now();

    const results = await Promise.allSettled(destinations.map((destination) => destination.deliver(BATCH)));

    for (const result of results) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "SOK_DESTINATION_FAILED", message: expect.stringMatching(/no answer within 10 s$/) },
      });
    }
    expect(sockets).toHaveLength(CONFIGURATIONS.length);
    expect(Date.now() - startedMs).toBeLessThan(12_000);
    await Promise.all(destinations.map((destination) => destination.close()));
    for (const socket of sockets) socket.destroy();
    silent.close();
  }, 20_000);
});
