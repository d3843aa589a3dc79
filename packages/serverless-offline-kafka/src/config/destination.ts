import type { Declaration } from "./declaration.ts";
import { show } from "./json.ts";
import { TOPIC_PATTERN } from "./topic.ts";
import type { DestinationConfig } from "./types.ts";

const KAFKA_SCHEME = "kafka://";

/** The services that take given up batches, by their ARNs [kafka-on-failure]. */
const ARN_PATTERNS: ReadonlyArray<readonly [kind: "sqs" | "sns" | "s3", pattern: RegExp]> = [
  ["sqs", /^arn:[\w-]+:sqs:[\w-]+:\d{12}:[\w.-]+$/],
  ["sns", /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+$/],
  ["s3", /^arn:[\w-]+:s3:::[a-z0-9.-]+$/],
];

/**
 * DestinationConfig.OnFailure.
 *
 * @throws MappingError SOK_DESTINATION_INVALID
 */
export function readDestination(declaration: Declaration, sourceTopic: string): DestinationConfig | undefined {
  const config = declaration.nested("DestinationConfig", ["OnFailure", "OnSuccess"]);
  if (config === undefined) return undefined;
  if (config.raw("OnSuccess") !== undefined) {
    throw config.fail(
      "SOK_DESTINATION_INVALID",
      `${config.label("OnSuccess")}: an event source mapping has no such destination; remove it`,
    );
  }
  const onFailure = config.nested("OnFailure", ["Destination"]);
  const destination = onFailure?.value("Destination");
  // An empty text is how AWS's API takes a destination away.
  if (onFailure === undefined || destination === undefined || destination === "") return undefined;

  const fail = (remedy: string) =>
    onFailure.fail("SOK_DESTINATION_INVALID", `${onFailure.label("Destination")} is ${show(destination)}; ${remedy}`);
  if (typeof destination !== "string") throw fail("write an ARN or kafka://topic");
  if (destination.startsWith(KAFKA_SCHEME)) {
    const topic = destination.slice(KAFKA_SCHEME.length);
    if (!TOPIC_PATTERN.test(topic)) throw fail("write kafka:// and the name of one topic");
    if (topic === sourceTopic) throw fail("its batches would come back for ever: name another topic than the source");
    return { kind: "kafka", topic };
  }
  const [kind] = ARN_PATTERNS.find(([, pattern]) => pattern.test(destination)) ?? [];
  if (kind === undefined) {
    throw fail("write the ARN of an SQS queue, an SNS topic or an S3 bucket, or kafka://topic");
  }
  return { kind, arn: destination };
}
