import * as v from "valibot";
import { type Environment, readEnvironment } from "../../shared/config/environment.ts";
import type { Connectors } from "./connect/connectors.ts";
import type { Mappings } from "./mappings/mappings.ts";

/** What does not answer must not hold up whatever else a page shows. Without throwOnRequestTimeout the client only writes a warning. */
export const awsClientSettings = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
};

/** Pages ask every two seconds, each of them; AWS allows an account some ten questions of this kind a second. */
const listMs = 10_000;

const AwsEnvironment = v.object({
  CONSOLE_NAME: v.string(),
  CONSOLE_CLUSTER_ARN: v.string(),
});

/** Once, when it is first asked for. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What was last answered, for so long; a failure is not kept. */
export function keptFor<Value>(ms: number, ask: () => Promise<Value>): { get(): Promise<Value>; forget(): void } {
  let kept: { readonly value: Promise<Value>; readonly untilMs: number } | undefined;
  return {
    get() {
      if (kept === undefined || performance.now() >= kept.untilMs) {
        const value = ask();
        const own = { value, untilMs: performance.now() + ms };
        kept = own;
        value.catch(() => {
          if (kept === own) kept = undefined;
        });
      }
      return kept.value;
    },
    forget() {
      kept = undefined;
    },
  };
}

/**
 * MSK Connect's connectors and Lambda's mappings, whose clients are loaded with the first question: on a laptop they never are.
 *
 * @throws {ConfigError} naming what is missing in the environment
 */
export function consoleOnAws(environment: Environment = process.env): { connectors: Connectors; mappings: Mappings } {
  const { CONSOLE_NAME: stackName, CONSOLE_CLUSTER_ARN: clusterArn } = readEnvironment(AwsEnvironment, environment);
  const connectors = once(async () => (await import("./connect/msk.ts")).connectorsOfMsk({ stackName }));
  const mappings = once(async () => (await import("./mappings/lambda.ts")).mappingsOfLambda({ stackName, clusterArn }));
  const connectorList = keptFor(listMs, async () => (await connectors()).list());
  const mappingList = keptFor(listMs, async () => (await mappings()).list());
  return {
    connectors: {
      list: connectorList.get,
      act: async (name, action) => {
        await (await connectors()).act(name, action);
        connectorList.forget();
      },
    },
    mappings: {
      list: mappingList.get,
      act: async (name, action) => {
        await (await mappings()).act(name, action);
        mappingList.forget();
      },
      replay: undefined,
    },
  };
}
