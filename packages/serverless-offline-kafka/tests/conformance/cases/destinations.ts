import { CreateQueueCommand } from "@aws-sdk/client-sqs";
import { expect } from "@jest/globals";
import { uniqueName } from "../../support/broker.ts";
import { conformance } from "../conformance.ts";
import { reports, succeeds, throws, throwsOn } from "../function.ts";
import { ACCOUNT, FUNCTION_ARN, REGION, TestQueue } from "../harness.ts";

const MINUTE_MS = 60_000;
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const ISO_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
/** More than 6 MB in base64. */
const LARGE = Buffer.alloc(4_800_000, "x");
const LARGE_TOPIC = { "max.message.bytes": "8000000" };

const to = (arn: string) => ({ DestinationConfig: { OnFailure: { Destination: arn } } });

conformance("destination-record", "a queue receives what failed, where it is and why", async (t) => {
  const topic = await t.topic(2);
  const queue = await t.queue();
  const at = (value: string, timestampMs: number) => ({ value, timestampMs });
  await t.produce(topic, {
    0: [at("a", 1_700_000_000_000), at("b", 1_700_000_001_500)],
    1: [at("c", 1_700_000_002_000)],
  });
  const m = t.map(
    topic,
    { ...to(queue.arn), MaximumRetryAttempts: 1, MaximumBatchingWindowInSeconds: 1 },
    { replies: [throws], frozen: true, msk: true },
  );
  await m.polled(3);
  await m.clock.advance(1_000);
  const event = await m.fn.invoked(1);
  await m.clock.advance(1_000);
  expect(await queue.receive()).toStrictEqual({
    requestContext: {
      requestId: UUID,
      functionArn: FUNCTION_ARN,
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: 2,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: ISO_TIME,
    KafkaBatchInfo: {
      batchSize: 3,
      eventSourceArn: event.eventSourceArn,
      bootstrapServers: t.stage.broker.bootstrapServers,
      payloadSize: Buffer.byteLength(JSON.stringify(event)),
      recordsInfo: {
        [`${topic}-0`]: {
          firstRecordOffset: "0",
          lastRecordOffset: "1",
          firstRecordTimestamp: "2023-11-14T22:13:20.000Z",
          lastRecordTimestamp: "2023-11-14T22:13:21.500Z",
        },
        [`${topic}-1`]: {
          firstRecordOffset: "0",
          lastRecordOffset: "0",
          firstRecordTimestamp: "2023-11-14T22:13:22.000Z",
          lastRecordTimestamp: "2023-11-14T22:13:22.000Z",
        },
      },
    },
  });
});

conformance("destination-record", "a topic of SNS publishes the same", async (t) => {
  const topic = await t.topic();
  const { arn, subscriber } = await t.notificationTopic();
  await t.produce(topic, { 0: ["a"] });
  t.map(topic, { ...to(arn), MaximumRetryAttempts: 0 }, { replies: [throws] });
  const notification = (await subscriber.receive()) as { TopicArn: string; Message: string };
  expect(notification.TopicArn).toBe(arn);
  expect(JSON.parse(notification.Message)).toMatchObject({
    requestContext: { functionArn: FUNCTION_ARN, condition: "RetryAttemptsExhausted", approximateInvokeCount: 1 },
    KafkaBatchInfo: { batchSize: 1, recordsInfo: { [`${topic}-0`]: { firstRecordOffset: "0" } } },
  });
});

conformance("destination-record", "a batch that failed by its report has no functionError", async (t) => {
  const topic = await t.topic();
  const queue = await t.queue();
  await t.produce(topic, { 0: ["a", "b", "c"] });
  const m = t.map(
    topic,
    { ...to(queue.arn), MaximumRetryAttempts: 0, FunctionResponseTypes: ["ReportBatchItemFailures"] },
    { replies: [reports({ 0: 1 }), reports({ 0: 1 })] },
  );
  expect(await queue.receive()).toMatchObject({
    responseContext: { statusCode: 200, executedVersion: "$LATEST" },
    KafkaBatchInfo: { recordsInfo: { [`${topic}-0`]: { firstRecordOffset: "1", lastRecordOffset: "2" } } },
  });
  await m.committed({ 0: 3 });
});

conformance("destination-s3", "a bucket receives an object with the record and the event as a string", async (t) => {
  const topic = await t.topic();
  const bucket = await t.bucket();
  await t.produce(topic, { 0: ["a"] });
  const m = t.map(topic, { ...to(bucket.arn), MaximumRetryAttempts: 0 }, { replies: [throws] });
  const { key, body } = await bucket.object();
  expect(key).toMatch(
    /^aws\/lambda\/[0-9a-f-]{36}\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/,
  );
  const { payload, ...record } = body as { payload: string };
  expect(record).toMatchObject({
    requestContext: { condition: "RetryAttemptsExhausted" },
    KafkaBatchInfo: { recordsInfo: { [`${topic}-0`]: { firstRecordOffset: "0" } } },
  });
  expect(JSON.parse(payload)).toStrictEqual(JSON.parse(JSON.stringify(m.fn.events[0])));
});

conformance("destination-kafka", "a Kafka topic receives one message for each record, with its key", async (t) => {
  const topic = await t.topic();
  const failed = await t.topic();
  await t.produce(topic, { 0: [{ key: "k1", value: "a", timestampMs: 1_700_000_000_000 }, "b"] });
  const m = t.map(topic, { ...to(`kafka://${failed}`), MaximumRetryAttempts: 0 }, { replies: [throws] });
  const messages = await t.consume(failed, 2);
  await m.committed({ 0: 2 });
  expect(messages.map(({ key }) => key)).toEqual(["k1", undefined]);
  const event = m.fn.events[0];
  const [record] = event?.records[`${topic}-0`] ?? [];
  expect(messages[0]?.value).toStrictEqual({
    requestContext: {
      requestId: UUID,
      functionArn: `${FUNCTION_ARN}:$LATEST`,
      condition: "RetriesExhausted",
      approximateInvokeCount: 1,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: ISO_TIME,
    KafkaBatchInfo: {
      batchSize: 2,
      bootstrapServers: t.stage.broker.bootstrapServers,
      payloadSize: Buffer.byteLength(JSON.stringify(event)),
      recordInfo: { offset: "0", timestamp: "2023-11-14T22:13:20.000Z" },
    },
    payload: { ...event, records: { [`${topic}-0`]: [record] } },
  });
});

conformance("destination-kafka", "the source topic is refused as destination", async (t) => {
  const topic = await t.topic();
  expect(() => t.map(topic, to(`kafka://${topic}`))).toThrow(
    expect.objectContaining({ code: "SOK_DESTINATION_INVALID" }),
  );
});

conformance("destination-commit", "a batch that was given up is committed, and the next one comes", async (t) => {
  const topic = await t.topic();
  const queue = await t.queue();
  await t.produce(topic, { 0: ["bad", "good"] });
  const m = t.map(topic, { ...to(queue.arn), BatchSize: 1, MaximumRetryAttempts: 0 }, { replies: [throwsOn("bad")] });
  await m.committed({ 0: 2 });
  expect(m.fn.values).toEqual(["bad", "good"]);
  expect(await queue.receive()).toMatchObject({ KafkaBatchInfo: { batchSize: 1 } });
  expect(m.mapping.metrics.read()).toMatchObject({
    OnFailureDestinationDeliveredEventCount: 1,
    DroppedEventCount: 0,
  });
});

conformance("destination-commit", "nothing is committed while the destination does not answer", async (t) => {
  const topic = await t.topic(2);
  const QueueName = uniqueName("later");
  const arn = `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}`;
  await t.produce(topic, { 0: ["bad"] });
  const m = t.map(
    topic,
    { ...to(arn), BatchSize: 1, MaximumRetryAttempts: 0 },
    { replies: [throwsOn("bad")], frozen: true },
  );
  await m.line(/SOK_DESTINATION_FAILED/);
  await t.produce(topic, { 0: ["behind"] });
  await m.polled(2);
  await t.produce(topic, { 1: ["beside"] });
  await m.committed({ 1: 1 });
  expect(m.fn.values).toEqual(["bad", "beside"]);

  const { QueueUrl = "" } = await t.stage.sqs.send(new CreateQueueCommand({ QueueName }));
  await m.clock.advance(MINUTE_MS);
  expect(await new TestQueue(t.stage.sqs, arn, QueueUrl).receive()).toMatchObject({ KafkaBatchInfo: { batchSize: 1 } });
  await m.committed({ 0: 2, 1: 1 });
  expect(m.fn.values).toEqual(["bad", "beside", "behind"]);
});

conformance(
  "destination-attempts",
  "with a destination and no maximum a batch is given up after 10 retries",
  async (t) => {
    const topic = await t.topic();
    const queue = await t.queue();
    await t.produce(topic, { 0: ["a"] });
    const m = t.map(topic, { ...to(queue.arn), MaximumRetryAttempts: -1 }, { replies: [throws] });
    expect(await queue.receive()).toMatchObject({ requestContext: { approximateInvokeCount: 11 } });
    await m.committed({ 0: 1 });
    expect(m.fn.events).toHaveLength(11);
  },
);

conformance(
  "destination-age",
  "a record that is too old goes to the destination, with a responseContext of null",
  async (t) => {
    const topic = await t.topic();
    const queue = await t.queue();
    await t.produce(topic, { 0: [{ value: "old", timestampMs: Date.now() - 10 * MINUTE_MS }, "young"] });
    const m = t.map(topic, { ...to(queue.arn), MaximumRecordAgeInSeconds: 300 });
    expect(await queue.receive()).toMatchObject({
      requestContext: { condition: "RecordAgeExceeded", approximateInvokeCount: 0 },
      responseContext: null,
      KafkaBatchInfo: { batchSize: 1, recordsInfo: { [`${topic}-0`]: { firstRecordOffset: "0" } } },
    });
    await m.committed({ 0: 2 });
    expect(m.fn.values).toEqual(["young"]);
  },
);

conformance("too-large", "a record over 6 MB goes to the destination and is never invoked", async (t) => {
  const topic = await t.topic(1, LARGE_TOPIC);
  const queue = await t.queue();
  await t.produce(topic, { 0: ["before"] });
  await t.produce(topic, { 0: [LARGE] });
  await t.produce(topic, { 0: ["after"] });
  const m = t.map(topic, to(queue.arn));
  await m.committed({ 0: 3 });
  expect(m.fn.values).toEqual(["before", "after"]);
  expect(await queue.receive()).toMatchObject({
    requestContext: { condition: "MaximumPayloadSizeExceeded", approximateInvokeCount: 0 },
    KafkaBatchInfo: { recordsInfo: { [`${topic}-0`]: { firstRecordOffset: "1", lastRecordOffset: "1" } } },
  });
});

conformance(
  "too-large",
  "without a destination a record over 6 MB holds back its partition and no other",
  async (t) => {
    const topic = await t.topic(2, LARGE_TOPIC);
    await t.produce(topic, { 0: [LARGE] });
    const m = t.map(topic, {}, { replies: [succeeds], frozen: true });
    await m.line(/SOK_RECORD_TOO_LARGE/);
    await t.produce(topic, { 0: ["behind"] });
    await m.polled(2);
    await t.produce(topic, { 1: ["beside"] });
    await m.committed({ 1: 1 });
    expect(m.fn.values).toEqual(["beside"]);
  },
);
