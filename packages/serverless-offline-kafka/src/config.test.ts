import { describe, expect, test } from "@jest/globals";
import type { ServiceDescription } from "./config.ts";
import { readMappings } from "./config.ts";
import { MappingError } from "./errors.ts";

const ARN = "arn:aws:kafka:eu-west-1:111111111111:cluster/main/1234-5678";

function service(
  event: unknown,
  extensions: Record<string, unknown> = {},
  settings: unknown = { bootstrapServers: "localhost:9092" },
): ServiceDescription {
  return {
    functions: [{ key: "agent", events: [{ http: "GET /" }, event], timeoutSeconds: 6 }],
    region: "eu-west-1",
    custom: { "serverless-offline-kafka": settings },
    resources: { extensions: { agentMsk: { Properties: extensions } } },
    mskLogicalId: (_key, cluster) => (cluster === "main" ? "agentMsk" : `agentMsk${cluster}`),
    kafkaLogicalId: () => "agentMsk",
    newGroupId: () => "generated",
  };
}

const msk = (properties: Record<string, unknown> = {}) => ({ msk: { arn: ARN, topic: "orders", ...properties } });

function only(description: ServiceDescription) {
  const { mappings, warnings } = readMappings(description);
  expect(mappings).toHaveLength(1);
  return { mapping: mappings[0], warnings };
}

describe("readMappings", () => {
  test("gives an msk event AWS's defaults", () => {
    expect(only(service(msk()))).toEqual({
      mapping: {
        logicalId: "agentMsk",
        functionKey: "agent",
        topic: "orders",
        groupId: "generated",
        enabled: true,
        batchSize: 100,
        windowMs: 500,
        startingPosition: { kind: "TRIM_HORIZON" },
        reportBatchItemFailures: false,
        bootstrapServers: ["localhost:9092"],
        envelope: { eventSource: "aws:kafka", eventSourceArn: ARN, bootstrapServers: "localhost:9092" },
      },
      warnings: [],
    });
  });

  test("reads every property that is applied, of the event and of its extension", () => {
    const { mapping, warnings } = only(
      service(
        msk({
          batchSize: 10,
          maximumBatchingWindow: 2,
          consumerGroupId: "fraud",
          enabled: false,
          startingPosition: "AT_TIMESTAMP",
          startingPositionTimestamp: 1_700_000_000,
        }),
        { BatchSize: 500, FunctionResponseTypes: ["ReportBatchItemFailures"] },
      ),
    );
    expect(mapping).toMatchObject({
      batchSize: 500,
      windowMs: 2_000,
      groupId: "fraud",
      enabled: false,
      startingPosition: { kind: "AT_TIMESTAMP", timestampMs: 1_700_000_000_000 },
      reportBatchItemFailures: true,
    });
    expect(warnings).toEqual([]);
  });

  test("takes a window of 0 from the extension only, for the framework drops the event's", () => {
    const ofEvent = only(service(msk({ maximumBatchingWindow: 0 })));
    expect(ofEvent.mapping?.windowMs).toBe(500);
    expect(ofEvent.warnings).toEqual([
      expect.stringContaining("agentMsk.Properties.MaximumBatchingWindowInSeconds: 0"),
    ]);

    const ofExtension = only(service(msk({ maximumBatchingWindow: 0 }), { MaximumBatchingWindowInSeconds: 0 }));
    expect(ofExtension).toMatchObject({ mapping: { windowMs: 0 }, warnings: [] });
  });

  test("warns once of each property that is not applied, naming the mapping", () => {
    const { warnings } = only(
      service(msk({ filterPatterns: [{}], saslScram512: "arn" }), {
        MaximumRetryAttempts: 3,
        BisectBatchOnFunctionError: true,
      }),
    );
    expect(warnings).toEqual([
      "agent (msk orders): filterPatterns is not applied locally yet",
      "agent (msk orders): saslScram512 is not applied locally yet",
      "agent (msk orders): MaximumRetryAttempts, in resources.extensions.agentMsk, is not applied locally yet",
      "agent (msk orders): BisectBatchOnFunctionError, in resources.extensions.agentMsk, is not applied locally yet",
    ]);
  });

  test("warns of an extension that belongs to no mapping and of a mapping declared as a resource", () => {
    const { warnings } = readMappings({
      ...service(msk()),
      resources: [
        { extensions: { AgentEventSourceMappingMSKmainOrder: {} } },
        { Resources: { Raw: { Type: "AWS::Lambda::EventSourceMapping", Properties: { Topics: ["x"] } } } },
      ],
    });
    expect(warnings).toEqual([expect.stringContaining("belongs to no mapping"), expect.stringContaining("Raw")]);
  });

  test.each([
    [{ Ref: "MskClusterArn" }, "MskClusterArn"],
    [{ "Fn::ImportValue": "shared-cluster" }, "shared-cluster"],
    [{ "Fn::GetAtt": ["Cluster", "Arn"] }, "cluster"],
  ])("turns the ARN %j, which only CloudFormation knows, into a stable local one", (arn, token) => {
    const { mapping } = only(service(msk({ arn })));
    expect(mapping?.envelope.eventSourceArn).toBe(`arn:aws:kafka:eu-west-1:000000000000:cluster/local/${token}`);
  });

  test("reads a kafka event from its own servers when nothing else is said", () => {
    const event = {
      kafka: { topic: "orders", bootstrapServers: ["a:1", "b:2"], accessConfigurations: { vpcSubnet: [] } },
    };
    const { mapping, warnings } = only(service(event, {}, {}));
    expect(mapping?.envelope).toEqual({ eventSource: "SelfManagedKafka", bootstrapServers: "a:1,b:2" });
    expect(warnings).toEqual([]);
  });

  test.each([
    [{ [ARN]: "one:1, two:2" }],
    [{ [ARN]: { bootstrapServers: "one:1,two:2" } }],
    [{ [ARN]: { bootstrapServers: ["one:1", "two:2"] } }],
  ])("prefers a cluster's own entry %j", (clusters) => {
    const { mapping } = only(service(msk(), {}, { bootstrapServers: "localhost:9092", clusters }));
    expect(mapping?.bootstrapServers).toEqual(["one:1", "two:2"]);
  });

  test.each([
    ["SOK_BOOTSTRAP_SERVERS_MISSING", service(msk(), {}, {})],
    ["SOK_BOOTSTRAP_SERVERS_INVALID", service(msk(), {}, { bootstrapServers: "localhost" })],
    ["SOK_BATCH_SIZE_INVALID", service(msk(), { BatchSize: 10_001 })],
    ["SOK_BATCHING_WINDOW_INVALID", service(msk(), { MaximumBatchingWindowInSeconds: 301 })],
    ["SOK_STARTING_POSITION_INVALID", service(msk({ startingPosition: "AT_TIMESTAMP" }))],
    ["SOK_CONSUMER_GROUP_INVALID", service(msk({ consumerGroupId: "a b" }))],
    ["SOK_FUNCTION_RESPONSE_TYPES_INVALID", service(msk(), { FunctionResponseTypes: ["All"] })],
    ["SOK_TOPIC_INVALID", service(msk({ topic: "a/b" }))],
    ["SOK_EVENT_INVALID", service({ msk: { topic: "orders" } })],
  ])("refuses what cannot be run: %s", (code, description) => {
    let thrown: unknown;
    try {
      readMappings(description);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MappingError);
    expect(thrown).toMatchObject({ code, message: expect.stringMatching(/^agent \(msk /) });
  });
});
