import type { Logger } from "@aws-lambda-powertools/logger";
import { type Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { decodeAlertChange } from "../../shared/alerts/index.ts";
import {
  decodeRecords,
  type KafkaBatchResponse,
  KafkaEvent,
  type LambdaHandler,
  lambdaHandler,
  reportRecordFailures,
} from "../../shared/lambda/index.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { type Channel, ForwardError, type ForwardResult, forwardThrough } from "./forward.ts";
import { type Selection, selectAlerts } from "./selection.ts";

export interface ForwardAlertsDependencies {
  readonly pool: Pool;
  readonly channels: readonly Channel[];
  readonly forwardHistorical: boolean;
  readonly logger?: Logger;
}

/** Takes the alerts that Debezium carries out of fraud.alerts to the downstream systems, each to each once. */
export function createHandler(dependencies: ForwardAlertsDependencies): LambdaHandler<KafkaBatchResponse> {
  const { pool, channels, forwardHistorical, logger } = dependencies;
  return lambdaHandler({ input: KafkaEvent, logger }, async (event, tools) => {
    const { decoded, failures } = decodeRecords(event, decodeAlertChange);
    const selection = selectAlerts(
      decoded.map(({ value }) => value),
      forwardHistorical,
    );

    const results: ForwardResult[] = [];
    // One after the other: they share the only connection, and a channel that fails does not keep the next from its turn.
    for (const channel of channels) results.push(await forwardThrough(channel, selection.alerts, pool));

    count(tools.metrics, selection, results);
    if (results.some((result) => result.failures.length > 0)) throw new ForwardError(results);
    return reportRecordFailures(failures, tools);
  });
}

function count(metrics: Metrics, { alerts, historical, ignored }: Selection, results: readonly ForwardResult[]): void {
  metrics.addMetric("AlertsReceived", MetricUnit.Count, alerts.length);
  metrics.addMetric("AlertsHistorical", MetricUnit.Count, historical);
  metrics.addMetric("AlertChangesIgnored", MetricUnit.Count, ignored);
  for (const { channel, forwarded, failures } of results) {
    metrics.singleMetric().addDimension("channel", channel).addMetric("AlertsForwarded", MetricUnit.Count, forwarded);
    if (failures.length === 0) continue;
    metrics
      .singleMetric()
      .addDimension("channel", channel)
      .addMetric("AlertsNotForwarded", MetricUnit.Count, failures.length);
  }
}
