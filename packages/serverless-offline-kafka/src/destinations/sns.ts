import { ANSWER_MS_MAX, type AwsContext, awsReasonOf, clientOptions, Lazy, loadClient } from "./aws-sdk.ts";
import type { Channel } from "./channel.ts";
import { invocationRecord } from "./invocation-record.ts";

/** Publishes to the topic `arn:aws:sns:region:account:name`. */
export function openNotificationTopic(arn: string, context: AwsContext): Channel {
  const [, , , region = ""] = arn.split(":");
  const client = new Lazy(async () => {
    const sdk = await loadClient("@aws-sdk/client-sns", () => import("@aws-sdk/client-sns"));
    return { sdk, sns: new sdk.SNSClient(clientOptions({ ...context, region })) };
  });

  return {
    name: arn,
    limitMs: () => ANSWER_MS_MAX,
    explain: awsReasonOf,
    async send(batch, abortSignal) {
      const { sdk, sns } = await client.get();
      const command = new sdk.PublishCommand({ TopicArn: arn, Message: JSON.stringify(invocationRecord(batch)) });
      return `message ${(await sns.send(command, { abortSignal })).MessageId}`;
    },
    close: () => client.end(({ sns }) => sns.destroy()),
  };
}
