// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub is written.
import { describe, expect, test } from "@jest/globals";
import type { Properties } from "./json.ts";
import { readMappings } from "./mappings.ts";
import { DEFAULTS, mskEvent, mskResource, only, registry, resource, service } from "./sample-service.ts";

describe("merging, as the framework does it", () => {
  test("the extension wins over the event, and a null in it takes the property away", () => {
    const events = [mskEvent({ batchSize: 10, enabled: false })];
    expect(only({ events, extension: { BatchSize: 500, Enabled: null } }).mapping).toMatchObject({
      batchSize: 500,
      enabled: true,
    });
  });

  test("an object in the extension replaces the event's, and what is lost is warned of", () => {
    const { mapping, warnings } = only({
      events: [mskEvent({ consumerGroupId: "fraud", provisionedPollerConfig: { minimumPollers: 1 } })],
      extension: { AmazonManagedKafkaEventSourceConfig: { SchemaRegistryConfig: registry } },
    });
    expect(mapping.groupId).toBe("generated");
    expect(warnings).toEqual([
      "agent (msk orders): resources.extensions.AgentMapping.Properties.AmazonManagedKafkaEventSourceConfig replaces the event's; repeat ConsumerGroupId in it to keep it",
    ]);
  });

  test("resources of the same logical id are merged in below the extension, and make no second mapping", () => {
    const { mapping } = only({
      events: [mskEvent({ batchSize: 1, consumerGroupId: "fraud" })],
      resources: {
        AgentMapping: resource({ BatchSize: 2, Enabled: false, AmazonManagedKafkaEventSourceConfig: {} }),
      },
      extension: { BatchSize: 3 },
    });
    expect(mapping).toMatchObject({ batchSize: 3, enabled: false, groupId: "fraud" });
  });

  test("an extension is laid over a resource as well", () => {
    const { mappings } = readMappings(
      service({ resources: { AgentMapping: mskResource({ BatchSize: 1 }) }, extension: { BatchSize: 2 } }),
    );
    expect(mappings).toMatchObject([{ batchSize: 2 }]);
  });

  test("a list of resources is merged", () => {
    const { mappings } = readMappings({
      ...service({}),
      resources: [
        { Resources: { Raw: mskResource() } },
        { Resources: { Raw: { Properties: { BatchSize: 3 } } } },
        null,
      ],
    });
    expect(mappings).toMatchObject([{ logicalId: "Raw", batchSize: 3 }]);
  });

  test("two events of one logical id make one mapping", () => {
    const { mapping, warnings } = only({ events: [mskEvent({ batchSize: 1 }), mskEvent({ batchSize: 2 })] });
    expect(mapping.batchSize).toBe(2);
    expect(warnings).toEqual([expect.stringContaining("only the last is deployed")]);
  });
});

describe("mappings declared as resources", () => {
  const arn = "arn:aws:lambda:eu-west-1:111111111111:function:shop-dev-agent";
  test.each<[unknown]>([
    [{ Ref: "AgentLambdaFunction" }],
    [{ "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] }],
    [{ "Fn::GetAtt": "AgentLambdaFunction.Arn" }],
    [{ "Fn::Sub": "${AgentLambdaFunction.Arn}" }],
    [{ "Fn::Sub": "${AWS::StackName}-agent" }],
    [{ "Fn::Join": [":", [{ "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] }, "live"]] }],
    [{ Ref: "LiveAlias" }],
    [{ Ref: "FirstVersion" }],
    ["shop-dev-agent"],
    ["shop-dev-agent:live"],
    [arn],
    [`${arn}:$LATEST`],
    ["111111111111:function:shop-dev-agent"],
  ])("run the function that %j is", (FunctionName) => {
    const resources = {
      Raw: { ...mskResource({ FunctionName }), Condition: "IsAws" },
      LiveAlias: {
        Type: "AWS::Lambda::Alias",
        Properties: { FunctionName: { Ref: "AgentLambdaFunction" }, Name: "live" },
      },
      FirstVersion: { Type: "AWS::Lambda::Version", Properties: { FunctionName: arn } },
    };
    expect(only({ resources })).toMatchObject({ mapping: { functionKey: "agent", logicalId: "Raw" }, warnings: [] });
  });

  test.each<[unknown]>([
    ["shop-dev-stranger"],
    ["arn:aws:lambda:eu-west-1:111111111111:function:shop-dev-agent2"],
    [{ Ref: "StrangerLambdaFunction" }],
    [{ "Fn::ImportValue": "their-function" }],
    [undefined],
    [42],
  ])("of another service's function %j are warned of and not run", (FunctionName) => {
    const { mappings, warnings } = readMappings(service({ resources: { Raw: mskResource({ FunctionName }) } }));
    expect(mappings).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^Raw: not run, .* is no function of this service$/)]);
  });

  test.each<[string, Properties]>([
    ["Kinesis", { EventSourceArn: "arn:aws:kinesis:eu-west-1:111111111111:stream/s", ParallelizationFactor: 2 }],
    ["SQS", { EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] }, ScalingConfig: { MaximumConcurrency: 2 } }],
    ["DynamoDB", { EventSourceArn: { "Fn::GetAtt": ["Table", "StreamArn"] } }],
    ["MQ", { EventSourceArn: { "Fn::ImportValue": "broker" }, Queues: ["q"] }],
  ])("of %s are none of ours", (_source, properties) => {
    const resources = {
      Queue: { Type: "AWS::SQS::Queue" },
      Raw: resource({ FunctionName: "shop-dev-agent", ...properties }),
    };
    expect(readMappings(service({ resources }))).toEqual({ mappings: [], warnings: [] });
  });

  test("an extension may name another function of the service, or an alias; one of another is warned of", () => {
    const events = [mskEvent()];
    const retargeted = only({ events, extension: { FunctionName: { Ref: "OtherLambdaFunction" } } });
    expect(retargeted.mapping.functionKey).toBe("other");

    const alias = { "Fn::Join": [":", [{ "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] }, "live"]] };
    expect(only({ events, extension: { FunctionName: alias } })).toMatchObject({
      mapping: { functionKey: "agent" },
      warnings: [],
    });

    const { mapping, warnings } = only({ events, extension: { FunctionName: "stranger" } });
    expect(mapping.functionKey).toBe("agent");
    expect(warnings).toEqual([expect.stringContaining("the event's is invoked")]);
  });

  test("of a whole serverless.yml", () => {
    const { mappings, warnings } = readMappings({
      ...service({}),
      functions: [
        { key: "agent", name: "shop-dev-agent", timeoutSeconds: 6, events: [mskEvent({ arn: { Ref: "ClusterArn" } })] },
      ],
      custom: {
        "serverless-offline-kafka": {
          bootstrapServers: "127.0.0.1:9092",
          authentication: "none",
          clusters: { Warehouse: { bootstrapServers: "127.0.0.1:9093", schemaRegistry: "http://127.0.0.1:8081" } },
        },
      },
      resources: {
        Parameters: { ClusterArn: { Type: "String" }, Batch: { Type: "Number", Default: 250 } },
        Conditions: { IsAws: { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-west-1"] } },
        Resources: {
          Warehouse: { Type: "AWS::MSK::Cluster", Condition: "IsAws", Properties: { ClusterName: "warehouse" } },
          DeadLetters: { Type: "AWS::SQS::Queue", Properties: { QueueName: { "Fn::Sub": "${AWS::StackName}-dead" } } },
          RegistryLogin: { Type: "AWS::SecretsManager::Secret", Properties: {} },
          StockMapping: {
            Type: "AWS::Lambda::EventSourceMapping",
            Condition: "IsAws",
            DependsOn: ["Warehouse"],
            Properties: {
              FunctionName: { "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] },
              EventSourceArn: { "Fn::GetAtt": ["Warehouse", "Arn"] },
              Topics: ["stock"],
              StartingPosition: "TRIM_HORIZON",
              BatchSize: { Ref: "Batch" },
              ProvisionedPollerConfig: { MinimumPollers: 1 },
              MaximumRetryAttempts: 3,
              DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["DeadLetters", "Arn"] } } },
              SourceAccessConfigurations: [{ Type: "SASL_SCRAM_512_AUTH", URI: { Ref: "RegistryLogin" } }],
              AmazonManagedKafkaEventSourceConfig: {
                ConsumerGroupId: { "Fn::Join": ["-", [{ Ref: "AWS::StackName" }, "stock"]] },
                SchemaRegistryConfig: {
                  SchemaRegistryURI: { "Fn::ImportValue": "registry-url" },
                  EventRecordFormat: "JSON",
                  SchemaValidationConfigs: [{ Attribute: "VALUE" }],
                  AccessConfigs: [{ Type: "BASIC_AUTH", URI: { Ref: "RegistryLogin" } }],
                },
              },
            },
          },
        },
        extensions: { AgentMapping: { Properties: { BatchSize: { Ref: "Batch" } } } },
      },
    });
    expect(warnings).toEqual([]);
    expect(mappings).toEqual([
      {
        ...DEFAULTS,
        batchSize: 250,
        bootstrapServers: ["127.0.0.1:9092"],
        envelope: {
          eventSource: "aws:kafka",
          eventSourceArn: "arn:aws:kafka:eu-west-1:000000000000:cluster/local/ClusterArn",
          bootstrapServers: "127.0.0.1:9092",
        },
      },
      {
        ...DEFAULTS,
        logicalId: "StockMapping",
        topic: "stock",
        groupId: "shop-dev-stock",
        batchSize: 250,
        scaling: { kind: "provisioned", pollersMin: 1, pollersMax: 200 },
        retryAttemptsMax: 3,
        onFailure: { kind: "sqs", arn: "arn:aws:sqs:eu-west-1:000000000000:shop-dev-dead" },
        schemaRegistry: { uri: "http://127.0.0.1:8081", eventRecordFormat: "JSON", attributes: ["VALUE"], access: [] },
        bootstrapServers: ["127.0.0.1:9093"],
        envelope: {
          eventSource: "aws:kafka",
          eventSourceArn: "arn:aws:kafka:eu-west-1:000000000000:cluster/local/Warehouse",
          bootstrapServers: "127.0.0.1:9093",
        },
      },
    ]);
  });
});
