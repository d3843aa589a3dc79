import type { Logger } from "@aws-lambda-powertools/logger";
import type { ForwardAlertsConfig } from "../config.ts";
import type { Channel } from "../forward.ts";
import { logChannel } from "./log.ts";
import { snsChannel } from "./sns.ts";
import { webhookChannel } from "./webhook.ts";

/** The log always, the others where the configuration names them. */
export function configuredChannels({ topicArn, webhookUrl }: ForwardAlertsConfig, logger: Logger): Channel[] {
  return [
    logChannel(logger),
    ...(topicArn === undefined ? [] : [snsChannel(topicArn)]),
    ...(webhookUrl === undefined ? [] : [webhookChannel(webhookUrl)]),
  ];
}
