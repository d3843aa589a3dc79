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

/** What was last answered, for so long; a failure is not kept. */
export function keptFor<Value>(ms: number, ask: () => Promise<Value>) {
  let kept: { readonly value: Promise<Value>; readonly untilMs: number } | undefined;
  return {
    get({ fresh } = { fresh: false }): Promise<Value> {
      if (fresh || kept === undefined || performance.now() >= kept.untilMs) {
        const value = ask();
        const own = { value, untilMs: performance.now() + ms };
        kept = own;
        value.catch(() => {
          if (kept === own) kept = undefined;
        });
      }
      return kept.value;
    },
    forget(): void {
      kept = undefined;
    },
  };
}

/** What is listed is kept for a while, but not across what is done to it. */
export function keeping<Listed, Action>(inner: () => Promise<Actable<Listed, Action>>): Actable<Listed, Action> {
  const listed = keptFor(listMs, async () => (await inner()).list());
  return {
    list: listed.get,
    act: async (name, action) => {
      try {
        await (await inner()).act(name, action);
      } finally {
        // It may have been done though nobody has said so in time.
        listed.forget();
      }
    },
  };
}

interface Actable<Listed, Action> {
  list(options?: { readonly fresh: boolean }): Promise<readonly Listed[]>;
  act(name: string, action: Action): Promise<void>;
}

/**
 * MSK Connect's connectors and Lambda's mappings, whose clients are loaded with the first question: on a laptop they never are.
 *
 * @throws {ConfigError} naming what is missing in the environment
 */
export function consoleOnAws(environment: Environment = process.env): { connectors: Connectors; mappings: Mappings } {
  const { CONSOLE_NAME: stackName, CONSOLE_CLUSTER_ARN: clusterArn } = readEnvironment(AwsEnvironment, environment);
  const connectors = keptFor(Infinity, async () => (await import("./connect/msk.ts")).connectorsOfMsk({ stackName }));
  const mappings = keptFor(Infinity, async () =>
    (await import("./mappings/lambda.ts")).mappingsOfLambda({ stackName, clusterArn }),
  );
  return { connectors: keeping(connectors.get), mappings: { ...keeping(mappings.get), replay: undefined } };
}
