import { describe, expect, test } from "@jest/globals";
import type { Properties } from "./json.ts";
import type { MappingConfig } from "./mappings.ts";
import type { Parts } from "./sample-service.ts";
import {
  DEFAULTS,
  FOR_EVER,
  GLUE_ARN,
  kafkaEvent,
  kafkaResource,
  mskEvent,
  mskResource,
  only,
  provisioned,
  QUEUE_ARN,
  registry,
  SECRET_ARN,
} from "./sample-service.ts";

describe("defaults", () => {
  test("are AWS's in an msk event", () => {
    expect(only({ events: [mskEvent()] })).toEqual({ mapping: DEFAULTS, warnings: [] });
  });

  test("are AWS's in a kafka event, which is read from its own servers when nothing else is said", () => {
    const envelope = { eventSource: "SelfManagedKafka", bootstrapServers: "own:1" };
    expect(only({ events: [kafkaEvent()], settings: {} })).toEqual({
      mapping: { ...DEFAULTS, bootstrapServers: ["own:1"], envelope },
      warnings: [],
    });
  });

  test("are AWS's in a resource", () => {
    expect(only({ resources: { Raw: mskResource() } })).toEqual({
      mapping: { ...DEFAULTS, logicalId: "Raw", startingPosition: { kind: "LATEST" } },
      warnings: [],
    });
  });
});

interface Row {
  readonly property: string;
  readonly msk?: Properties;
  readonly kafka?: Properties;
  /** In a resource or an extension; `config` is what goes into the configuration of the kind of cluster. */
  readonly cfn: Properties;
  readonly config?: Properties;
  readonly expected: Partial<MappingConfig>;
}

const both = (event: Properties) => ({ msk: event, kafka: event });
const ROWS: readonly Row[] = [
  {
    property: "BatchSize",
    ...both({ batchSize: 10_000 }),
    cfn: { BatchSize: 10_000 },
    expected: { batchSize: 10_000 },
  },
  { property: "BatchSize as text", cfn: { BatchSize: "7" }, expected: { batchSize: 7 } },
  {
    property: "MaximumBatchingWindowInSeconds",
    ...both({ maximumBatchingWindow: 300 }),
    cfn: { MaximumBatchingWindowInSeconds: 300 },
    expected: { windowMs: 300_000 },
  },
  { property: "a window of 0", cfn: { MaximumBatchingWindowInSeconds: 0 }, expected: { windowMs: 0 } },
  {
    property: "StartingPosition",
    ...both({ startingPosition: "LATEST" }),
    cfn: { StartingPosition: "LATEST" },
    expected: { startingPosition: { kind: "LATEST" } },
  },
  {
    property: "StartingPositionTimestamp",
    ...both({ startingPosition: "AT_TIMESTAMP", startingPositionTimestamp: 1_700_000_000.5 }),
    cfn: { StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: 1_700_000_000.5 },
    expected: { startingPosition: { kind: "AT_TIMESTAMP", timestampMs: 1_700_000_000_500 } },
  },
  {
    property: "ConsumerGroupId",
    ...both({ consumerGroupId: "fraud/a:1" }),
    cfn: {},
    config: { ConsumerGroupId: "fraud/a:1", ConsumptionMode: "Stream" },
    expected: { groupId: "fraud/a:1" },
  },
  { property: "Enabled", ...both({ enabled: false }), cfn: { Enabled: false }, expected: { enabled: false } },
  { property: "Enabled as text", cfn: { Enabled: "false" }, expected: { enabled: false } },
  {
    property: "FilterCriteria",
    ...both({ filterPatterns: [{ value: { type: ["order", null] } }, { value: { id: [{ prefix: "A" }] } }] }),
    cfn: {
      FilterCriteria: {
        Filters: [{ Pattern: '{"value":{"type":["order",null]}}' }, { Pattern: '{"value":{"id":[{"prefix":"A"}]}}' }],
      },
    },
    expected: { filterPatterns: [{ value: { type: ["order", null] } }, { value: { id: [{ prefix: "A" }] } }] },
  },
  {
    property: "ProvisionedPollerConfig",
    ...both({ provisionedPollerConfig: { minimumPollers: 2, maximumPollers: 9 } }),
    cfn: { ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 9, PollerGroupName: "cheap" } },
    expected: { scaling: { kind: "provisioned", pollersMin: 2, pollersMax: 9 } },
  },
  {
    property: "ProvisionedPollerConfig with its defaults",
    ...both({ provisionedPollerConfig: { minimumPollers: 3 } }),
    cfn: { ProvisionedPollerConfig: { MinimumPollers: 3 } },
    expected: { scaling: { kind: "provisioned", pollersMin: 3, pollersMax: 200 } },
  },
  {
    property: "an empty ProvisionedPollerConfig",
    cfn: provisioned,
    expected: { scaling: { kind: "provisioned", pollersMin: 1, pollersMax: 200 } },
  },
  {
    property: "MaximumRetryAttempts",
    cfn: { ...provisioned, MaximumRetryAttempts: 0 },
    expected: { retryAttemptsMax: 0 },
  },
  { property: "endless retries", cfn: { MaximumRetryAttempts: -1 }, expected: { retryAttemptsMax: FOR_EVER } },
  {
    property: "endless retries with a destination",
    kafka: { onFailureDestination: QUEUE_ARN },
    cfn: { MaximumRetryAttempts: -1, DestinationConfig: { OnFailure: { Destination: QUEUE_ARN } } },
    expected: { retryAttemptsMax: 10, onFailure: { kind: "sqs", arn: QUEUE_ARN } },
  },
  {
    property: "retries with a destination",
    cfn: { ...provisioned, MaximumRetryAttempts: 20, DestinationConfig: { OnFailure: { Destination: QUEUE_ARN } } },
    expected: { retryAttemptsMax: 20, onFailure: { kind: "sqs", arn: QUEUE_ARN } },
  },
  {
    property: "MaximumRecordAgeInSeconds",
    cfn: { ...provisioned, MaximumRecordAgeInSeconds: 60 },
    expected: { recordAgeMsMax: 60_000 },
  },
  { property: "endless age", cfn: { MaximumRecordAgeInSeconds: -1 }, expected: { recordAgeMsMax: FOR_EVER } },
  {
    property: "BisectBatchOnFunctionError",
    cfn: { ...provisioned, BisectBatchOnFunctionError: true },
    expected: { bisectBatchOnFunctionError: true },
  },
  {
    property: "FunctionResponseTypes",
    cfn: { ...provisioned, FunctionResponseTypes: ["ReportBatchItemFailures"] },
    expected: { reportBatchItemFailures: true },
  },
  {
    property: "no FunctionResponseTypes",
    cfn: { FunctionResponseTypes: [] },
    expected: { reportBatchItemFailures: false },
  },
  {
    property: "an SNS destination",
    kafka: { onFailureDestination: "arn:aws:sns:eu-west-1:111111111111:dead" },
    cfn: { DestinationConfig: { OnFailure: { Destination: "arn:aws:sns:eu-west-1:111111111111:dead" } } },
    expected: { onFailure: { kind: "sns", arn: "arn:aws:sns:eu-west-1:111111111111:dead" } },
  },
  {
    property: "an S3 destination",
    kafka: { onFailureDestination: "arn:aws:s3:::dead.letters" },
    cfn: { DestinationConfig: { OnFailure: { Destination: "arn:aws:s3:::dead.letters" } } },
    expected: { onFailure: { kind: "s3", arn: "arn:aws:s3:::dead.letters" } },
  },
  {
    property: "a Kafka destination",
    kafka: { onFailureDestination: "kafka://orders.dead", provisionedPollerConfig: { minimumPollers: 1 } },
    cfn: { ...provisioned, DestinationConfig: { OnFailure: { Destination: "kafka://orders.dead" } } },
    expected: { onFailure: { kind: "kafka", topic: "orders.dead" } },
  },
  {
    property: "no destination",
    kafka: { onFailureDestination: "" },
    cfn: { DestinationConfig: { OnFailure: { Destination: "" } } },
    expected: { onFailure: undefined, retryAttemptsMax: FOR_EVER },
  },
  {
    property: "a Glue registry",
    cfn: provisioned,
    config: { SchemaRegistryConfig: registry },
    expected: {
      schemaRegistry: { uri: GLUE_ARN, eventRecordFormat: "JSON", attributes: ["KEY", "VALUE"], access: [] },
    },
  },
  {
    property: "a Confluent registry",
    cfn: provisioned,
    config: {
      SchemaRegistryConfig: {
        SchemaRegistryURI: "https://registry.example:8081",
        EventRecordFormat: "SOURCE",
        SchemaValidationConfigs: [{ Attribute: "VALUE" }],
        AccessConfigs: [{ Type: "BASIC_AUTH", URI: SECRET_ARN }],
      },
    },
    expected: {
      schemaRegistry: {
        uri: "https://registry.example:8081",
        eventRecordFormat: "SOURCE",
        attributes: ["VALUE"],
        access: [{ type: "BASIC_AUTH", uri: SECRET_ARN }],
      },
    },
  },
  {
    property: "SASL_SCRAM_512_AUTH",
    msk: { saslScram512: SECRET_ARN },
    kafka: { accessConfigurations: { saslScram512Auth: [SECRET_ARN] } },
    cfn: { SourceAccessConfigurations: [{ Type: "SASL_SCRAM_512_AUTH", URI: SECRET_ARN }] },
    expected: { access: [{ type: "SASL_SCRAM_512_AUTH", uri: SECRET_ARN }] },
  },
  {
    property: "CLIENT_CERTIFICATE_TLS_AUTH",
    kafka: { accessConfigurations: { clientCertificateTlsAuth: [SECRET_ARN] } },
    cfn: { SourceAccessConfigurations: [{ Type: "CLIENT_CERTIFICATE_TLS_AUTH", URI: SECRET_ARN }] },
    expected: { access: [{ type: "CLIENT_CERTIFICATE_TLS_AUTH", uri: SECRET_ARN }] },
  },
  {
    property: "what has no local effect",
    cfn: { KmsKeyArn: "k", Tags: [{}], LoggingConfig: {}, MetricsConfig: { Metrics: ["EventCount"] } },
    expected: {},
  },
  {
    property: "a property of null",
    cfn: { BatchSize: null, Enabled: null },
    expected: { batchSize: 100, enabled: true },
  },
];

describe("every property, in every place that it can be written in", () => {
  const inExtension = (row: Row, config: string) =>
    row.config === undefined ? row.cfn : { ...row.cfn, [config]: row.config };
  const places: ReadonlyArray<readonly [place: string, (row: Row) => Parts | undefined]> = [
    ["an msk event", ({ msk }) => msk && { events: [mskEvent(msk)] }],
    ["a kafka event", ({ kafka }) => kafka && { events: [kafkaEvent(kafka)] }],
    [
      "the extension of an msk event",
      (row) => ({ events: [mskEvent()], extension: inExtension(row, "AmazonManagedKafkaEventSourceConfig") }),
    ],
    [
      "the extension of a kafka event",
      (row) => ({ events: [kafkaEvent()], extension: inExtension(row, "SelfManagedKafkaEventSourceConfig") }),
    ],
    [
      "a resource for MSK",
      (row) => ({ resources: { Raw: mskResource(inExtension(row, "AmazonManagedKafkaEventSourceConfig")) } }),
    ],
    [
      "a resource for a self-managed cluster",
      (row) => ({ resources: { Raw: kafkaResource(inExtension(row, "SelfManagedKafkaEventSourceConfig")) } }),
    ],
  ];
  const cases = places.flatMap(([place, partsOf]) =>
    ROWS.flatMap((row) => {
      const parts = partsOf(row);
      return parts === undefined ? [] : [{ place, property: row.property, parts, expected: row.expected }];
    }),
  );

  test.each(cases)("$property in $place", ({ parts, expected }) => {
    const { mapping, warnings } = only(parts);
    expect(mapping).toMatchObject(expected);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["saslPlainAuth", "BASIC_AUTH"],
    ["saslScram256Auth", "SASL_SCRAM_256_AUTH"],
    ["serverRootCaCertificate", "SERVER_ROOT_CA_CERTIFICATE"],
  ])("%s of a kafka event is the %s of a resource", (name, type) => {
    const network = { vpcSubnet: ["subnet-1", "subnet-2"], vpcSecurityGroup: ["sg-1"] };
    const ofEvent = only({ events: [kafkaEvent({ accessConfigurations: { ...network, [name]: [SECRET_ARN] } })] });
    const ofResource = only({
      resources: {
        Raw: kafkaResource({
          SourceAccessConfigurations: [
            { Type: "VPC_SUBNET", URI: { Ref: "NobodyKnows" } },
            { Type: "VPC_SECURITY_GROUP", URI: "security_group:sg-1" },
            { Type: type, URI: SECRET_ARN },
          ],
        }),
      },
    });
    expect(ofEvent).toMatchObject({ mapping: { access: [{ type, uri: SECRET_ARN }] }, warnings: [] });
    expect(ofResource).toMatchObject({ mapping: { access: [{ type, uri: SECRET_ARN }] }, warnings: [] });
  });

  test("takes the servers of a self-managed cluster by the name that AWS's API has for them, too", () => {
    const SelfManagedEventSource = { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ["a:1", "b:2"] } };
    const { mapping } = only({ resources: { Raw: kafkaResource({ SelfManagedEventSource }) }, settings: {} });
    expect(mapping.bootstrapServers).toEqual(["a:1", "b:2"]);
  });
});
