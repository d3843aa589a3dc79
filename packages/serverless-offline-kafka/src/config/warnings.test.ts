import { describe, expect, test } from "@jest/globals";
import type { Properties } from "./json.ts";
import { readMappings } from "./mappings.ts";
import type { Parts } from "./sample-service.ts";
import {
  kafkaEvent,
  kafkaResource,
  mskEvent,
  mskResource,
  only,
  provisioned,
  QUEUE_ARN,
  registry,
  service,
} from "./sample-service.ts";

describe("warnings", () => {
  test("a window of 0 in the event, which the framework drops", () => {
    const events = [mskEvent({ maximumBatchingWindow: 0 })];
    const { mapping, warnings } = only({ events });
    expect(mapping.windowMs).toBe(500);
    expect(warnings).toEqual([expect.stringContaining("AgentMapping.Properties.MaximumBatchingWindowInSeconds: 0")]);
    expect(only({ events, extension: { MaximumBatchingWindowInSeconds: 0 } })).toMatchObject({
      mapping: { windowMs: 0 },
      warnings: [],
    });
  });

  test("more filters than AWS allows without a raised quota", () => {
    const filterPatterns = Array.from({ length: 6 }, () => ({ value: ["a"] }));
    expect(only({ events: [mskEvent({ filterPatterns })] }).warnings).toEqual([
      expect.stringContaining("more than 5 filters, here 6"),
    ]);
    expect(only({ events: [mskEvent({ filterPatterns: filterPatterns.slice(1) })] }).warnings).toEqual([]);
  });

  test.each<[label: string, properties: Properties]>([
    ["MaximumRetryAttempts", { MaximumRetryAttempts: 3 }],
    ["MaximumRecordAgeInSeconds", { MaximumRecordAgeInSeconds: 60 }],
    ["BisectBatchOnFunctionError", { BisectBatchOnFunctionError: true }],
    ["FunctionResponseTypes", { FunctionResponseTypes: ["ReportBatchItemFailures"] }],
    ["DestinationConfig.OnFailure.Destination", { DestinationConfig: { OnFailure: { Destination: "kafka://dead" } } }],
    ["SchemaRegistryConfig", { AmazonManagedKafkaEventSourceConfig: { SchemaRegistryConfig: registry } }],
  ])("%s without the provisioned mode that AWS wants for it", (label, properties) => {
    expect(only({ resources: { Raw: mskResource(properties) } }).warnings).toEqual([
      `agent (resource Raw): applied locally, but AWS has ${label} in provisioned mode only; add ProvisionedPollerConfig to deploy`,
    ]);
    expect(only({ resources: { Raw: mskResource({ ...properties, ...provisioned }) } }).warnings).toEqual([]);
  });

  test.each<[name: string, parts: Parts, says: string]>([
    [
      "an unknown property of an event",
      { events: [mskEvent({ batchsize: 1 })] },
      "agent (msk orders): batchsize is no property of an msk event and is not deployed; did you mean batchSize?",
    ],
    [
      "one that only the other event has",
      { events: [mskEvent({ onFailureDestination: QUEUE_ARN })] },
      "did you mean resources.extensions.AgentMapping.Properties.DestinationConfig?",
    ],
    [
      "one that only a resource has",
      { events: [kafkaEvent({ maximumRetryAttempts: 3 })] },
      "did you mean resources.extensions.AgentMapping.Properties.MaximumRetryAttempts?",
    ],
    [
      "one within an event",
      { events: [mskEvent({ provisionedPollerConfig: { minimumPollrs: 2 } })] },
      "provisionedPollerConfig.minimumPollrs is no property of an msk event and is not deployed; did you mean minimumPollers?",
    ],
    [
      "an unknown property of an extension",
      { events: [mskEvent()], extension: { MaximumRetryAtempts: 3 } },
      "resources.extensions.AgentMapping.Properties.MaximumRetryAtempts is no property that AWS knows; did you mean MaximumRetryAttempts?",
    ],
    [
      "one within a resource",
      { resources: { Raw: mskResource({ ProvisionedPollerConfig: { Minimum: 1, MinimumPoller: 1 } }) } },
      "ProvisionedPollerConfig.MinimumPoller is no property that AWS knows; did you mean MinimumPollers?",
    ],
    [
      "one that resembles nothing",
      { resources: { Raw: mskResource({ Colour: "red" }) } },
      "agent (resource Raw): Colour is no property that AWS knows",
    ],
  ])("%s", (_name, parts, says) => {
    const { warnings } = only(parts);
    expect(warnings.some((warning) => warning.endsWith(says))).toBe(true);
  });

  test("a timeout that AWS refuses, once for the function, and only of a function with a mapping", () => {
    const { warnings } = readMappings(
      service({ events: [mskEvent()], resources: { Raw: kafkaResource() }, timeoutSeconds: 841 }),
    );
    expect(warnings).toEqual(["agent: a timeout of 841 s is refused on AWS, 840 s is the most for a Kafka source"]);
  });

  test("an extension that belongs to no mapping", () => {
    const { warnings } = readMappings({
      ...service({ events: [mskEvent()] }),
      resources: { extensions: { AgentEventSourceMappingMSKmainOrder: {}, AgentLogGroup: {} } },
    });
    expect(warnings).toEqual([
      "resources.extensions.AgentEventSourceMappingMSKmainOrder belongs to no mapping; the mappings are AgentMapping",
    ]);
  });
});
