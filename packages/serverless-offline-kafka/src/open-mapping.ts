import type { MappingConfig } from "./config/types.ts";
import type { Clock, Invoker, MappingLog } from "./delivery/contract.ts";
import type { TakeIn } from "./delivery/intake.ts";
import { takeIn, takeInDecoded } from "./delivery/intake.ts";
import { Mapping } from "./delivery/mapping.ts";
import { openDestination } from "./destinations/destination.ts";
import { compileFilters } from "./filter/filter.ts";
import { KafkaJsSource } from "./kafka/kafka-source.ts";
import type { KafkaSecurity } from "./kafka/security.ts";
import { readSecret, resolveSecurity } from "./kafka/security.ts";
import { openTopicProducer } from "./kafka/topic-producer.ts";
import { RecordDecoder } from "./registry/registry.ts";

export interface Log extends MappingLog {
  debug(line: string): void;
}

/** What a mapping runs on. */
export interface MappingHost {
  readonly invoker: Invoker;
  readonly log: Log;
  /** Of the services behind ARNs. */
  readonly region: string;
  readonly clock?: Clock;
  /** A silent member of the group is out after this long. */
  readonly sessionTimeoutMs?: number;
}

const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => setImmediate(callback),
  random: Math.random,
};

/** Puts a mapping together with the real Kafka, the real destination and the function. It is not started. */
export function openMapping(config: MappingConfig, host: MappingHost): Mapping {
  const { clock = SYSTEM_CLOCK, invoker, log, region } = host;
  const name = `Kafka: ${config.functionKey}`;
  const debug = (line: string) => log.debug(`${name}: ${line}`);
  const security = securityOf(config, { region, log, name });
  const source = new KafkaJsSource({
    name,
    mapping: config,
    security,
    log,
    ...(host.sessionTimeoutMs !== undefined && { sessionTimeoutMs: host.sessionTimeoutMs }),
  });
  const destination =
    config.onFailure &&
    openDestination(config.onFailure, {
      region,
      mappingId: config.logicalId,
      producer: () =>
        openTopicProducer({
          bootstrapServers: config.bootstrapServers,
          security,
          log: { connectionFailed: debug, debug },
        }),
      log: { debug },
    });
  return new Mapping({
    name,
    config,
    source,
    invoker,
    takeIn: takeInOf(config, { clock, region, log, name }),
    destination,
    clock,
    log,
  });
}

interface Surroundings {
  readonly region: string;
  readonly log: MappingLog;
  /** Begins every line in the log. */
  readonly name: string;
  readonly clock?: Clock;
}

/** How records get from Kafka into an event: filtered, and decoded where there is a schema registry. */
export function takeInOf(
  { filterPatterns, schemaRegistry, topic }: Pick<MappingConfig, "filterPatterns" | "schemaRegistry" | "topic">,
  { clock = SYSTEM_CLOCK, region, log, name }: Surroundings,
): TakeIn {
  const matches = filterPatterns.length === 0 ? undefined : compileFilters(filterPatterns);
  if (schemaRegistry === undefined) return takeIn(matches);
  const decoder = new RecordDecoder(schemaRegistry, { readSecret: (arn) => readSecret(arn, region), topic });
  return takeInDecoded({ decoder, matches, clock, name, log });
}

/** How to authenticate with the brokers; secrets are read each time. */
export function securityOf(
  { access, tls }: Pick<MappingConfig, "access" | "tls">,
  { region, log, name }: Surroundings,
): () => Promise<KafkaSecurity> {
  return () =>
    resolveSecurity(access, (arn) => readSecret(arn, region), {
      ...(tls !== undefined && { tls }),
      warn: (line) => log.warning(`${name}: ${line}`),
    });
}
