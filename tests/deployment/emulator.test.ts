import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from "@aws-sdk/client-cloudformation";
import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
  PublishCommand,
  SNSClient,
} from "@aws-sdk/client-sns";
import { GetQueueUrlCommand, ListQueuesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type LocalAws, startAws } from "../../packages/serverless-offline-kafka/tests/support/aws.ts";
import { sls } from "./packaged.ts";

const minute = 60_000;
jest.setTimeout(5 * minute);

const StackName = "tripline-local";
let local: LocalAws;
let environment: NodeJS.ProcessEnv;
let cloudFormation: CloudFormationClient;
let sns: SNSClient;
let sqs: SQSClient;

async function resources(): Promise<StackResourceSummary[]> {
  const { StackResourceSummaries = [] } = await cloudFormation.send(new ListStackResourcesCommand({ StackName }));
  return StackResourceSummaries;
}

beforeAll(async () => {
  local = await startAws();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const aws = { endpoint: local.endpoint, region: "us-east-1", credentials };
  environment = {
    ...process.env,
    AWS_ENDPOINT_URL: local.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: aws.region,
  };
  cloudFormation = new CloudFormationClient(aws);
  sns = new SNSClient(aws);
  sqs = new SQSClient(aws);
}, 10 * minute);

afterAll(async () => {
  for (const client of [cloudFormation, sns, sqs]) client.destroy();
  await local.stop();
}, 2 * minute);

describe("sls deploy, on an AWS that is emulated", () => {
  test("makes everything that an emulator knows", async () => {
    await sls(["deploy", "--stage", "local"], environment);
    const { Stacks: [deployed] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    expect(deployed?.StackStatus).toMatch(/^(CREATE|UPDATE)_COMPLETE$/);
    const types = new Set((await resources()).map(({ ResourceType }) => ResourceType));
    expect([...types]).toEqual(
      expect.arrayContaining([
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
        "AWS::EC2::VPC",
        "AWS::RDS::DBInstance",
        "AWS::SecretsManager::Secret",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::CloudWatch::Alarm",
        "AWS::KMS::Key",
      ]),
    );
    // Behind the condition.
    expect([...types].filter((type) => /MSK|KafkaConnect|Custom::/.test(String(type)))).toEqual([]);
  });

  test("connects the topic of alerts with its queues", async () => {
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    const TopicArn = Topics.map((topic) => topic.TopicArn).find((arn) => arn?.endsWith(":tripline-local-alerts"));
    const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
    expect(Attributes?.["SubscriptionsConfirmed"]).toBe("2");
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    const endpoints = Subscriptions.map(({ Endpoint }) => Endpoint?.split(":").at(-1));
    expect(endpoints.sort()).toEqual(["tripline-local-case-management", "tripline-local-dashboard"]);
    for (const QueueName of [...endpoints, "tripline-local-undelivered-alerts"]) {
      expect((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toContain(QueueName);
    }
  });

  test("carries what is published to the queue of each downstream system", async () => {
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    const TopicArn = Topics.map((topic) => topic.TopicArn).find((arn) => arn?.endsWith(":tripline-local-alerts"));
    await sns.send(new PublishCommand({ TopicArn, Message: "an alert" }));
    for (const QueueName of ["tripline-local-dashboard", "tripline-local-case-management"]) {
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      // Raw: the alert, and no envelope of SNS around it.
      expect(Messages.map(({ Body }) => Body)).toEqual(["an alert"]);
    }
  });

  test("is undone by sls remove, and nothing is left", async () => {
    const before = await resources();
    await sls(["remove", "--stage", "local"], environment);
    const stacks = await cloudFormation.send(new DescribeStacksCommand({})).catch(() => ({ Stacks: [] }));
    expect(
      (stacks.Stacks ?? []).filter((one) => one.StackName === StackName && one.StackStatus !== "DELETE_COMPLETE"),
    ).toEqual([]);
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    expect(Topics.filter(({ TopicArn }) => TopicArn?.includes("tripline-local"))).toEqual([]);
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
    const queues = before.filter(({ ResourceType }) => ResourceType === "AWS::SQS::Queue");
    expect(queues.length).toBe(3);
    for (const { PhysicalResourceId } of queues) expect(QueueUrls).not.toContain(PhysicalResourceId);
  });
});
