import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type * as v from "valibot";
import { parseInput } from "./input.ts";
import { type KafkaBatchResponse, kafkaBatchResponse, type RecordFailure } from "./kafka-event.ts";

/** On AWS: with its stage. */
const serviceName = process.env["POWERTOOLS_SERVICE_NAME"] || "tripline";
const metricsNamespace = "Tripline";

/** What an invocation may use besides its event. */
export interface LambdaTools {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly context: Context;
}

export interface LambdaOptions<Schema extends v.GenericSchema> {
  /** What the event must look like; the handler receives the schema's output. */
  readonly input: Schema;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

export type LambdaHandler<Result> = (event: unknown, context?: Partial<Context>) => Promise<Result>;

/**
 * The one stack around every function: structured logs with the function's name and the request's id, metrics written when
 * the invocation ends, the event parsed at the boundary, and an error logged once and thrown on, so that the event source
 * retries.
 *
 * @example
 * export const handler = lambdaHandler({ input: KafkaEvent }, async (event, { logger, metrics }) => {
 *   const { decoded, failures } = decodeRecords(event, decode);
 *   …
 *   return reportRecordFailures(failures, { logger, metrics });
 * });
 */
export function lambdaHandler<const Schema extends v.GenericSchema, Result>(
  { input, logger = createLogger(), metrics = createMetrics() }: LambdaOptions<Schema>,
  handle: (event: v.InferOutput<Schema>, tools: LambdaTools) => Promise<Result>,
): LambdaHandler<Result> {
  // middy would answer just before the timeout and leave the handler running into the next invocation. Without that,
  // Lambda ends the environment, and PostgreSQL rolls back what it was doing.
  const stack = middy<unknown, Result>({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .use(writeMetrics(metrics))
    .use(logError(logger))
    .use(parseEvent(input))
    .handler((event: v.InferOutput<Schema>, context) => handle(event, { logger, metrics, context }));
  return (event, context = {}) => stack(event, context as Context);
}

/** A key is a few columns; more of one is not worth a log line. */
const keyLengthMax = 200;

/**
 * Logs the records that could not be taken, each with its cause and its key, counts them as `UndecodableRecords`, and builds the
 * answer that makes the mapping retry them and, in the end, hand them to its on-failure destination.
 */
export function reportRecordFailures(
  failures: readonly RecordFailure[],
  { logger, metrics }: Pick<LambdaTools, "logger" | "metrics">,
): KafkaBatchResponse {
  for (const { topic, partition, offset, key, error: thrown } of failures) {
    const error = errorOf(thrown);
    logger.error(`A record stops its partition until it is retried or given up: ${error.message}`, {
      topic,
      partition,
      offset,
      key: key === null ? null : Buffer.from(key, "base64").toString().slice(0, keyLengthMax),
      code: codeOf(thrown),
      error,
    });
  }
  if (failures.length > 0) metrics.addMetric("UndecodableRecords", MetricUnit.Count, failures.length);
  return kafkaBatchResponse(failures);
}

/** A logger to hand to lambdaHandler, for a function that also logs outside of its handler. */
export function createLogger(): Logger {
  return new Logger({ serviceName });
}

function createMetrics(): Metrics {
  // Metrics are log lines that CloudWatch reads; in a terminal nobody does. Lambda always sets the variable asked for here,
  // local runners do not; whoever wants to see the lines locally sets POWERTOOLS_METRICS_DISABLED=false.
  process.env["POWERTOOLS_METRICS_DISABLED"] ??= String(process.env["AWS_LAMBDA_INITIALIZATION_TYPE"] === undefined);
  return new Metrics({ namespace: metricsNamespace, serviceName });
}

function parseEvent(input: v.GenericSchema): middy.MiddlewareObj {
  return {
    before: (request) => {
      request.event = parseInput(input, request.event);
    },
  };
}

function logError(logger: Logger): middy.MiddlewareObj {
  return {
    onError: ({ error }) => {
      const thrown = errorOf(error);
      logger.error(thrown.message, { code: codeOf(error), error: thrown });
    },
  };
}

function writeMetrics(metrics: Metrics): middy.MiddlewareObj {
  // Powertools' own middleware warns whenever there is nothing to write, which is the usual case for a quiet function.
  const write = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return { after: write, onError: write };
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "UNKNOWN";
}
