import type { DestinationConfig } from "../config/types.ts";
import { MappingError } from "../errors.ts";
import type { AwsContext } from "./aws-sdk.ts";
import type { Channel } from "./channel.ts";
import { withDeadline } from "./deadline.ts";
import type { FailedBatch } from "./invocation-record.ts";
import { openTopic, type TopicProducer } from "./kafka.ts";
import { openBucket } from "./s3.ts";
import { openNotificationTopic } from "./sns.ts";
import { openQueue } from "./sqs.ts";

export type { FailedBatch, FailureCondition, TopicMessage } from "./invocation-record.ts";
export { invocationRecord } from "./invocation-record.ts";
export type { TopicProducer } from "./kafka.ts";

/** Takes the batches that a mapping gives up. */
export interface OnFailureDestination {
  /** Its ARN, or `kafka://topic`. */
  readonly name: string;
  /**
   * Resolves when the destination has acknowledged. At least once: after a failure, part of the batch may have arrived, or
   * all of it.
   *
   * @throws {MappingError} SOK_DESTINATION_FAILED: it did not take the batch, or did not answer in time; trying again may
   *   help. SOK_DEPENDENCY_MISSING: the client for it is not installed.
   */
  deliver(batch: FailedBatch): Promise<void>;
  close(): Promise<void>;
}

export interface DestinationContext extends AwsContext {
  /** The logical id of the mapping: it is in the names of S3's objects. */
  readonly mappingId: string;
  /** Makes a producer for a Kafka destination, when it is first needed. The destination closes it. */
  readonly producer: () => TopicProducer;
  readonly log: { debug(line: string): void };
}

/** Connects to nothing yet: a destination that is down delays what fails, and nothing else. */
export function openDestination(config: DestinationConfig, context: DestinationContext): OnFailureDestination {
  const channel = openChannel(config, context);
  const { name } = channel;
  return {
    name,
    async deliver(batch) {
      try {
        const receipt = await withDeadline(channel.limitMs(batch), (signal) => channel.send(batch, signal));
        context.log.debug(`${name}: took request ${batch.requestId} as ${receipt}`);
      } catch (cause) {
        if (cause instanceof MappingError) throw cause;
        const reason = channel.explain(cause);
        throw new MappingError("SOK_DESTINATION_FAILED", `${name} did not take a failed batch: ${reason}`, { cause });
      }
    },
    close: () => channel.close(),
  };
}

function openChannel(config: DestinationConfig, context: DestinationContext): Channel {
  switch (config.kind) {
    case "sqs":
      return openQueue(config.arn, context);
    case "sns":
      return openNotificationTopic(config.arn, context);
    case "s3":
      return openBucket(config.arn, context.mappingId, context);
    case "kafka":
      return openTopic(config.topic, context.producer);
  }
}
