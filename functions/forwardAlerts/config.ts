import * as v from "valibot";
import { booleanSetting, type Environment, readEnvironment } from "../../shared/config/environment.ts";

export interface ForwardAlertsConfig {
  /** Whether alerts that a snapshot found are sent on too. They are about the past: nobody should be woken by them. */
  readonly forwardHistorical: boolean;
  readonly topicArn?: string | undefined;
  readonly webhookUrl?: URL | undefined;
}

const webhookAddress = v.pipe(
  v.string(),
  v.url("must be a URL"),
  v.transform((url) => new URL(url)),
  v.check(
    (url) => url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)),
    "must be https: alerts name users and amounts, and only a loopback address keeps them on the machine without",
  ),
  v.check((url) => url.username === "" && url.password === "", "must not carry a user and password"),
);

const ForwardAlertsEnvironment = v.object({
  FORWARD_HISTORICAL: v.optional(booleanSetting, "false"),
  ALERTS_TOPIC_ARN: v.exactOptional(
    v.pipe(v.string(), v.regex(/^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/, "must be the ARN of a standard SNS topic")),
  ),
  ALERTS_WEBHOOK_URL: v.exactOptional(webhookAddress),
});

export function forwardAlertsConfig(environment: Environment = process.env): ForwardAlertsConfig {
  const settings = readEnvironment(ForwardAlertsEnvironment, environment);
  return {
    forwardHistorical: settings.FORWARD_HISTORICAL,
    topicArn: settings.ALERTS_TOPIC_ARN,
    webhookUrl: settings.ALERTS_WEBHOOK_URL,
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
