// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub is written.
import { describe, expect, test } from "@jest/globals";
import { resolveIfKnown, resolveIntrinsics, Unresolvable } from "./intrinsics.ts";
import { LocalResources } from "./resources.ts";

const TEMPLATE = {
  parameters: {
    Named: { Type: "String", Default: "invoices" },
    Size: { Type: "Number", Default: 3 },
    Hosts: { Type: "CommaDelimitedList", Default: "a:1, b:2" },
    Stored: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/path" },
    Unset: { Type: "String" },
    Renamed: { Type: "String" },
  },
  resources: {
    Queue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "dead" } },
    Plain: { Type: "AWS::SQS::Queue" },
    Fifo: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
    ByParameter: { Type: "AWS::SQS::Queue", Properties: { QueueName: { "Fn::Sub": "${Named}-${AWS::StackName}" } } },
    Topic: { Type: "AWS::SNS::Topic", Properties: { TopicName: "alerts" } },
    MyBucket: { Type: "AWS::S3::Bucket" },
    NamedBucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "letters" } },
    Login: { Type: "AWS::SecretsManager::Secret", Properties: { Name: "kafka/login" } },
    Registry: { Type: "AWS::Glue::Registry", Properties: { Name: "schemas" } },
    Cluster: { Type: "AWS::MSK::ServerlessCluster" },
    Theirs: { Type: "AWS::Lambda::Function", Properties: { FunctionName: "theirs" } },
    Live: { Type: "AWS::Lambda::Alias", Properties: { FunctionName: { Ref: "AgentLambdaFunction" }, Name: "live" } },
    Loop: { Type: "AWS::SQS::Queue", Properties: { QueueName: { "Fn::GetAtt": ["Loop", "QueueName"] } } },
    Exotic: { Type: "AWS::Elsewhere::Thing" },
    RenamedQueue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "dead" } },
    Moved: { Type: "AWS::SQS::Queue" },
  },
  extensions: {},
};

const resources = new LocalResources(
  {
    functions: [{ key: "agent", name: "shop-dev-agent", events: [], timeoutSeconds: 6 }],
    region: "eu-west-1",
    custom: {},
    resources: {},
    stackName: () => "shop-dev",
    lambdaLogicalId: () => "AgentLambdaFunction",
    mskLogicalId: () => "",
    kafkaLogicalId: () => "",
    newGroupId: () => "",
    nowMs: () => 0,
  },
  TEMPLATE,
  new Map([
    ["Renamed", "by-settings"],
    ["RenamedQueue", "local"],
    ["Moved", "arn:aws:sqs:us-east-1:000000000000:moved"],
    ["Exotic", "a name"],
    ["shared-queue", "arn:aws:sqs:us-east-1:000000000000:shared"],
  ]),
);

const ref = (Ref: string) => ({ Ref });
const att = (name: string, attribute = "Arn") => ({ "Fn::GetAtt": [name, attribute] });

describe("LocalResources", () => {
  test.each<[unknown, unknown]>([
    [ref("AWS::Region"), "eu-west-1"],
    [ref("AWS::AccountId"), "000000000000"],
    [ref("AWS::Partition"), "aws"],
    [ref("AWS::StackName"), "shop-dev"],
    [ref("AWS::URLSuffix"), "amazonaws.com"],
    [ref("AWS::NoValue"), undefined],
    [ref("Named"), "invoices"],
    [ref("Size"), 3],
    [ref("Hosts"), ["a:1", "b:2"]],
    [ref("Renamed"), "by-settings"],
    [ref("Queue"), "https://sqs.eu-west-1.amazonaws.com/000000000000/dead"],
    [att("Queue"), "arn:aws:sqs:eu-west-1:000000000000:dead"],
    [att("Queue", "QueueName"), "dead"],
    [att("Plain"), "arn:aws:sqs:eu-west-1:000000000000:Plain"],
    [att("Fifo"), "arn:aws:sqs:eu-west-1:000000000000:Fifo.fifo"],
    [att("ByParameter"), "arn:aws:sqs:eu-west-1:000000000000:invoices-shop-dev"],
    [att("RenamedQueue"), "arn:aws:sqs:eu-west-1:000000000000:local"],
    [att("Moved"), "arn:aws:sqs:us-east-1:000000000000:moved"],
    [ref("Topic"), "arn:aws:sns:eu-west-1:000000000000:alerts"],
    [att("Topic", "TopicArn"), "arn:aws:sns:eu-west-1:000000000000:alerts"],
    [att("Topic", "TopicName"), "alerts"],
    [ref("MyBucket"), "mybucket"],
    [att("MyBucket"), "arn:aws:s3:::mybucket"],
    [att("NamedBucket"), "arn:aws:s3:::letters"],
    [ref("Login"), "arn:aws:secretsmanager:eu-west-1:000000000000:secret:kafka/login"],
    [att("Login", "Id"), "arn:aws:secretsmanager:eu-west-1:000000000000:secret:kafka/login"],
    [att("Registry"), "arn:aws:glue:eu-west-1:000000000000:registry/schemas"],
    [att("Cluster"), "arn:aws:kafka:eu-west-1:000000000000:cluster/local/Cluster"],
    [ref("Cluster"), "arn:aws:kafka:eu-west-1:000000000000:cluster/local/Cluster"],
    [ref("AgentLambdaFunction"), "shop-dev-agent"],
    [att("AgentLambdaFunction"), "arn:aws:lambda:eu-west-1:000000000000:function:shop-dev-agent"],
    [ref("Theirs"), "theirs"],
    [ref("Live"), "arn:aws:lambda:eu-west-1:000000000000:function:shop-dev-agent:live"],
    [ref("Exotic"), "a name"],
    [{ "Fn::ImportValue": "shared-queue" }, "arn:aws:sqs:us-east-1:000000000000:shared"],
  ])("%j is %j", (value, expected) => {
    expect(resolveIntrinsics(value, resources)).toEqual(expected);
  });

  test.each<[unknown, string]>([
    [ref("AWS::StackId"), "AWS::StackId has no local value"],
    [ref("Unset"), "the parameter Unset has no value locally"],
    [ref("Stored"), "the parameter Stored has no value locally"],
    [ref("Stranger"), "Stranger is neither a resource nor a parameter of this service"],
    [ref("constructor"), "constructor is neither a resource nor a parameter of this service"],
    [att("Queue", "Colour"), "Colour of Queue has no local value"],
    [att("Loop"), "the name of Loop depends on itself"],
    [{ "Fn::ImportValue": "theirs" }, "theirs is an export of another stack"],
  ])("%j is not known, and why", (value, reason) => {
    const resolved = resolveIfKnown(value, resources);
    expect(resolved).toBeInstanceOf(Unresolvable);
    expect(resolved).toMatchObject({ message: reason });
  });
});
