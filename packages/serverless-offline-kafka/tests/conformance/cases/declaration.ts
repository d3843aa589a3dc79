import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import type { Case, OpenMapping, ServiceParts } from "../harness.ts";
import { CLUSTER_ARN } from "../harness.ts";

/** The one mapping of a serverless.yml, at work. */
function run(t: Case, parts: ServiceParts): OpenMapping {
  const { mappings } = t.read(parts);
  const [config] = mappings;
  if (config === undefined || mappings.length > 1) throw new Error(`${mappings.length} mappings`);
  return t.open(config);
}

const VPC = { vpcSubnet: ["subnet-0"], vpcSecurityGroup: ["sg-0"] };

conformance("declaration", "an msk event is read from the local cluster", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const m = run(t, {
    events: [{ msk: { arn: CLUSTER_ARN, topic } }],
    settings: { clusters: { [CLUSTER_ARN]: t.stage.broker.bootstrapServers }, bootstrapServers: "127.0.0.1:1" },
  });
  expect((await m.fn.invoked(1)).eventSourceArn).toBe(CLUSTER_ARN);
});

conformance("declaration", "a kafka event is read from its own servers where nothing else is said", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const bootstrapServers = [t.stage.broker.bootstrapServers];
  const m = run(t, { events: [{ kafka: { bootstrapServers, accessConfigurations: VPC, topic } }] });
  expect((await m.fn.invoked(1)).eventSource).toBe("SelfManagedKafka");
});

conformance("declaration", "an extension lays properties over those of an event", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const m = run(t, {
    events: [{ msk: { arn: CLUSTER_ARN, topic, batchSize: 100 } }],
    resources: { extensions: { AgentMapping: { Properties: { BatchSize: 1, MaximumBatchingWindowInSeconds: 0 } } } },
    settings: { bootstrapServers: t.stage.broker.bootstrapServers },
  });
  await m.committed({ 0: 2 });
  expect(m.fn.offsets).toEqual([{ 0: [0] }, { 0: [1] }]);
});

conformance("declaration", "a resource with a function of the service as FunctionName is run", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const mapping = (FunctionName: unknown) => ({
    Type: "AWS::Lambda::EventSourceMapping",
    Properties: {
      FunctionName,
      EventSourceArn: { Ref: "Cluster" },
      Topics: [{ "Fn::Sub": topic }],
      StartingPosition: "TRIM_HORIZON",
    },
  });
  const m = run(t, {
    resources: {
      Parameters: { Cluster: { Type: "String", Default: CLUSTER_ARN } },
      Resources: {
        Orders: mapping({ "Fn::GetAtt": ["AgentLambdaFunction", "Arn"] }),
        OfOthers: mapping("arn:aws:lambda:us-east-1:000000000000:function:somebody-elses"),
      },
    },
    settings: { bootstrapServers: t.stage.broker.bootstrapServers },
  });
  expect((await m.fn.invoked(1)).eventSourceArn).toBe(CLUSTER_ARN);
});

conformance("refusals", "a value that AWS refuses ends the start", async (t) => {
  const topic = await t.topic();
  const refusals: ReadonlyArray<readonly [property: string, value: unknown, code: string]> = [
    ["BatchSize", 10_001, "SOK_BATCH_SIZE_INVALID"],
    ["MaximumBatchingWindowInSeconds", 301, "SOK_BATCHING_WINDOW_INVALID"],
    ["StartingPosition", "EARLIEST", "SOK_STARTING_POSITION_INVALID"],
    ["MaximumRetryAttempts", 10_001, "SOK_RETRY_ATTEMPTS_INVALID"],
    ["MaximumRecordAgeInSeconds", 59, "SOK_RECORD_AGE_INVALID"],
    ["ProvisionedPollerConfig", { MinimumPollers: 201 }, "SOK_POLLERS_INVALID"],
    ["FunctionResponseTypes", ["Everything"], "SOK_FUNCTION_RESPONSE_TYPES_INVALID"],
  ];
  for (const [property, value, code] of refusals) {
    expect(() => t.map(topic, { [property]: value })).toThrow(expect.objectContaining({ code }));
  }
});

conformance("refusals", "a property of another source ends the start", async (t) => {
  const topic = await t.topic();
  for (const property of ["ParallelizationFactor", "TumblingWindowInSeconds"]) {
    expect(() => t.map(topic, { [property]: 1 })).toThrow(
      expect.objectContaining({ code: "SOK_PROPERTY_NOT_FOR_KAFKA" }),
    );
  }
});

const extended = (t: Case, topic: string, properties: object) => ({
  events: [{ msk: { arn: CLUSTER_ARN, topic } }],
  resources: { extensions: { AgentMapping: { Properties: properties } } },
  settings: { bootstrapServers: t.stage.broker.bootstrapServers },
});

conformance("provisioned-only", "a retry control without provisioned mode is applied, and warned of", async (t) => {
  const topic = await t.topic();
  const onDemand = t.read(extended(t, topic, { MaximumRetryAttempts: 3 }));
  expect(onDemand.mappings[0]?.retryAttemptsMax).toBe(3);
  expect(onDemand.warnings).toEqual([expect.stringMatching(/MaximumRetryAttempts in provisioned mode only/)]);
  const provisioned = t.read(extended(t, topic, { MaximumRetryAttempts: 3, ProvisionedPollerConfig: {} }));
  expect(provisioned.warnings).toEqual([]);
});

conformance("timeout-max", "a timeout of more than 14 minutes is warned of", async (t) => {
  const parts = extended(t, await t.topic(), {});
  expect(t.read({ ...parts, timeoutSeconds: 840 }).warnings).toEqual([]);
  expect(t.read({ ...parts, timeoutSeconds: 841 }).warnings).toEqual([expect.stringContaining("840 s is the most")]);
});
