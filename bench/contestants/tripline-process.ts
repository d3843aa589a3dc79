// The process of the contestant Tripline: event source mappings with the agents behind them, as `sls offline` runs them. Its only
// argument is its task, as JSON. It ends when its input does.
import Lambda from "serverless-offline/lambda";
import type { MappingConfig } from "../../packages/serverless-offline-kafka/src/config/types.ts";
import type { Invoker } from "../../packages/serverless-offline-kafka/src/delivery/contract.ts";
import { ConcurrencyLimit, InvokerPool } from "../../packages/serverless-offline-kafka/src/host/invoker-pool.ts";
import { LambdaInvoker } from "../../packages/serverless-offline-kafka/src/host/lambda-invoker.ts";
import { openMapping } from "../../packages/serverless-offline-kafka/src/open-mapping.ts";

export interface TriplineTask {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** Where the bundled functions are. */
  readonly servicePath: string;
  readonly handlerIn: "worker" | "process";
  /** Of the functions. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of each function; left out for as many as it has invocations at once. */
  readonly environmentsMax: number | undefined;
  readonly mappings: readonly TriplineMapping[];
}

interface TriplineMapping {
  readonly agent: string;
  readonly functionKey: string;
  readonly groupId: string;
  readonly timeoutSeconds: number;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly pollersMin: number;
  readonly pollersMax: number;
}

const region = "us-east-1";
const runtime = "nodejs24.x";

const task = JSON.parse(process.argv[2] ?? "") as TriplineTask;
// A worker has the environment of its function's definition, and no other.
Object.assign(process.env, task.environment);

/** A batch that is tried again would be measured as if nothing had happened. */
function giveUp(line: string): never {
  console.error(line);
  process.exit(1);
}

/** An execution environment of a function, as the plugin makes it. */
function environmentOf({ functionKey, timeoutSeconds }: TriplineMapping): LambdaInvoker {
  const { environment, handlerIn, servicePath } = task;
  const service = { service: "tripline", provider: { name: "aws", region, runtime } };
  const lambda = new Lambda(
    { service, config: { serverlessPath: "", servicePath }, serviceDir: servicePath },
    { useInProcess: handlerIn === "process", noTimeout: true, host: "localhost" },
  );
  const functionDefinition = {
    handler: `functions/${functionKey}/index.handler`,
    name: functionKey,
    runtime,
    environment,
  };
  lambda.create([{ functionKey, functionDefinition }]);
  return new LambdaInvoker({
    lambda,
    functionKey,
    timeoutMs: timeoutSeconds * 1000,
    inWorker: handlerIn === "worker",
    reloadHandler: false,
  });
}

function configOf(mapping: TriplineMapping): MappingConfig {
  const { bootstrapServers, topic } = task;
  return {
    logicalId: mapping.functionKey,
    functionKey: mapping.functionKey,
    functionArn: `arn:aws:lambda:${region}:000000000000:function:tripline-local-${mapping.functionKey}`,
    topic,
    groupId: mapping.groupId,
    enabled: true,
    batchSize: mapping.batchSize,
    windowMs: mapping.windowMs,
    startingPosition: { kind: "TRIM_HORIZON" },
    reportBatchItemFailures: true,
    filterPatterns: [],
    scaling: { kind: "provisioned", pollersMin: mapping.pollersMin, pollersMax: mapping.pollersMax },
    retryAttemptsMax: 3,
    recordAgeMsMax: Number.POSITIVE_INFINITY,
    bisectBatchOnFunctionError: true,
    onFailure: undefined,
    schemaRegistry: undefined,
    access: [],
    tls: undefined,
    bootstrapServers: [bootstrapServers],
    envelope: {
      eventSource: "aws:kafka",
      eventSourceArn: `arn:aws:kafka:${region}:000000000000:cluster/tripline/00000000-0000-0000-0000-000000000000-1`,
      bootstrapServers,
    },
  };
}

/** Says when the first record reaches the function. */
function announcingFirst(agent: string, pool: InvokerPool): Invoker {
  let first = true;
  return {
    invocationsMax: pool.invocationsMax,
    invoke: (event) => {
      if (first) console.log(JSON.stringify({ event: "first", agent }));
      first = false;
      return pool.invoke(event);
    },
  };
}

const mappings = task.mappings.map((mapping) => {
  const pool = new InvokerPool(
    new ConcurrencyLimit(Number.POSITIVE_INFINITY),
    () => environmentOf(mapping),
    task.environmentsMax,
  );
  return openMapping(configOf(mapping), {
    invoker: announcingFirst(mapping.agent, pool),
    region,
    log: { notice: () => {}, debug: () => {}, warning: giveUp, error: giveUp },
  });
});
for (const mapping of mappings) mapping.start();
process.stdin.resume();
process.stdin.once("end", async () => {
  await Promise.all(mappings.map((mapping) => mapping.stop(new Promise(() => {}))));
  process.exit(0);
});
