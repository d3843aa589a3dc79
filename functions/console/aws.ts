import * as v from "valibot";
import { type Environment, readEnvironment } from "../../shared/config/environment.ts";
import type { Connectors } from "./connect/connectors.ts";
import type { Mappings } from "./mappings/mappings.ts";

/** What does not answer must not hold up whatever else a page shows. */
export const awsClientSettings = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000 },
};

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

/**
 * MSK Connect's connectors and Lambda's mappings, whose clients are loaded with the first question: on a laptop they never are.
 *
 * @throws {ConfigError} naming what is missing in the environment
 */
export function consoleOnAws(environment: Environment = process.env): { connectors: Connectors; mappings: Mappings } {
  const { CONSOLE_NAME: stackName, CONSOLE_CLUSTER_ARN: clusterArn } = readEnvironment(AwsEnvironment, environment);
  const connectors = once(async () => (await import("./connect/msk.ts")).connectorsOfMsk({ stackName }));
  const mappings = once(async () => (await import("./mappings/lambda.ts")).mappingsOfLambda({ stackName, clusterArn }));
  return {
    connectors: {
      list: async () => (await connectors()).list(),
      act: async (name, action) => (await connectors()).act(name, action),
    },
    mappings: {
      list: async () => (await mappings()).list(),
      act: async (name, action) => (await mappings()).act(name, action),
      replay: undefined,
    },
  };
}
