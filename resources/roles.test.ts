import { expect, test } from "@jest/globals";
import { deployedConnectors } from "./deployed-connectors.ts";
import { roles } from "./roles.ts";

const mapped = (topic: string, consumerGroupId: string) => ({ events: [{ msk: { topic, consumerGroupId } }] });
const service = {
  functions: {
    console: { events: [{ httpApi: {} }] },
    profileAgent: mapped("dbserver1.public.transactions", "agents"),
  },
  extensions: {
    ProfileAgentEventSourceMappingMSKKafkaClusterDbserver1publictransactions: {
      Properties: { DestinationConfig: { OnFailure: { Destination: "kafka://fraud.failed-records" } } },
    },
  },
};

function consoleActions(consoleReadOnly: boolean): string[] {
  const name = "tripline-prod";
  const connectors = deployedConnectors(name, { generations: "", leftOut: "" });
  const deployment = {
    name,
    stage: "prod",
    databaseResourceId: "db",
    databaseSecretArn: "arn",
    connectors,
    consoleReadOnly,
  };
  const text = JSON.stringify(roles(deployment, service)["ConsoleRole"]);
  return [...new Set(text.match(/"(kafka-cluster|kafkaconnect|lambda):[A-Za-z]+"/g) ?? [])].sort();
}

const shows = [
  "kafka-cluster:Connect",
  "kafka-cluster:DescribeCluster",
  "kafka-cluster:DescribeGroup",
  "kafka-cluster:DescribeTopic",
  "kafka-cluster:DescribeTopicDynamicConfiguration",
  "kafka-cluster:ReadData",
  "kafkaconnect:DescribeConnector",
  "kafkaconnect:ListConnectors",
  "lambda:ListEventSourceMappings",
];

test("a console that only shows is allowed to do nothing else by IAM", () => {
  const only = consoleActions(true).map((action) => JSON.parse(action));
  expect(only.filter((action) => action !== "lambda:SourceFunctionArn")).toEqual(shows);
  const acts = consoleActions(false).map((action) => JSON.parse(action));
  expect(acts.filter((action) => !only.includes(action))).toEqual([
    "kafka-cluster:AlterGroup",
    "kafka-cluster:WriteData",
    "kafkaconnect:PauseConnector",
    "kafkaconnect:RestartConnector",
    "kafkaconnect:ResumeConnector",
    "lambda:FunctionArn",
    "lambda:UpdateEventSourceMapping",
  ]);
});
