import { Declaration } from "./declaration.ts";
import { deployMappings } from "./deployment.ts";
import { readProperties } from "./properties.ts";
import { LocalResources } from "./resources.ts";
import type { ServiceDescription } from "./service.ts";
import { readSettings } from "./settings.ts";
import { readTemplate } from "./template.ts";
import type { MappingConfig } from "./types.ts";

export type { ServiceDescription, ServiceFunction } from "./service.ts";
export type { MappingConfig, StartingPosition } from "./types.ts";

/** Function timeout for a Kafka source: 14 minutes at most [with-kafka-esm]. */
const FUNCTION_TIMEOUT_SECONDS_MAX = 14 * 60;

export interface ServiceMappings {
  readonly mappings: readonly MappingConfig[];
  /** Things that are configured and have no effect, or another effect than it seems. One sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the Kafka event source mappings of a service: the ones that the framework makes of `msk` and `kafka` events, with
 * their `resources.extensions`, and the ones that `resources.Resources` declares. Both are brought into the shape of the
 * deployed template, and then read alike.
 *
 * @throws MappingError when a mapping cannot be run as it is written
 */
export function readMappings(service: ServiceDescription): ServiceMappings {
  const warnings: string[] = [];
  const settings = readSettings(service.custom);
  const template = readTemplate(service.resources);
  const scope = new LocalResources(service, template, settings.resources);
  const deployed = deployMappings(service, template, scope, warnings);

  const mappings = deployed.map(({ logicalId, fn, where, properties, labels }) => {
    const declaration = new Declaration({ where, scope, labels, warnings }, properties);
    return readProperties(declaration, { logicalId, fn, service, settings });
  });
  for (const { key, timeoutSeconds } of new Set(deployed.map(({ fn }) => fn))) {
    if (timeoutSeconds > FUNCTION_TIMEOUT_SECONDS_MAX) {
      warnings.push(
        `${key}: a timeout of ${timeoutSeconds} s is refused on AWS, ${FUNCTION_TIMEOUT_SECONDS_MAX} s is the most for a Kafka source`,
      );
    }
  }
  return { mappings, warnings };
}
