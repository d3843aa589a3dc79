import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { decodeRecord } from "../change-events/index.ts";
import {
  decodeRecords,
  type KafkaBatchResponse,
  KafkaEvent,
  type KafkaRecord,
  type LambdaHandler,
  lambdaHandler,
  reportRecordFailures,
} from "../lambda/index.ts";
import { outlastOutage, type Pool } from "../postgres/index.ts";
import type { Agent } from "./agent.ts";
import { DurableFold, type FoldBatch, type FoldRecord } from "./fold.ts";
import { postgresStore } from "./postgres-store.ts";
import type { FoldStore } from "./store.ts";
import { transactionOf } from "./transaction.ts";

/** The Lambda function of an agent: decode the batch, judge it, record what came of it. */
export function agentHandler(
  agent: Agent,
  { pool, store = postgresStore(pool, agent.name) }: { pool: Pool; store?: FoldStore },
): LambdaHandler<KafkaBatchResponse> {
  const fold = new DurableFold(agent, store);
  return lambdaHandler({ input: KafkaEvent }, async (event, { context, logger, metrics }) => {
    const { decoded, failures } = decodeRecords(event, (record) => foldRecordOf(record, agent));
    const batches = byPartition(decoded);
    const result = await outlastOutage(() => fold.apply(batches), {
      remainingMs: () => context.getRemainingTimeInMillis?.() ?? 0,
      onOutage: (error) =>
        logger.warn("PostgreSQL is away; trying for as long as this invocation has", { error: String(error) }),
    });
    // Of a busy stream every fifth transaction is an alert, and a log line takes longer than judging. Whoever wants to see
    // alerts has forwardAlerts, which logs each of them once.
    for (const alert of result.alerts) {
      logger.debug("Alert", {
        alertId: alert.alertId,
        userId: alert.userId,
        reason: alert.reason,
        historical: alert.historical,
      });
    }
    metrics.addMetric("TransactionsJudged", MetricUnit.Count, result.judged);
    metrics.addMetric("RecordsRedelivered", MetricUnit.Count, result.redelivered);
    metrics.addMetric("AlertsRaised", MetricUnit.Count, result.newAlerts);
    return reportRecordFailures(failures, { logger, metrics });
  });
}

/** @throws {ChangeEventError} when the record is no change event, or not one that this agent can judge */
function foldRecordOf(record: KafkaRecord, agent: Agent): FoldRecord {
  const decoded = decodeRecord(record);
  if (decoded.kind === "tombstone") {
    return { offset: record.offset, transaction: null, historical: false, committedAtMicros: 0 };
  }
  const { event } = decoded;
  return {
    offset: record.offset,
    transaction: transactionOf(event, agent.needs),
    historical: event.op === "r",
    committedAtMicros: event.source.committedAtMicros,
  };
}

/** The event has its records partition by partition, so those of one partition follow each other. */
function byPartition(decoded: readonly { record: KafkaRecord; value: FoldRecord }[]): FoldBatch[] {
  const batches: (FoldBatch & { records: FoldRecord[] })[] = [];
  for (const { record, value } of decoded) {
    const { topic, partition } = record;
    let batch = batches.at(-1);
    if (batch?.partition !== partition || batch.topic !== topic) {
      batch = { topic, partition, records: [] };
      batches.push(batch);
    }
    batch.records.push(value);
  }
  return batches;
}
