import { MappingError } from "../errors.ts";
import type { Labels } from "./declaration.ts";
import type { GeneratedMapping } from "./events.ts";
import { generateMapping, kindOfEvent } from "./events.ts";
import type { Scope } from "./intrinsics.ts";
import { resolveIfKnown, Unresolvable } from "./intrinsics.ts";
import type { Properties } from "./json.ts";
import { asObject, isObject, mergeDeep, own, show, withoutNulls } from "./json.ts";
import { WINDOW_MS_DEFAULT } from "./properties.ts";
import type { ServiceDescription, ServiceFunction } from "./service.ts";
import { KAFKA_ARN_PATTERN } from "./source.ts";
import type { Template } from "./template.ts";

const MAPPING_TYPE = "AWS::Lambda::EventSourceMapping";
/** How osls names what it generates of an event (naming.js). */
const GENERATED_ID_PATTERN = /EventSourceMapping(MSK|Kafka)/;
/** A name, an ARN, or the end of one, each with or without a version or alias [API_CreateEventSourceMapping]. */
const FUNCTION_NAME_PATTERN = /^(?:(?:arn:[\w-]+:lambda:[\w-]+:)?(?:\d{12}:)?function:)?([\w-]+)(?::[\w$.-]+)?$/;
/** Any of these makes a mapping one for Kafka, where its EventSourceArn does not tell. */
const KAFKA_ONLY_PROPERTIES = [
  "AmazonManagedKafkaEventSourceConfig",
  "SelfManagedEventSource",
  "SelfManagedKafkaEventSourceConfig",
  "Topics",
];

/** A mapping as the deployed template has it. */
export type DeployedMapping = Omit<GeneratedMapping, "dropsWindow">;

/** The Kafka mappings of the template that the framework would deploy. */
export function deployMappings(
  service: ServiceDescription,
  template: Template,
  scope: Scope,
  warnings: string[],
): readonly DeployedMapping[] {
  const generated = generateMappings(service, warnings);
  warnOfLostExtensions(template, generated, warnings);
  return [
    ...[...generated.values()].map((mapping) => deployGenerated(mapping, service, template, scope, warnings)),
    ...Object.keys(template.resources)
      .filter((logicalId) => !generated.has(logicalId))
      .flatMap((logicalId) => deployDeclared(logicalId, service, template, scope, warnings) ?? []),
  ];
}

/** By logical id, as in a template: of two with the same one only the last is deployed. */
function generateMappings(service: ServiceDescription, warnings: string[]): ReadonlyMap<string, GeneratedMapping> {
  const generated = new Map<string, GeneratedMapping>();
  for (const fn of service.functions) {
    for (const event of fn.events) {
      const kind = kindOfEvent(event);
      if (kind === undefined) continue;
      const mapping = generateMapping(service, fn, kind, own(asObject(event), kind), warnings);
      if (generated.has(mapping.logicalId)) {
        warnings.push(`${mapping.where}: two events make the same ${mapping.logicalId}, and only the last is deployed`);
      }
      generated.set(mapping.logicalId, mapping);
    }
  }
  return generated;
}

/** As osls builds a template (merge-custom-provider-resources.js): Resources are merged in, extensions laid over. */
function deployGenerated(
  { dropsWindow, ...generated }: GeneratedMapping,
  service: ServiceDescription,
  template: Template,
  scope: Scope,
  warnings: string[],
): DeployedMapping {
  const { logicalId, where } = generated;
  const merged = asObject(own(asObject(own(template.resources, logicalId)), "Properties"));
  const extension = readExtension(template, logicalId);
  const properties = layOver(asObject(mergeDeep(generated.properties, merged)), extension);
  const extensionPath = `resources.extensions.${logicalId}.Properties`;

  if (dropsWindow && own(properties, "MaximumBatchingWindowInSeconds") === undefined) {
    warnings.push(
      `${where}: the framework does not deploy maximumBatchingWindow: 0, so the window is ${WINDOW_MS_DEFAULT} ms as on AWS; ` +
        `for none set ${extensionPath}.MaximumBatchingWindowInSeconds: 0`,
    );
  }
  for (const [name, value] of Object.entries(extension).filter(([, laid]) => isObject(laid))) {
    const ofEvent = Object.keys(asObject(own(generated.properties, name)));
    const lost = ofEvent.filter((part) => !Object.hasOwn(asObject(value), part));
    if (lost.length > 0) {
      warnings.push(
        `${where}: ${extensionPath}.${name} replaces the event's; repeat ${lost.join(", ")} in it to keep it`,
      );
    }
  }
  const target = own(properties, "FunctionName");
  const fn = findFunction(target, service, scope);
  if (target !== undefined && fn === undefined) {
    warnings.push(`${where}: FunctionName ${show(target)} is no function of this service; the event's is invoked`);
  }
  const labels: Labels = [
    ...Object.keys(extension).map((name) => [name, `${extensionPath}.${name}`] as const),
    ...Object.keys(merged).map((name) => [name, `resources.Resources.${logicalId}.Properties.${name}`] as const),
    ...generated.labels,
  ];
  return { ...generated, fn: fn ?? generated.fn, labels, properties };
}

/** Undefined for what is no mapping of ours. */
function deployDeclared(
  logicalId: string,
  service: ServiceDescription,
  template: Template,
  scope: Scope,
  warnings: string[],
): DeployedMapping | undefined {
  const resource = asObject(own(template.resources, logicalId));
  if (own(resource, "Type") !== MAPPING_TYPE) return undefined;
  const extension = readExtension(template, logicalId);
  const properties = layOver(asObject(own(resource, "Properties")), extension);
  if (!isForKafka(properties, scope)) return undefined;
  const target = own(properties, "FunctionName");
  const fn = findFunction(target, service, scope);
  if (fn === undefined) {
    warnings.push(`${logicalId}: not run, for its FunctionName ${show(target)} is no function of this service`);
    return undefined;
  }
  const extensionPath = `resources.extensions.${logicalId}.Properties`;
  const labels = Object.keys(extension).map((name) => [name, `${extensionPath}.${name}`] as const);
  return { logicalId, fn, where: `${fn.key} (resource ${logicalId})`, properties, labels };
}

function readExtension(template: Template, logicalId: string): Properties {
  const properties = own(asObject(own(template.extensions, logicalId)), "Properties") ?? {};
  if (isObject(properties)) return properties;
  throw new MappingError(
    "SOK_PROPERTY_INVALID",
    `resources.extensions.${logicalId}.Properties is ${show(properties)}; write an object`,
  );
}

function layOver(properties: Properties, extension: Properties): Properties {
  return withoutNulls({ ...properties, ...extension });
}

/** Mappings of other sources are of the same type. */
function isForKafka(properties: Properties, scope: Scope): boolean {
  const source = resolveIfKnown(own(properties, "EventSourceArn"), scope);
  if (!(source instanceof Unresolvable) && typeof source.value === "string" && source.value.startsWith("arn:")) {
    return KAFKA_ARN_PATTERN.test(source.value);
  }
  return KAFKA_ONLY_PROPERTIES.some((name) => Object.hasOwn(properties, name));
}

function findFunction(target: unknown, service: ServiceDescription, scope: Scope): ServiceFunction | undefined {
  const known = resolveIfKnown(target, scope);
  if (known instanceof Unresolvable || typeof known.value !== "string") return undefined;
  const name = FUNCTION_NAME_PATTERN.exec(known.value)?.[1];
  return service.functions.find((fn) => fn.name === name);
}

function warnOfLostExtensions(
  template: Template,
  generated: ReadonlyMap<string, GeneratedMapping>,
  warnings: string[],
): void {
  for (const logicalId of Object.keys(template.extensions)) {
    if (generated.has(logicalId) || Object.hasOwn(template.resources, logicalId)) continue;
    if (!GENERATED_ID_PATTERN.test(logicalId)) continue;
    const known = [...generated.keys()].join(", ") || "none";
    warnings.push(`resources.extensions.${logicalId} belongs to no mapping; the mappings are ${known}`);
  }
}
