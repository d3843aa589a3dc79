import { describe, expect, test } from "@jest/globals";
import type { Properties } from "./json.ts";
import type { Parts } from "./sample-service.ts";
import {
  ARN,
  kafkaEvent,
  kafkaResource,
  mskEvent,
  mskResource,
  NOW_MS,
  QUEUE_ARN,
  refusal,
  registry,
  SECRET_ARN,
} from "./sample-service.ts";

describe("refusals", () => {
  const raw = (properties: Properties): Parts => ({ resources: { Raw: mskResource(properties) } });
  const selfManaged = (properties: Properties): Parts => ({ resources: { Raw: kafkaResource(properties) } });
  const destination = (Destination: unknown) => raw({ DestinationConfig: { OnFailure: { Destination } } });
  const filters = (Filters: unknown) => raw({ FilterCriteria: { Filters } });
  const access = (...SourceAccessConfigurations: readonly unknown[]) => ({ SourceAccessConfigurations });
  const login = (Type: string) => ({ Type, URI: SECRET_ARN });
  const registryOf = (more: Properties) =>
    raw({ AmazonManagedKafkaEventSourceConfig: { SchemaRegistryConfig: { ...registry, ...more } } });
  const settings = (more: Properties): Parts => ({
    events: [mskEvent()],
    settings: { bootstrapServers: "a:1", ...more },
  });

  test.each<[code: string, says: string, parts: Parts]>([
    [
      "SOK_BATCH_SIZE_INVALID",
      "batchSize is 0; write a whole number from 1 to 10000",
      { events: [mskEvent({ batchSize: 0 })] },
    ],
    [
      "SOK_BATCH_SIZE_INVALID",
      "resources.extensions.AgentMapping.Properties.BatchSize is 10001",
      { events: [mskEvent()], extension: { BatchSize: 10_001 } },
    ],
    ["SOK_BATCH_SIZE_INVALID", "BatchSize is 1.5", raw({ BatchSize: 1.5 })],
    ["SOK_BATCH_SIZE_INVALID", 'BatchSize is "many"', raw({ BatchSize: "many" })],
    [
      "SOK_BATCHING_WINDOW_INVALID",
      "maximumBatchingWindow is 301; write a whole number from 0 to 300",
      { events: [kafkaEvent({ maximumBatchingWindow: 301 })] },
    ],
    ["SOK_STARTING_POSITION_INVALID", 'startingPosition is "NOW"', { events: [mskEvent({ startingPosition: "NOW" })] }],
    ["SOK_STARTING_POSITION_INVALID", "StartingPosition is undefined", raw({ StartingPosition: null })],
    [
      "SOK_STARTING_POSITION_INVALID",
      "startingPositionTimestamp is undefined",
      { events: [mskEvent({ startingPosition: "AT_TIMESTAMP" })] },
    ],
    [
      "SOK_STARTING_POSITION_INVALID",
      "startingPositionTimestamp needs AT_TIMESTAMP",
      { events: [mskEvent({ startingPositionTimestamp: 1 })] },
    ],
    [
      "SOK_STARTING_POSITION_INVALID",
      "not in the future",
      raw({ StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: NOW_MS / 1_000 + 1 }),
    ],
    ["SOK_CONSUMER_GROUP_INVALID", 'consumerGroupId is "a b"', { events: [mskEvent({ consumerGroupId: "a b" })] }],
    [
      "SOK_CONSUMER_GROUP_INVALID",
      "1 to 200",
      raw({ AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: "x".repeat(201) } }),
    ],
    [
      "SOK_CONSUMER_GROUP_INVALID",
      "1 to 200",
      selfManaged({ SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: "" } }),
    ],
    [
      "SOK_PROPERTY_INVALID",
      'ConsumptionMode is "Queue"',
      raw({ AmazonManagedKafkaEventSourceConfig: { ConsumptionMode: "Queue" } }),
    ],
    [
      "SOK_FUNCTION_RESPONSE_TYPES_INVALID",
      'FunctionResponseTypes is ["All"]',
      raw({ FunctionResponseTypes: ["All"] }),
    ],
    [
      "SOK_FUNCTION_RESPONSE_TYPES_INVALID",
      "FunctionResponseTypes",
      raw({ FunctionResponseTypes: ["ReportBatchItemFailures", "ReportBatchItemFailures"] }),
    ],
    ["SOK_TOPIC_INVALID", "topic", { events: [mskEvent({ topic: "a/b" })] }],
    ["SOK_TOPIC_INVALID", "set topic", { events: [mskEvent({ topic: { toString: 1 } })] }],
    ["SOK_TOPIC_INVALID", 'Topics is ["a","b"]; write the name of one', raw({ Topics: ["a", "b"] })],
    ["SOK_TOPIC_INVALID", "Topics is []", raw({ Topics: [] })],
    ["SOK_TOPIC_INVALID", "Topics", raw({ Topics: [".hidden"] })],
    ["SOK_EVENT_INVALID", "set arn", { events: [{ msk: { topic: "orders" } }] }],
    ["SOK_EVENT_INVALID", 'arn is "arn:aws:sqs', { events: [mskEvent({ arn: QUEUE_ARN })] }],
    ["SOK_EVENT_INVALID", "set bootstrapServers", { events: [{ kafka: { topic: "orders" } }] }],
    ["SOK_EVENT_INVALID", "set one of EventSourceArn", selfManaged({ EventSourceArn: ARN })],
    ["SOK_EVENT_INVALID", "set one of EventSourceArn", raw({ EventSourceArn: null })],
    ["SOK_EVENT_INVALID", "write AmazonManagedKafkaEventSourceConfig", raw({ SelfManagedKafkaEventSourceConfig: {} })],
    [
      "SOK_EVENT_INVALID",
      "write SelfManagedKafkaEventSourceConfig",
      selfManaged({ AmazonManagedKafkaEventSourceConfig: {} }),
    ],
    ["SOK_BOOTSTRAP_SERVERS_MISSING", "say where Kafka listens locally", { events: [mskEvent()], settings: {} }],
    [
      "SOK_BOOTSTRAP_SERVERS_INVALID",
      "host:port",
      { events: [mskEvent()], settings: { bootstrapServers: "localhost" } },
    ],
    ["SOK_BOOTSTRAP_SERVERS_INVALID", "host:port", { events: [kafkaEvent({ bootstrapServers: [42] })], settings: {} }],
    [
      "SOK_POLLERS_INVALID",
      "minimumPollers is 201; write a whole number from 1 to 200",
      { events: [mskEvent({ provisionedPollerConfig: { minimumPollers: 201 } })] },
    ],
    ["SOK_POLLERS_INVALID", "MaximumPollers is 2001", raw({ ProvisionedPollerConfig: { MaximumPollers: 2_001 } })],
    [
      "SOK_POLLERS_INVALID",
      "MaximumPollers is 2, less than the minimum 3",
      raw({ ProvisionedPollerConfig: { MinimumPollers: 3, MaximumPollers: 2 } }),
    ],
    ["SOK_RETRY_ATTEMPTS_INVALID", "from 0 to 10000, or -1", raw({ MaximumRetryAttempts: -2 })],
    ["SOK_RETRY_ATTEMPTS_INVALID", "from 0 to 10000, or -1", raw({ MaximumRetryAttempts: 10_001 })],
    ["SOK_RECORD_AGE_INVALID", "from 60 to 604800, or -1", raw({ MaximumRecordAgeInSeconds: 59 })],
    ["SOK_RECORD_AGE_INVALID", "from 60 to 604800, or -1", raw({ MaximumRecordAgeInSeconds: 604_801 })],
    [
      "SOK_PROPERTY_INVALID",
      "BisectBatchOnFunctionError is 1; write true or false",
      raw({ BisectBatchOnFunctionError: 1 }),
    ],
    ["SOK_PROPERTY_INVALID", 'enabled is "yes"', { events: [mskEvent({ enabled: "yes" })] }],
    ["SOK_PROPERTY_INVALID", "ProvisionedPollerConfig is 3; write an object", raw({ ProvisionedPollerConfig: 3 })],
    ["SOK_PROPERTY_INVALID", "Properties is []", { events: [mskEvent()], extension: [] }],
    ["SOK_DESTINATION_INVALID", "name another topic", destination("kafka://orders")],
    [
      "SOK_DESTINATION_INVALID",
      'onFailureDestination is "kafka://orders"',
      { events: [kafkaEvent({ onFailureDestination: "kafka://orders" })] },
    ],
    ["SOK_DESTINATION_INVALID", "one topic", destination("kafka://a/b")],
    ["SOK_DESTINATION_INVALID", "write the ARN", destination("arn:aws:lambda:eu-west-1:111111111111:function:f")],
    ["SOK_DESTINATION_INVALID", "write the ARN", destination("https://sqs.eu-west-1.amazonaws.com/1/q")],
    ["SOK_DESTINATION_INVALID", "write an ARN", destination(42)],
    ["SOK_DESTINATION_INVALID", "OnSuccess", raw({ DestinationConfig: { OnSuccess: { Destination: QUEUE_ARN } } })],
    ["SOK_FILTER_INVALID", "Filters[0].Pattern", filters([{ Pattern: "{" }])],
    ["SOK_FILTER_INVALID", "is no text", filters([{ Pattern: { value: {} } }])],
    [
      "SOK_FILTER_INVALID",
      "has 11 filters",
      filters(Array.from({ length: 11 }, () => ({ Pattern: '{"value":["a"]}' }))),
    ],
    [
      "SOK_FILTER_INVALID",
      "filterPatterns[1].Pattern",
      { events: [mskEvent({ filterPatterns: [{ value: ["a"] }, { value: [{ nosuch: 1 }] }] })] },
    ],
    ["SOK_PROPERTY_INVALID", "filterPatterns is 42; write a list", { events: [mskEvent({ filterPatterns: 42 })] }],
    ["SOK_SCHEMA_REGISTRY_INVALID", 'SchemaRegistryURI is "ftp://x"', registryOf({ SchemaRegistryURI: "ftp://x" })],
    [
      "SOK_SCHEMA_REGISTRY_INVALID",
      "EventRecordFormat is undefined; write one of JSON, SOURCE",
      registryOf({ EventRecordFormat: null }),
    ],
    ["SOK_SCHEMA_REGISTRY_INVALID", "SchemaValidationConfigs", registryOf({ SchemaValidationConfigs: [] })],
    [
      "SOK_SCHEMA_REGISTRY_INVALID",
      'Attribute is "HEADER"',
      registryOf({ SchemaValidationConfigs: [{ Attribute: "HEADER" }] }),
    ],
    [
      "SOK_SCHEMA_REGISTRY_INVALID",
      'Type is "OAUTHBEARER_AUTH"',
      registryOf({ AccessConfigs: [login("OAUTHBEARER_AUTH")] }),
    ],
    [
      "SOK_SCHEMA_REGISTRY_INVALID",
      "2 is the most",
      registryOf({ AccessConfigs: [login("BASIC_AUTH"), login("BASIC_AUTH"), login("BASIC_AUTH")] }),
    ],
    [
      "SOK_AUTHENTICATION_INVALID",
      'URI is "s"; write the ARN of a secret',
      registryOf({ AccessConfigs: [{ Type: "BASIC_AUTH", URI: "s" }] }),
    ],
    [
      "SOK_AUTHENTICATION_INVALID",
      'saslScram512[0].URI is "password"',
      { events: [mskEvent({ saslScram512: "password" })] },
    ],
    ["SOK_AUTHENTICATION_INVALID", "for MSK write one of", raw(access(login("BASIC_AUTH")))],
    [
      "SOK_AUTHENTICATION_INVALID",
      "for a self-managed cluster",
      selfManaged(access({ Type: "VIRTUAL_HOST", URI: "/" })),
    ],
    ["SOK_AUTHENTICATION_INVALID", "authentication: none", selfManaged(access(login("OAUTHBEARER_AUTH")))],
    [
      "SOK_AUTHENTICATION_INVALID",
      "keep one login",
      selfManaged(access(login("BASIC_AUTH"), login("SASL_SCRAM_512_AUTH"))),
    ],
    [
      "SOK_AUTHENTICATION_INVALID",
      "keep one login",
      { events: [kafkaEvent({ accessConfigurations: { saslPlainAuth: [SECRET_ARN, SECRET_ARN] } })] },
    ],
    [
      "SOK_AUTHENTICATION_INVALID",
      "together",
      { events: [kafkaEvent({ accessConfigurations: { vpcSubnet: ["subnet-1"] } })] },
    ],
    [
      "SOK_AUTHENTICATION_INVALID",
      "accessConfigurations",
      { events: [kafkaEvent({ accessConfigurations: { saslGssapi: ["x"] } })] },
    ],
    ["SOK_PROPERTY_NOT_FOR_KAFKA", "ParallelizationFactor is for Kinesis", raw({ ParallelizationFactor: 2 })],
    ["SOK_PROPERTY_NOT_FOR_KAFKA", "TumblingWindowInSeconds", raw({ TumblingWindowInSeconds: 2 })],
    ["SOK_PROPERTY_NOT_FOR_KAFKA", "ScalingConfig is for SQS", raw({ ScalingConfig: {} })],
    ["SOK_PROPERTY_NOT_FOR_KAFKA", "Queues is for Amazon MQ", raw({ Queues: ["q"] })],
    ["SOK_PROPERTY_NOT_FOR_KAFKA", "DocumentDBEventSourceConfig", raw({ DocumentDBEventSourceConfig: {} })],
    [
      "SOK_INTRINSIC_UNRESOLVED",
      "custom.serverless-offline-kafka.resources.Elsewhere: <ARN or name>",
      destination({ Ref: "Elsewhere" }),
    ],
    ["SOK_INTRINSIC_UNRESOLVED", "resources.queue-arn:", destination({ "Fn::ImportValue": "queue-arn" })],
    ["SOK_INTRINSIC_UNRESOLVED", "write the value itself", raw({ BatchSize: { "Fn::If": ["A", 1, 2] } })],
    ["SOK_SETTINGS_INVALID", 'authentication is "off"; write none', settings({ authentication: "off" })],
    ["SOK_SETTINGS_INVALID", "clusters.x.authentication", settings({ clusters: { x: { authentication: true } } })],
    ["SOK_SETTINGS_INVALID", 'schemaRegistry is "localhost"', settings({ schemaRegistry: "localhost" })],
    ["SOK_SETTINGS_INVALID", "resources.Queue is 1", settings({ resources: { Queue: 1 } })],
  ])("%s: %s", (code, says, parts) => {
    const error = refusal(parts);
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
    const subject = code === "SOK_SETTINGS_INVALID" ? /^custom\./ : /^(agent \((msk|kafka|resource) |resources\.)/;
    expect(error.message).toMatch(subject);
  });
});
