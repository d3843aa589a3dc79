import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Admin, IHeaders, Producer } from "kafkajs";
import type { MappingConfig, ServiceMappings } from "../../src/config/mappings.ts";
import { readMappings } from "../../src/config/mappings.ts";
import type { Mapping } from "../../src/delivery/mapping.ts";
import { openMapping } from "../../src/open-mapping.ts";
import { type LocalAws, startAws } from "../support/aws.ts";
import {
  type Broker,
  connectAdmin,
  connectKafka,
  connectProducer,
  startBroker,
  uniqueName,
} from "../support/broker.ts";
import { startRegistry, type TestRegistry } from "../support/registry.ts";
import { TestClock } from "./clock.ts";
import { type Reply, TestFunction } from "./function.ts";
import { type RunningService, startService } from "./service.ts";
import { until, untilTrue } from "./wait.ts";

export const REGION = "us-east-1";
export const ACCOUNT = "000000000000";
export const CLUSTER_ARN = `arn:aws:kafka:${REGION}:${ACCOUNT}:cluster/shop/00000000-0000-0000-0000-000000000000-1`;
export const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:shop-dev-agent`;

type Properties = Readonly<Record<string, unknown>>;

/** A record to produce: its value, or all of it. */
export type Message =
  | string
  | Buffer
  | null
  | {
      readonly value: string | Buffer | null;
      readonly key?: string;
      readonly headers?: IHeaders;
      readonly timestampMs?: number;
    };

/** The servers that all cases share. */
export class Stage {
  readonly broker: Broker;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly #aws: LocalAws;
  readonly #environment = { ...process.env };
  #registry: Promise<TestRegistry> | undefined;
  #service: Promise<RunningService> | undefined;

  static async start(): Promise<Stage> {
    const [broker, aws] = await Promise.all([startBroker({ sasl: true, tls: true }), startAws()]);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    });
    const [admin, producer] = await Promise.all([connectAdmin(broker), connectProducer(broker)]);
    return new Stage(broker, aws, admin, producer);
  }

  private constructor(broker: Broker, aws: LocalAws, admin: Admin, producer: Producer) {
    this.broker = broker;
    this.#aws = aws;
    this.admin = admin;
    this.producer = producer;
    const options = { region: REGION, endpoint: aws.endpoint };
    this.sqs = new SQSClient(options);
    this.sns = new SNSClient(options);
    this.s3 = new S3Client({ ...options, forcePathStyle: true });
    this.secrets = new SecretsManagerClient(options);
  }

  /** Apicurio Registry, from the first time on that a case asks for it. */
  registry(): Promise<TestRegistry> {
    this.#registry ??= startRegistry();
    return this.#registry;
  }

  /** `sls offline` with the service beside this file, from the first time on that a case asks for it. */
  service(): Promise<RunningService> {
    this.#service ??= startService(this.broker, this.admin);
    return this.#service;
  }

  async stop(): Promise<void> {
    await (await this.#service)?.stop();
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
    for (const client of [this.sqs, this.sns, this.s3, this.secrets]) client.destroy();
    process.env = this.#environment;
    await Promise.all([this.broker.stop(), this.#aws.stop(), (await this.#registry)?.stop()]);
  }
}

export interface MapOptions {
  /** What the function does, by invocation; the last reply stays. Without any it succeeds. */
  readonly replies?: readonly Reply[];
  /** Time stands still until the case moves it. Otherwise nothing is waited for. */
  readonly frozen?: boolean;
  readonly groupId?: string;
  /** A cluster of Amazon MSK. Otherwise a self-managed one. */
  readonly msk?: boolean;
  /** Of `custom.serverless-offline-kafka`. */
  readonly settings?: Properties;
  readonly schemaRegistry?: Properties;
}

/** What a serverless.yml may say of the function `agent`. */
export interface ServiceParts {
  readonly events?: readonly unknown[];
  readonly resources?: Properties;
  readonly settings?: Properties;
  readonly timeoutSeconds?: number;
}

/** One case: makes topics, mappings and destinations of its own, and ends them. */
export class Case {
  readonly stage: Stage;
  readonly #opened: OpenMapping[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((opened) => opened.stop()));
  }

  async topic(partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = uniqueName("orders");
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.stage.admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
    return topic;
  }

  /** In the order given; one after the other is acknowledged with the last one. */
  async produce(topic: string, byPartition: Readonly<Record<number, readonly Message[]>>): Promise<void> {
    const messages = Object.entries(byPartition).flatMap(([partition, list]) =>
      list.map((message) => {
        const plain = message === null || typeof message === "string" || Buffer.isBuffer(message);
        const { value, key = null, headers, timestampMs } = plain ? { value: message } : message;
        return {
          partition: Number(partition),
          value,
          key,
          ...(headers !== undefined && { headers }),
          ...(timestampMs !== undefined && { timestamp: String(timestampMs) }),
        };
      }),
    );
    await this.stage.producer.send({ topic, messages });
  }

  /** Runs a mapping with the properties of an AWS::Lambda::EventSourceMapping. It begins at TRIM_HORIZON, with no window. */
  map(topic: string, properties: Properties = {}, options: MapOptions = {}): OpenMapping {
    const { groupId = uniqueName("agent"), msk = false, schemaRegistry, settings } = options;
    const config = {
      ConsumerGroupId: groupId,
      ...(schemaRegistry !== undefined && { SchemaRegistryConfig: schemaRegistry }),
    };
    const source = msk
      ? { EventSourceArn: CLUSTER_ARN, AmazonManagedKafkaEventSourceConfig: config }
      : {
          SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: [this.stage.broker.bootstrapServers] } },
          SelfManagedKafkaEventSourceConfig: config,
        };
    const mapping = {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        FunctionName: { Ref: "AgentLambdaFunction" },
        Topics: [topic],
        StartingPosition: "TRIM_HORIZON",
        MaximumBatchingWindowInSeconds: 0,
        ...source,
        ...properties,
      },
    };
    const { mappings } = this.read({
      resources: { Resources: { Orders: mapping } },
      settings: { bootstrapServers: this.stage.broker.bootstrapServers, ...settings },
    });
    return this.open(mappings[0] as MappingConfig, options);
  }

  /** Reads a serverless.yml. */
  read({ events = [], resources = {}, settings = {}, timeoutSeconds = 6 }: ServiceParts): ServiceMappings {
    return readMappings({
      functions: [{ key: "agent", name: "shop-dev-agent", events, timeoutSeconds }],
      region: REGION,
      custom: { "serverless-offline-kafka": settings },
      resources,
      stackName: () => "shop-dev",
      lambdaLogicalId: () => "AgentLambdaFunction",
      mskLogicalId: () => "AgentMapping",
      kafkaLogicalId: () => "AgentMapping",
      newGroupId: () => uniqueName("generated"),
      nowMs: () => Date.now(),
    });
  }

  open(config: MappingConfig, options: Pick<MapOptions, "replies" | "frozen"> = {}): OpenMapping {
    const opened = new OpenMapping(this.stage, config, options);
    this.#opened.push(opened);
    return opened;
  }

  /** A queue of Amazon SQS. */
  async queue(): Promise<TestQueue> {
    const name = uniqueName("failed");
    const { QueueUrl } = await this.stage.sqs.send(new CreateQueueCommand({ QueueName: name }));
    return new TestQueue(this.stage.sqs, `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`, QueueUrl ?? "");
  }

  /** A topic of Amazon SNS, and a queue that has subscribed to it. */
  async notificationTopic(): Promise<{ readonly arn: string; readonly subscriber: TestQueue }> {
    const subscriber = await this.queue();
    const { TopicArn: arn = "" } = await this.stage.sns.send(new CreateTopicCommand({ Name: uniqueName("failed") }));
    await this.stage.sns.send(new SubscribeCommand({ TopicArn: arn, Protocol: "sqs", Endpoint: subscriber.arn }));
    return { arn, subscriber };
  }

  async bucket(): Promise<{
    readonly arn: string;
    object(): Promise<{ readonly key: string; readonly body: unknown }>;
  }> {
    const { s3 } = this.stage;
    const Bucket = uniqueName("failed");
    await s3.send(new CreateBucketCommand({ Bucket }));
    return {
      arn: `arn:aws:s3:::${Bucket}`,
      object: async () => {
        const Key = await until("the bucket has an object", async () => {
          const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
          return Contents[0]?.Key;
        });
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        return { key: Key, body: JSON.parse((await Body?.transformToString()) ?? "null") };
      },
    };
  }

  /** A secret of Secrets Manager. Results in its ARN. */
  async secret(content: unknown): Promise<string> {
    const command = new CreateSecretCommand({ Name: uniqueName("login"), SecretString: JSON.stringify(content) });
    return (await this.stage.secrets.send(command)).ARN ?? "";
  }

  /** Reads so many messages of a topic from its beginning, by another client. */
  async consume(
    topic: string,
    count: number,
  ): Promise<ReadonlyArray<{ readonly key: string | undefined; readonly value: unknown }>> {
    const consumer = connectKafka(this.stage.broker).consumer({ groupId: uniqueName("reader"), maxWaitTimeInMs: 100 });
    const messages: { key: string | undefined; value: unknown }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message: { key, value } }) => {
        messages.push({ key: key?.toString(), value: JSON.parse(String(value)) });
      },
    });
    await untilTrue(`${topic} has ${count} messages`, () => messages.length >= count);
    await consumer.disconnect();
    return messages;
  }
}

/** A mapping at work, its function and what its group has committed. */
export class OpenMapping {
  readonly config: MappingConfig;
  readonly fn: TestFunction;
  readonly clock: TestClock;
  readonly lines: string[] = [];
  readonly mapping: Mapping;
  readonly #stage: Stage;
  #stopped: Promise<void> | undefined;

  constructor(stage: Stage, config: MappingConfig, { frozen = false, replies = [] }: MapOptions) {
    this.#stage = stage;
    this.config = config;
    this.fn = new TestFunction(replies);
    this.clock = new TestClock(!frozen);
    const write = (line: string) => this.lines.push(line);
    const log = { debug: () => {}, notice: write, warning: write, error: write };
    this.mapping = openMapping(config, { invoker: this.fn, log, region: REGION, clock: this.clock });
    this.mapping.start();
  }

  /** Leaves the group. What runs is left. */
  stop(): Promise<void> {
    this.#stopped ??= this.mapping.stop(Promise.resolve());
    return this.#stopped;
  }

  /** Resolves when so many records were read. */
  async polled(count: number): Promise<void> {
    await untilTrue(
      `${count} records were polled`,
      () => this.mapping.metrics.get("PolledEventCount") >= count,
      () => this.lines,
    );
  }

  /** Resolves when these partitions, and no others, are read by this mapping. */
  async reads(...partitions: readonly number[]): Promise<void> {
    await untilTrue(
      `the mapping reads partitions ${partitions}`,
      () =>
        this.mapping
          .status()
          .partitions.map(({ partition }) => partition)
          .join() === partitions.join(),
      () => this.lines,
    );
  }

  /** What the broker has stored for the group, by partition. */
  async offsets(): Promise<Readonly<Record<number, number>>> {
    const { groupId, topic } = this.config;
    const [found] = await until("the group's coordinator answers", () =>
      // A broker that has just started does not know its groups yet.
      this.#stage.admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => undefined),
    );
    const stored = (found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const);
    return Object.fromEntries(stored.filter(([, offset]) => offset >= 0));
  }

  /** Resolves when the broker has stored these offsets for the group, and no others. */
  async committed(expected: Readonly<Record<number, number>>): Promise<void> {
    let found: Readonly<Record<number, number>> = {};
    await until(
      `${JSON.stringify(expected)} is committed`,
      async () => {
        found = await this.offsets();
        return JSON.stringify(found) === JSON.stringify(expected) || undefined;
      },
      () => [found, this.lines],
    );
  }

  async line(pattern: RegExp): Promise<string> {
    return until(
      `the log says ${pattern}`,
      () => this.lines.find((line) => pattern.test(line)),
      () => this.lines,
    );
  }

  /** Lets time pass until the next look at the lag, and waits for its end. */
  async look(everyMs: number): Promise<void> {
    await this.clock.advance(everyMs);
    await untilTrue("the lag was looked at", () => this.clock.isAwaited(everyMs));
  }
}

/** What a queue receives. */
export class TestQueue {
  readonly arn: string;
  readonly #sqs: SQSClient;
  readonly #url: string;

  constructor(sqs: SQSClient, arn: string, url: string) {
    this.#sqs = sqs;
    this.arn = arn;
    this.#url = url;
  }

  /** The next message, parsed. */
  async receive(): Promise<unknown> {
    return until(`${this.arn} has a message`, async () => {
      const command = new ReceiveMessageCommand({ QueueUrl: this.#url, WaitTimeSeconds: 1, VisibilityTimeout: 600 });
      const { Messages: [message] = [] } = await this.#sqs.send(command);
      return message && (JSON.parse(message.Body ?? "null") as unknown);
    });
  }
}
