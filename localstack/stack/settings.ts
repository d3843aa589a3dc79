import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { StackError } from "./errors.ts";

/** The folder of this checkout. */
export const projectRoot = resolve(import.meta.dirname, "../..");

/** Ports as the course knows them. A second stack beside the first one moves all of them by TRIPLINE_PORT_OFFSET. */
const standardPorts = {
  postgres: 5432,
  kafka: 9092,
  kafkaExternal: 9094,
  kafkaController: 9093,
  connect: 8083,
  aws: 4566,
  console: 8080,
  /** Where the console is when the stack runs in containers: Kafka UI has 8080 there. */
  consoleBesideKafkaUi: 3000,
  functionsLambda: 3002,
  functionsAdmin: 3010,
} as const;

export type PortName = keyof typeof standardPorts;

/** The course's local password. Whatever uses it is bound to loopback. */
const localPassword = "postgrespw";

export const loopback = "127.0.0.1";

export interface Settings {
  /** Everything that this stack writes: data, logs, its state. `tripline reset` removes it. */
  home: string;
  /** What was downloaded, shared by all checkouts of this user. `tripline reset` keeps it. */
  cache: string;
  ports: Record<PortName, number>;
  /** How far these are from the standard ones. */
  portOffset: number;
  postgres: { host: string; port: number; user: string; password: string };
  /** What a Kafka client is given. */
  bootstrapServers: string;
  connectUrl: string;
  awsUrl: string;
  /** For the virtual machines of Kafka and Connect, behind the stack's own and before what they run: of two that contradict, the last counts. */
  jvmOptions: readonly string[];
}

/**
 * Where the local stack lives and listens.
 * @throws {StackError} USAGE when TRIPLINE_PORT_OFFSET is not a whole number that keeps every port below 65,536.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const offset = Number(env["TRIPLINE_PORT_OFFSET"] || 0);
  if (!Number.isInteger(offset) || offset < 0 || Math.max(...Object.values(standardPorts)) + offset > 65_535) {
    throw new StackError(
      "USAGE",
      `TRIPLINE_PORT_OFFSET is '${env["TRIPLINE_PORT_OFFSET"]}': give a whole number from 0 to ${65_535 - Math.max(...Object.values(standardPorts))}.`,
    );
  }
  const ports = Object.fromEntries(
    Object.entries(standardPorts).map(([name, port]) => [name, port + offset]),
  ) as Settings["ports"];
  const cacheHome = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return {
    home: resolve(env["TRIPLINE_HOME"] ?? join(projectRoot, ".tripline")),
    cache: resolve(env["TRIPLINE_CACHE"] ?? join(cacheHome, "tripline")),
    ports,
    portOffset: offset,
    postgres: { host: loopback, port: ports.postgres, user: "postgres", password: localPassword },
    bootstrapServers: `${loopback}:${ports.kafka}`,
    connectUrl: `http://${loopback}:${ports.connect}`,
    awsUrl: `http://${loopback}:${ports.aws}`,
    jvmOptions: (env["TRIPLINE_JVM_OPTIONS"] ?? "").split(/\s+/).filter((option) => option !== ""),
  };
}

/** Where the console of `sls offline` listens, natively and in containers. */
export function consolePort({ ports }: Pick<Settings, "ports">, mode: "native" | "containers" = "native"): number {
  return mode === "containers" ? ports.consoleBesideKafkaUi : ports.console;
}

/** Files below `home` that more than one module knows. */
export function paths(settings: Settings) {
  return {
    state: join(settings.home, "stack.json"),
    outputs: join(settings.home, "outputs.json"),
    logs: join(settings.home, "logs"),
    log: (name: string) => join(settings.home, "logs", `${name}.log`),
  };
}
