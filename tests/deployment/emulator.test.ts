import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from "@aws-sdk/client-cloudformation";
import { GetTopicAttributesCommand, ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { GetQueueUrlCommand, ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { TestStack } from "../integration/stack.ts";
import { sls } from "./packaged.ts";

const minute = 60_000;
jest.setTimeout(5 * minute);

const stack = new TestStack(14_000);
const aws = {
  endpoint: stack.settings.awsUrl,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};
const environment = {
  ...process.env,
  AWS_ENDPOINT_URL: stack.settings.awsUrl,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "us-east-1",
};
const StackName = "tripline-local";
const cloudFormation = new CloudFormationClient(aws);
const sns = new SNSClient(aws);
const sqs = new SQSClient(aws);

async function resources(): Promise<StackResourceSummary[]> {
  const { StackResourceSummaries = [] } = await cloudFormation.send(new ListStackResourcesCommand({ StackName }));
  return StackResourceSummaries;
}

beforeAll(async () => {
  const up = await stack.run("up", "--json");
  if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
}, 10 * minute);

afterAll(async () => {
  cloudFormation.destroy();
  sns.destroy();
  sqs.destroy();
  await stack.remove();
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
    for (const { PhysicalResourceId, ResourceType } of await resources()) {
      if (ResourceType !== "AWS::SQS::Queue") continue;
      const QueueName = PhysicalResourceId?.split("/").at(-1);
      expect((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toContain(QueueName);
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
