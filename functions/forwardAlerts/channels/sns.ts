import { PublishBatchCommand, type PublishBatchRequestEntry, SNSClient } from "@aws-sdk/client-sns";
import { alertMessage, type StoredAlert } from "../../../shared/alerts/index.ts";
import type { Channel, DeliveryFailure } from "../forward.ts";

/** @see https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
const publishBatchMax = 10;

/** The SDK alone would wait for an answer for ever. */
const timeouts = { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true };

/**
 * An SNS topic, for alerting services. Subscribers can filter on the attributes agent, rule and user_id.
 * In a partly refused batch only the refused alerts fail.
 */
export function snsChannel(topicArn: string, client = new SNSClient({ requestHandler: timeouts })): Channel {
  return {
    name: "sns",
    deliver: async (alerts) => {
      const delivered: StoredAlert[] = [];
      const failures: DeliveryFailure[] = [];
      for (let start = 0; start < alerts.length; start += publishBatchMax) {
        const batch = alerts.slice(start, start + publishBatchMax);
        const refused = await publish(client, topicArn, batch);
        for (const [index, alert] of batch.entries()) {
          const error = refused.get(String(index));
          if (error === undefined) delivered.push(alert);
          else failures.push({ alert, error });
        }
      }
      return { delivered, failures };
    },
  };
}

/** Returns the errors of the alerts that were refused, by their index in the batch. */
async function publish(
  client: SNSClient,
  topicArn: string,
  batch: readonly StoredAlert[],
): Promise<ReadonlyMap<string | undefined, Error>> {
  try {
    const command = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: batch.map(entryOf) });
    const { Failed = [] } = await client.send(command);
    return new Map(Failed.map(({ Id, Code, Message }) => [Id, new Error(`SNS refused it: ${Message ?? Code}`)]));
  } catch (cause) {
    const error = new Error(`SNS could not be reached at ${topicArn}`, { cause });
    return new Map(batch.map((_, index) => [String(index), error]));
  }
}

function entryOf(alert: StoredAlert, index: number): PublishBatchRequestEntry {
  return {
    // Unique within the request; an alert's own id may have characters that are not allowed here.
    Id: String(index),
    Message: JSON.stringify(alertMessage(alert)),
    MessageAttributes: {
      agent: { DataType: "String", StringValue: alert.agent },
      rule: { DataType: "String", StringValue: alert.rule },
      user_id: { DataType: "Number", StringValue: String(alert.userId) },
    },
  };
}
