import * as v from "valibot";
import { booleanSetting, type Environment, readEnvironment } from "../../shared/config/environment.ts";
import { connectorsBut } from "../../shared/connectors/declarations.ts";

const ConsoleEnvironment = v.object({
  CONSOLE_AUTHENTICATION: v.picklist(["iam", "loopback"], "must be iam or loopback"),
  CONSOLE_READ_ONLY: v.optional(booleanSetting, "false"),
  CONSOLE_STAGE: v.optional(v.string(), "local"),
  BOOTSTRAP_SERVERS: v.string(),
  /** Connectors that are declared and not deployed, comma-separated. */
  CONSOLE_CONNECTORS_LEFT_OUT: v.optional(v.string(), ""),
  /** Left out on AWS: the connectors are MSK Connect's, and the mappings Lambda's. */
  CONNECT_URL: v.exactOptional(v.pipe(v.string(), v.url("must be an address"))),
  MAPPINGS_URL: v.exactOptional(v.pipe(v.string(), v.url("must be an address"))),
});

export interface ConsoleConfig {
  readonly authentication: "iam" | "loopback";
  /** Shows everything and does nothing. */
  readonly readOnly: boolean;
  readonly stage: string;
  /** host:port, comma-separated. */
  readonly bootstrapServers: string;
  /** By the names of their declarations: those that should be there. */
  readonly connectors: readonly string[];
  readonly connectUrl: string | undefined;
  readonly mappingsUrl: string | undefined;
}

/** @throws {ConfigError} */
export function consoleConfig(environment: Environment = process.env): ConsoleConfig {
  const settings = readEnvironment(ConsoleEnvironment, environment);
  return {
    authentication: settings.CONSOLE_AUTHENTICATION,
    readOnly: settings.CONSOLE_READ_ONLY,
    stage: settings.CONSOLE_STAGE,
    bootstrapServers: settings.BOOTSTRAP_SERVERS,
    connectors: connectorsBut(settings.CONSOLE_CONNECTORS_LEFT_OUT),
    connectUrl: settings.CONNECT_URL,
    mappingsUrl: settings.MAPPINGS_URL,
  };
}
