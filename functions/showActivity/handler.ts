import type { Logger } from "@aws-lambda-powertools/logger";
import {
  decodeRecords,
  type KafkaBatchResponse,
  KafkaEvent,
  type LambdaHandler,
  lambdaHandler,
  reportRecordFailures,
} from "../../shared/lambda/index.ts";
import { describeActivity } from "./activity.ts";

export interface ShowActivityResult extends KafkaBatchResponse {
  /** How many events were shown. */
  readonly count: number;
}

/** Shows what happens in the table activity, one line an event. */
export function createHandler({ logger }: { readonly logger?: Logger } = {}): LambdaHandler<ShowActivityResult> {
  return lambdaHandler({ input: KafkaEvent, logger }, async (event, tools) => {
    const { decoded, failures } = decodeRecords(event, describeActivity);
    for (const { value: activity } of decoded) {
      const { what, ...details } = activity;
      tools.logger.info(activity.table === undefined ? what : `${what}: ${activity.table}`, details);
    }
    return { count: decoded.length, ...reportRecordFailures(failures, tools) };
  });
}
