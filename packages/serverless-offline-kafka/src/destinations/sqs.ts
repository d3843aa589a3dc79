import { ANSWER_MS_MAX, type AwsContext, awsReasonOf, clientOptions, Lazy, loadClient } from "./aws-sdk.ts";
import type { Channel } from "./channel.ts";
import { invocationRecord } from "./invocation-record.ts";

/** Sends to the queue of `arn:aws:sqs:region:account:name`. */
export function openQueue(arn: string, context: AwsContext): Channel {
  const [, , , region = "", account = "", queueName = ""] = arn.split(":");
  const client = new Lazy(async () => {
    const sdk = await loadClient("@aws-sdk/client-sqs", () => import("@aws-sdk/client-sqs"));
    // Emulators put names of hosts into a queue's URL that only their containers can resolve.
    const options = { ...clientOptions({ ...context, region }), useQueueUrlAsEndpoint: false };
    return { sdk, sqs: new sdk.SQSClient(options) };
  });
  let queueUrl: string | undefined;

  return {
    name: arn,
    limitMs: () => ANSWER_MS_MAX,
    explain: awsReasonOf,
    async send(batch, abortSignal) {
      const { sdk, sqs } = await client.get();
      if (queueUrl === undefined) {
        const command = new sdk.GetQueueUrlCommand({ QueueName: queueName, QueueOwnerAWSAccountId: account });
        queueUrl = (await sqs.send(command, { abortSignal })).QueueUrl;
      }
      const command = new sdk.SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(invocationRecord(batch)),
      });
      try {
        return `message ${(await sqs.send(command, { abortSignal })).MessageId}`;
      } catch (error) {
        // A queue that was made anew has another address, perhaps.
        queueUrl = undefined;
        throw error;
      }
    },
    close: () => client.end(({ sqs }) => sqs.destroy()),
  };
}
