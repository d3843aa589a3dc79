// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub is written.
import { describe, expect, test } from "@jest/globals";
import type { Properties } from "./json.ts";
import {
  ARN,
  kafkaEvent,
  kafkaResource,
  mskEvent,
  mskResource,
  only,
  provisioned,
  refusal,
  registry,
} from "./sample-service.ts";

describe("the local cluster", () => {
  test.each<[unknown, string]>([
    [{ Ref: "MskClusterArn" }, "MskClusterArn"],
    [{ "Fn::ImportValue": "shared-cluster" }, "shared-cluster"],
    [{ "Fn::ImportValue": { "Fn::Sub": "${AWS::StackName}-cluster" } }, "shop-dev-cluster"],
    [{ "Fn::GetAtt": ["Cluster", "Arn"] }, "Cluster"],
    [{ "Fn::Sub": "${ClusterArn}" }, "ClusterArn"],
    [{ "Fn::If": ["IsAws", "a", "b"] }, "cluster"],
  ])("has a stable ARN, and a name for settings, where only CloudFormation knows its %j", (arn, token) => {
    const settings = { bootstrapServers: "localhost:9092", clusters: { [token]: "localhost:9999" } };
    const { mapping } = only({ events: [mskEvent({ arn })], settings });
    expect(mapping.envelope.eventSourceArn).toBe(`arn:aws:kafka:eu-west-1:000000000000:cluster/local/${token}`);
    expect(mapping.bootstrapServers).toEqual([token === "cluster" ? "localhost:9092" : "localhost:9999"]);
  });

  test("has the ARN of a parameter's default, or of the settings", () => {
    const events = [mskEvent({ arn: { Ref: "ClusterArn" } })];
    const parameters = { ClusterArn: { Type: "String", Default: ARN } };
    expect(only({ events, parameters }).mapping.envelope.eventSourceArn).toBe(ARN);
    const settings = { bootstrapServers: "a:1", resources: { ClusterArn: `${ARN}-local` } };
    expect(only({ events, parameters, settings }).mapping.envelope.eventSourceArn).toBe(`${ARN}-local`);
  });

  test.each([
    [{ [ARN]: "one:1, two:2" }],
    [{ [ARN]: { bootstrapServers: "one:1,two:2" } }],
    [{ [ARN]: { bootstrapServers: ["one:1", "two:2"] } }],
  ])("has its own entry %j before the service's", (clusters) => {
    const { mapping } = only({ events: [mskEvent()], settings: { bootstrapServers: "localhost:9092", clusters } });
    expect(mapping.bootstrapServers).toEqual(["one:1", "two:2"]);
  });

  test("is found by a server of its own", () => {
    const settings = { clusters: { "own:1": "localhost:1" } };
    expect(only({ events: [kafkaEvent()], settings }).mapping.bootstrapServers).toEqual(["localhost:1"]);
  });

  test("needs no servers of its own that only CloudFormation knows, if another place is said", () => {
    const bootstrapServers = [{ "Fn::ImportValue": "broker" }];
    const { mapping } = only({ events: [kafkaEvent({ bootstrapServers })] });
    expect(mapping.bootstrapServers).toEqual(["localhost:9092"]);
    expect(refusal({ events: [kafkaEvent({ bootstrapServers })], settings: {} }).code).toBe(
      "SOK_BOOTSTRAP_SERVERS_MISSING",
    );
  });

  describe("without authentication", () => {
    const events = [mskEvent({ saslScram512: "arn:aws:secretsmanager:r:1:secret:s" })];
    const access = [{ type: "SASL_SCRAM_512_AUTH", uri: "arn:aws:secretsmanager:r:1:secret:s" }];
    test.each<[string, Properties, unknown]>([
      ["by default authenticates", {}, access],
      ["as configured", { authentication: "configured" }, access],
      ["of the whole service", { authentication: "none" }, []],
      ["of one cluster", { clusters: { [ARN]: { authentication: "none" } } }, []],
      ["but one", { authentication: "none", clusters: { [ARN]: { authentication: "configured" } } }, access],
    ])("%s", (_name, settings, expected) => {
      const { mapping } = only({ events, settings: { bootstrapServers: "a:1", ...settings } });
      expect(mapping.access).toEqual(expected);
    });

    test("needs neither the secrets nor to speak what only AWS has", () => {
      const SourceAccessConfigurations = [
        { Type: "BASIC_AUTH", URI: { Ref: "Nobody" } },
        { Type: "OAUTHBEARER_AUTH", URI: { Ref: "Nobody" } },
      ];
      const resources = { Raw: kafkaResource({ SourceAccessConfigurations }) };
      expect(only({ resources, settings: { authentication: "none" } }).mapping.access).toEqual([]);
    });
  });

  test.each<[Properties]>([
    [{ schemaRegistry: "http://127.0.0.1:8081" }],
    [{ clusters: { [ARN]: { schemaRegistry: "http://127.0.0.1:8081" } } }],
  ])("has a registry of its own by %j", (settings) => {
    const AmazonManagedKafkaEventSourceConfig = { SchemaRegistryConfig: registry };
    const { mapping } = only({
      resources: { Raw: mskResource({ ...provisioned, AmazonManagedKafkaEventSourceConfig }) },
      settings: { bootstrapServers: "a:1", ...settings },
    });
    expect(mapping.schemaRegistry?.uri).toBe("http://127.0.0.1:8081");
  });
});
