import { LogLevelThreshold } from "@aws-lambda-powertools/logger";
import { MetricUnit } from "@aws-lambda-powertools/metrics";
import {
  type KafkaBatchResponse,
  KafkaEvent,
  type LambdaHandler,
  lambdaHandler,
  type RecordFailure,
  reportRecordFailures,
  takeRecords,
} from "../lambda/index.ts";
import { outlastOutage, type Pool } from "../postgres/index.ts";
import type { Agent } from "./agent.ts";
import { DurableFold, type SkippedOffsets } from "./fold.ts";
import { postgresStore } from "./postgres-store.ts";
import { RecordBatch } from "./record-batch.ts";
import type { FoldStore } from "./store.ts";
import { TransactionReader } from "./transaction-reader.ts";

/** The Lambda function of an agent: decode the batch, judge it, record what came of it. */
export function agentHandler(
  agent: Agent,
  { pool, store = postgresStore(pool, agent.name) }: { pool: Pool; store?: FoldStore },
): LambdaHandler<KafkaBatchResponse> {
  const fold = new DurableFold(agent, store);
  const decoder = new BatchDecoder(agent);
  return lambdaHandler({ input: KafkaEvent }, async (event, { context, logger, metrics }) => {
    const { batches, failures } = decoder.decode(event);
    const result = await outlastOutage(() => fold.apply(batches), {
      remainingMs: () => context.getRemainingTimeInMillis?.() ?? 0,
      onOutage: (error) =>
        logger.warn("PostgreSQL is away; trying for as long as this invocation has", { error: String(error) }),
    });
    for (const { topic, partition, first, last } of result.skipped) {
      logger.warn(
        `The offsets ${first} to ${last} of ${topic}-${partition} were never delivered. One or a few are records that were put aside; many have expired, or the group is ahead of the agent's state`,
        { topic, partition, first, last },
      );
    }
    // Of a busy stream every fifth transaction is an alert, and a log line takes longer than judging. Whoever wants to see
    // alerts has forwardAlerts, which logs each of them once.
    if (logger.level <= LogLevelThreshold.DEBUG) {
      for (const { alertId, userId, reason, historical } of result.alerts) {
        logger.debug("Alert", { alertId, userId, reason, historical });
      }
    }
    decoder.release(batches);
    metrics.addMetric("TransactionsJudged", MetricUnit.Count, result.judged);
    metrics.addMetric("TransactionsRepeated", MetricUnit.Count, result.repeated);
    metrics.addMetric("RecordsRedelivered", MetricUnit.Count, result.redelivered);
    metrics.addMetric("RecordsSkipped", MetricUnit.Count, countOf(result.skipped));
    metrics.addMetric("AlertsRaised", MetricUnit.Count, result.newAlerts);
    return reportRecordFailures(failures, { logger, metrics });
  });
}

function countOf(skipped: readonly SkippedOffsets[]): number {
  return skipped.reduce((count, { first, last }) => count + last - first + 1, 0);
}

/** Decodes events into batches, and takes the batches back to fill them again: they are large. */
class BatchDecoder {
  readonly #transactions: TransactionReader;
  readonly #free: RecordBatch[] = [];

  constructor(agent: Agent) {
    this.#transactions = new TransactionReader(agent.needs);
  }

  /** One batch for each partition, up to its first record that cannot be decoded. */
  decode(event: KafkaEvent): { batches: RecordBatch[]; failures: RecordFailure[] } {
    const batches: RecordBatch[] = [];
    const failures = takeRecords(event, (first) => {
      const batch = (this.#free.pop() ?? new RecordBatch()).reset(first);
      batches.push(batch);
      return (record) => this.#transactions.readInto(batch, record);
    });
    return { batches, failures };
  }

  release(batches: readonly RecordBatch[]): void {
    this.#free.push(...batches);
  }
}
