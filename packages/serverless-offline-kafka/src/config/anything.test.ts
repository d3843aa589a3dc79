// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub is written.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MappingError } from "../errors.ts";
import { readMappings } from "./mappings.ts";
import { MAPPING_PROPERTIES } from "./names.ts";
import type { Parts } from "./sample-service.ts";
import { ARN, kafkaEvent, kafkaResource, mskEvent, mskResource, service } from "./sample-service.ts";

describe("what no one would write", () => {
  const names = [
    ...MAPPING_PROPERTIES,
    ...["batchSize", "consumerGroupId", "enabled", "filterPatterns", "provisionedPollerConfig", "accessConfigurations"],
    ...["maximumBatchingWindow", "startingPosition", "onFailureDestination", "saslScram512", "ConsumerGroupId"],
    ...["arn", "topic", "Topics", "EventSourceArn", "SelfManagedEventSource", "FunctionName", "ParallelizationFactor"],
    ...[
      "AmazonManagedKafkaEventSourceConfig",
      "SchemaRegistryConfig",
      "OnFailure",
      "Destination",
      "Filters",
      "Pattern",
    ],
    ...["Ref", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::GetAtt", "Fn::ImportValue", "Fn::If"],
    ...["__proto__", "constructor", "toString", "Type", "URI", "clusters", "resources", "bootstrapServers"],
  ];
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(
        "${A.B}",
        "",
        "Raw",
        "AgentLambdaFunction",
        "AWS::NoValue",
        "orders",
        ARN,
        0,
        1,
        -1,
        null,
        true,
      ),
      fc.string({ maxLength: 5 }),
      fc.double(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 4 }),
    ),
  }));

  test("gives mappings or a MappingError, whatever the event, extension, resource or settings", () => {
    const anyObject = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
    let read = 0;
    fc.assert(
      fc.property(
        anyObject,
        anyObject,
        value,
        anyObject,
        value,
        (event, resourceProperties, extension, parameters, custom) => {
          const attempts: readonly Parts[] = [
            { events: [mskEvent(event)] },
            { events: [kafkaEvent(event)] },
            { events: [mskEvent()], extension },
            { resources: { Raw: mskResource(resourceProperties) }, parameters },
            { resources: { Raw: kafkaResource(resourceProperties), A: resourceProperties } },
            { events: [mskEvent()], settings: custom },
            { events: [{ msk: custom }, { kafka: custom }, custom] },
          ];
          for (const attempt of attempts) {
            try {
              readMappings(service(attempt));
              read += 1;
            } catch (error) {
              if (!(error instanceof MappingError)) throw error;
            }
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(100);
  });
});
