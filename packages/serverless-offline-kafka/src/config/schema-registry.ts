import { readSecretArn } from "./access.ts";
import type { Declaration } from "./declaration.ts";
import { show } from "./json.ts";
import type { LocalCluster } from "./settings.ts";
import type { SchemaRegistryConfig } from "./types.ts";

type AccessType = SchemaRegistryConfig["access"][number]["type"];

const GLUE_ARN_PATTERN = /^arn:[\w-]+:glue:[\w-]+:\d{12}:registry\/\S+$/;
const URL_PATTERN = /^https?:\/\/\S+$/;
const FORMATS = ["JSON", "SOURCE"] as const;
const ATTRIBUTES = ["KEY", "VALUE"] as const;
const ACCESS_TYPES: readonly AccessType[] = ["BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE"];
/** AccessConfigs [CloudFormation, SchemaRegistryConfig]. */
const ACCESS_CONFIGS_MAX = 2;

/**
 * SchemaRegistryConfig, within the configuration of the kind of cluster. The local cluster may have a registry of its own.
 *
 * @throws MappingError SOK_SCHEMA_REGISTRY_INVALID, SOK_AUTHENTICATION_INVALID
 */
export function readSchemaRegistry(
  config: Declaration | undefined,
  local: LocalCluster,
): SchemaRegistryConfig | undefined {
  const registry = config?.nested("SchemaRegistryConfig", [
    "AccessConfigs",
    "EventRecordFormat",
    "SchemaRegistryURI",
    "SchemaValidationConfigs",
  ]);
  if (registry === undefined) return undefined;
  return {
    uri: local.schemaRegistryUrl ?? readUri(registry),
    // AWS's API does not require a format, and does not say what it does without one: here it has to be written.
    eventRecordFormat: oneOf(registry, "EventRecordFormat", FORMATS),
    attributes: readAttributes(registry),
    access: local.authenticates ? readRegistryAccess(registry) : [],
  };
}

function readUri(registry: Declaration): string {
  const uri = registry.value("SchemaRegistryURI");
  if (typeof uri === "string" && (GLUE_ARN_PATTERN.test(uri) || URL_PATTERN.test(uri))) return uri;
  throw invalid(registry, "SchemaRegistryURI", uri, "write the URL of a registry, or the ARN of one in Glue");
}

function readAttributes(registry: Declaration): SchemaRegistryConfig["attributes"] {
  const declared = registry.items("SchemaValidationConfigs", ["Attribute"]);
  if (declared.length === 0) {
    throw invalid(registry, "SchemaValidationConfigs", undefined, "write [{ Attribute: VALUE }], or KEY, or both");
  }
  return [...new Set(declared.map((item) => oneOf(item, "Attribute", ATTRIBUTES)))];
}

function readRegistryAccess(registry: Declaration): SchemaRegistryConfig["access"] {
  const declared = registry.items("AccessConfigs", ["Type", "URI"]);
  if (declared.length > ACCESS_CONFIGS_MAX) {
    const remedy = `${ACCESS_CONFIGS_MAX} is the most`;
    throw invalid(registry, "AccessConfigs", `a list of ${declared.length}`, remedy);
  }
  return declared.map((item) => ({ type: oneOf(item, "Type", ACCESS_TYPES), uri: readSecretArn(item, "URI") }));
}

function oneOf<Value extends string>(declaration: Declaration, name: string, values: readonly Value[]): Value {
  const value = declaration.value(name);
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalid(declaration, name, value, `write one of ${values.join(", ")}`);
}

function invalid(declaration: Declaration, name: string, value: unknown, remedy: string) {
  return declaration.fail("SOK_SCHEMA_REGISTRY_INVALID", `${declaration.label(name)} is ${show(value)}; ${remedy}`);
}
