import type { Context } from "aws-lambda";
import * as v from "valibot";
import { type LambdaHandler, type LambdaOptions, type LambdaTools, lambdaHandler } from "./handler.ts";
import { parseInput } from "./input.ts";

/**
 * What CloudFormation sends.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
const CustomResourceRequest = v.object({
  RequestType: v.picklist(["Create", "Update", "Delete"]),
  ResponseURL: v.pipe(v.string(), v.url()),
  StackId: v.string(),
  RequestId: v.string(),
  LogicalResourceId: v.string(),
  PhysicalResourceId: v.optional(v.string()),
  ResourceProperties: v.record(v.string(), v.unknown()),
});

type Request = v.InferOutput<typeof CustomResourceRequest>;

/** CloudFormation refuses answers of more than 4,096 bytes, and is left waiting then. */
const reasonLengthMax = 1_000;
const attempts = 3;
const answerTimeoutMs = 10_000;
/** Before Lambda ends the function, time for one answer and one more. */
const answerReserveMs = 25_000;

export interface CustomResource<Schema extends v.GenericSchema> {
  readonly logger?: LambdaOptions<v.GenericSchema>["logger"];
  /** What the resource's properties must look like. CloudFormation sends every scalar as text. */
  readonly properties: Schema;
  /** Makes it, or makes it as it should be now: both may come more than once. What is answered is there for Fn::GetAtt. */
  readonly ensure: (
    properties: v.InferOutput<Schema>,
    tools: LambdaTools,
  ) => Promise<Record<string, string> | undefined>;
}

/**
 * The function behind a custom resource that outlives its stack: there is nothing to do when it is deleted, because what it
 * made is inside of a database or a cluster and goes with that.
 *
 * CloudFormation waits for the answer until the resource's ServiceTimeout, so there is one in any case: also of what went
 * wrong, which then is not thrown, for Lambda would call again; and of what takes too long, which goes on until Lambda ends it,
 * so that nothing is left open in an environment that only sleeps.
 */
export function customResourceHandler<const Schema extends v.GenericSchema>({
  properties,
  ensure,
  logger,
}: CustomResource<Schema>): LambdaHandler<void> {
  return lambdaHandler({ input: CustomResourceRequest, logger }, async (request, tools) => {
    let answered: Promise<void> | undefined;
    const answerOnce = (outcome: Outcome) => (answered ??= answer(request, outcome));
    const fail = (thrown: unknown) => {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      tools.logger.error(error.message, { resource: request.LogicalResourceId, error });
      return answerOnce({ Status: "FAILED", Reason: reasonOf(error, tools.context) });
    };
    const late = failWhenLate(tools.context, fail);
    try {
      const data =
        request.RequestType === "Delete"
          ? undefined
          : await ensure(parseInput(properties, request.ResourceProperties), tools);
      await answerOnce({ Status: "SUCCESS", ...(data === undefined ? {} : { Data: data }) });
    } catch (thrown) {
      await fail(thrown);
    } finally {
      clearTimeout(late);
    }
  });
}

function failWhenLate(context: Context, fail: (error: Error) => Promise<void>): NodeJS.Timeout | undefined {
  const remainingMs = context.getRemainingTimeInMillis?.();
  if (remainingMs === undefined) return undefined;
  const error = new Error("It takes longer than its function may run: its log says how far it came");
  return setTimeout(() => {
    // The answer is awaited, and its failure thrown, where the work ends, if it does.
    fail(error).catch(() => {});
  }, remainingMs - answerReserveMs);
}

function reasonOf(error: Error, context: Context): string {
  const log = context.logStreamName === undefined ? "" : ` (log stream ${context.logStreamName})`;
  return `${error.message.slice(0, reasonLengthMax)}${log}`;
}

type Outcome = { Status: "SUCCESS"; Data?: Record<string, string> } | { Status: "FAILED"; Reason: string };

async function answer(request: Request, outcome: Outcome): Promise<void> {
  const body = JSON.stringify({
    ...outcome,
    // A resource whose id changes counts as replaced, and the old one is deleted.
    PhysicalResourceId: request.PhysicalResourceId ?? request.LogicalResourceId,
    StackId: request.StackId,
    RequestId: request.RequestId,
    LogicalResourceId: request.LogicalResourceId,
  });
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(request.ResponseURL, {
        method: "PUT",
        // The address is signed for a body without a type.
        headers: { "content-type": "" },
        body,
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
      if (response.ok) return;
      throw new Error(`CloudFormation's address for answers said ${response.status}`);
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}
