import { expect } from "@jest/globals";
import { MappingError } from "../errors.ts";
import type { Properties } from "./json.ts";
import type { MappingConfig, ServiceDescription } from "./mappings.ts";
import { readMappings } from "./mappings.ts";

// A small service, and parts to build others from, for the tests of this folder.

export const ARN = "arn:aws:kafka:eu-west-1:111111111111:cluster/main/1234-5678";
export const QUEUE_ARN = "arn:aws:sqs:eu-west-1:111111111111:dead";
export const SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:login-AbCdEf";
export const GLUE_ARN = "arn:aws:glue:eu-west-1:111111111111:registry/orders";
export const NOW_MS = 1_800_000_000_000;
export const FOR_EVER = Number.POSITIVE_INFINITY;

export interface Parts {
  readonly events?: readonly unknown[];
  readonly extension?: unknown;
  readonly resources?: Properties;
  readonly parameters?: Properties;
  readonly settings?: unknown;
  readonly timeoutSeconds?: number;
}

/** A service with the functions `agent` and `other`; every mapping that the framework makes is called AgentMapping. */
export function service(parts: Parts): ServiceDescription {
  return {
    functions: [
      { key: "agent", name: "shop-dev-agent", events: parts.events ?? [], timeoutSeconds: parts.timeoutSeconds ?? 6 },
      { key: "other", name: "shop-dev-other", events: [{ http: "GET /" }], timeoutSeconds: 900 },
    ],
    region: "eu-west-1",
    custom: { "serverless-offline-kafka": parts.settings ?? { bootstrapServers: "localhost:9092" } },
    resources: {
      Parameters: parts.parameters ?? {},
      Resources: parts.resources ?? {},
      ...(parts.extension === undefined ? {} : { extensions: { AgentMapping: { Properties: parts.extension } } }),
    },
    stackName: () => "shop-dev",
    lambdaLogicalId: (key) => `${key[0]?.toUpperCase()}${key.slice(1)}LambdaFunction`,
    mskLogicalId: () => "AgentMapping",
    kafkaLogicalId: () => "AgentMapping",
    newGroupId: () => "generated",
    nowMs: () => NOW_MS,
  };
}

export const mskEvent = (more: Properties = {}) => ({ msk: { arn: ARN, topic: "orders", ...more } });
export const kafkaEvent = (more: Properties = {}) => ({
  kafka: { bootstrapServers: ["own:1"], accessConfigurations: {}, topic: "orders", ...more },
});
export const resource = (properties: Properties) => ({
  Type: "AWS::Lambda::EventSourceMapping",
  Properties: properties,
});
export const mskResource = (more: Properties = {}) =>
  resource({
    FunctionName: { Ref: "AgentLambdaFunction" },
    EventSourceArn: ARN,
    Topics: ["orders"],
    StartingPosition: "LATEST",
    ...more,
  });
export const kafkaResource = (more: Properties = {}) =>
  resource({
    FunctionName: { "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] },
    SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ["own:1"] } },
    Topics: ["orders"],
    StartingPosition: "LATEST",
    ...more,
  });

export function only(parts: Parts): { mapping: MappingConfig; warnings: readonly string[] } {
  const { mappings, warnings } = readMappings(service(parts));
  const [mapping] = mappings;
  expect(mappings).toHaveLength(1);
  if (mapping === undefined) throw new Error("unreachable");
  return { mapping, warnings };
}

export function refusal(parts: Parts): MappingError {
  try {
    readMappings(service(parts));
  } catch (error) {
    if (error instanceof MappingError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export const DEFAULTS: MappingConfig = {
  logicalId: "AgentMapping",
  functionKey: "agent",
  functionArn: "arn:aws:lambda:eu-west-1:000000000000:function:shop-dev-agent",
  topic: "orders",
  groupId: "generated",
  enabled: true,
  batchSize: 100,
  windowMs: 500,
  startingPosition: { kind: "TRIM_HORIZON" },
  reportBatchItemFailures: false,
  filterPatterns: [],
  scaling: { kind: "onDemand" },
  retryAttemptsMax: FOR_EVER,
  recordAgeMsMax: FOR_EVER,
  bisectBatchOnFunctionError: false,
  onFailure: undefined,
  schemaRegistry: undefined,
  access: [],
  tls: undefined,
  bootstrapServers: ["localhost:9092"],
  envelope: { eventSource: "aws:kafka", eventSourceArn: ARN, bootstrapServers: "localhost:9092" },
};

export const provisioned = { ProvisionedPollerConfig: {} };
export const registry = {
  SchemaRegistryURI: GLUE_ARN,
  EventRecordFormat: "JSON",
  SchemaValidationConfigs: [{ Attribute: "KEY" }, { Attribute: "VALUE" }],
};
