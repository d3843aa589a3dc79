import { MappingError } from "../errors.ts";
import type { Labels } from "./declaration.ts";
import type { Properties } from "./json.ts";
import { asList, asObject, isObject, own, show } from "./json.ts";
import { MAPPING_PROPERTIES, nearestName } from "./names.ts";
import type { ServiceDescription, ServiceFunction } from "./service.ts";

export type EventKind = "msk" | "kafka";

/** The `AWS::Lambda::EventSourceMapping` that the framework makes of an event. */
export interface GeneratedMapping {
  readonly logicalId: string;
  readonly fn: ServiceFunction;
  /** Begins every message about it. */
  readonly where: string;
  readonly properties: Properties;
  readonly labels: Labels;
  /** The event's window is 0, which the framework does not deploy. */
  readonly dropsWindow: boolean;
}

const COMMON_NAMES = [
  "batchSize",
  "consumerGroupId",
  "enabled",
  "filterPatterns",
  "maximumBatchingWindow",
  "provisionedPollerConfig",
  "startingPosition",
  "startingPositionTimestamp",
  "topic",
];

/** What an event may have (osls 4.3.1: compile/events/msk/index.js and kafka.js). */
const EVENT_NAMES: Readonly<Record<EventKind, readonly string[]>> = {
  msk: [...COMMON_NAMES, "arn", "saslScram512"],
  kafka: [...COMMON_NAMES, "accessConfigurations", "bootstrapServers", "onFailureDestination"],
};

const POLLER_NAMES = ["minimumPollers", "maximumPollers"];

/** Names that only the other kind of event has, in CloudFormation. */
const RESOURCE_NAMES: ReadonlyMap<string, string> = new Map([
  ["accessConfigurations", "SourceAccessConfigurations"],
  ["onFailureDestination", "DestinationConfig"],
  ["saslScram512", "SourceAccessConfigurations"],
]);

/** `accessConfigurations` and what osls makes of each. */
const ACCESS_TYPES: ReadonlyMap<string, { readonly type: string; readonly prefix?: string }> = new Map([
  ["clientCertificateTlsAuth", { type: "CLIENT_CERTIFICATE_TLS_AUTH" }],
  ["saslPlainAuth", { type: "BASIC_AUTH" }],
  ["saslScram256Auth", { type: "SASL_SCRAM_256_AUTH" }],
  ["saslScram512Auth", { type: "SASL_SCRAM_512_AUTH" }],
  ["serverRootCaCertificate", { type: "SERVER_ROOT_CA_CERTIFICATE" }],
  ["vpcSecurityGroup", { type: "VPC_SECURITY_GROUP", prefix: "security_group:" }],
  ["vpcSubnet", { type: "VPC_SUBNET", prefix: "subnet:" }],
]);

const LABELS_COMMON: Labels = [
  ["BatchSize", "batchSize"],
  ["Enabled", "enabled"],
  ["FilterCriteria.Filters", "filterPatterns"],
  ["MaximumBatchingWindowInSeconds", "maximumBatchingWindow"],
  ["ProvisionedPollerConfig.MinimumPollers", "provisionedPollerConfig.minimumPollers"],
  ["ProvisionedPollerConfig.MaximumPollers", "provisionedPollerConfig.maximumPollers"],
  ["ProvisionedPollerConfig", "provisionedPollerConfig"],
  ["StartingPositionTimestamp", "startingPositionTimestamp"],
  ["StartingPosition", "startingPosition"],
  ["Topics", "topic"],
];

const LABELS: Readonly<Record<EventKind, Labels>> = {
  msk: [
    ...LABELS_COMMON,
    ["AmazonManagedKafkaEventSourceConfig.ConsumerGroupId", "consumerGroupId"],
    ["EventSourceArn", "arn"],
    ["SourceAccessConfigurations", "saslScram512"],
  ],
  kafka: [
    ...LABELS_COMMON,
    ["DestinationConfig.OnFailure.Destination", "onFailureDestination"],
    ["SelfManagedEventSource.Endpoints.KafkaBootstrapServers", "bootstrapServers"],
    ["SelfManagedKafkaEventSourceConfig.ConsumerGroupId", "consumerGroupId"],
    ["SourceAccessConfigurations", "accessConfigurations"],
  ],
};

/** The kind of mapping that an event declares, if any. */
export function kindOfEvent(event: unknown): EventKind | undefined {
  const declared = asObject(event);
  if (own(declared, "msk") !== undefined) return "msk";
  return own(declared, "kafka") === undefined ? undefined : "kafka";
}

/**
 * What the framework deploys for an `msk` or `kafka` event.
 *
 * @throws MappingError when there is too little to name the mapping by
 */
export function generateMapping(
  service: ServiceDescription,
  fn: ServiceFunction,
  kind: EventKind,
  declared: unknown,
  warnings: string[],
): GeneratedMapping {
  const event = asObject(declared);
  const topic = own(event, "topic");
  const where = `${fn.key} (${kind} ${typeof topic === "string" ? topic : show(topic)})`;
  if (typeof topic !== "string" || topic === "") {
    throw new MappingError("SOK_TOPIC_INVALID", `${where}: set topic to the name of one Kafka topic`);
  }
  const source = kind === "msk" ? readMskSource(event, where) : selfManagedSource(event);
  const logicalId =
    kind === "msk"
      ? service.mskLogicalId(fn.key, readClusterToken(own(event, "arn")), topic)
      : service.kafkaLogicalId(fn.key, topic);
  const mapping = { logicalId, fn, where, labels: LABELS[kind] };
  warnOfNamesNotDeployed(event, kind, mapping, warnings);
  return {
    ...mapping,
    properties: { ...commonProperties(event), ...source, Topics: [topic] },
    dropsWindow: own(event, "maximumBatchingWindow") === 0,
  };
}

/** As osls names a cluster in a logical id (get-msk-cluster-name-token.js). */
function readClusterToken(arn: unknown): string {
  if (typeof arn === "string") return arn.split("/")[1] ?? arn;
  const reference = asObject(arn);
  const token = own(reference, "Fn::ImportValue") ?? own(reference, "Ref");
  return typeof token === "string" ? token : "cluster";
}

function commonProperties(event: Properties): Properties {
  const pollers = own(event, "provisionedPollerConfig");
  const patterns = own(event, "filterPatterns");
  return definedOnly({
    StartingPosition: own(event, "startingPosition") ?? "TRIM_HORIZON",
    StartingPositionTimestamp: own(event, "startingPositionTimestamp"),
    BatchSize: own(event, "batchSize"),
    // A zero is left out, and so is an empty text below.
    MaximumBatchingWindowInSeconds: own(event, "maximumBatchingWindow") || undefined,
    Enabled: own(event, "enabled"),
    FilterCriteria: patterns === undefined ? undefined : { Filters: toFilters(patterns) },
    ProvisionedPollerConfig: isObject(pollers)
      ? definedOnly({ MinimumPollers: own(pollers, "minimumPollers"), MaximumPollers: own(pollers, "maximumPollers") })
      : pollers,
  });
}

function toFilters(patterns: unknown): unknown {
  return Array.isArray(patterns) ? patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) : patterns;
}

function readMskSource(event: Properties, where: string): Properties {
  const arn = own(event, "arn");
  if (typeof arn !== "string" && !isObject(arn)) {
    throw new MappingError("SOK_EVENT_INVALID", `${where}: set arn to the cluster's ARN`);
  }
  const groupId = own(event, "consumerGroupId") || undefined;
  const secret = own(event, "saslScram512") ?? undefined;
  return definedOnly({
    EventSourceArn: arn,
    AmazonManagedKafkaEventSourceConfig: groupId === undefined ? undefined : { ConsumerGroupId: groupId },
    SourceAccessConfigurations: secret === undefined ? undefined : [{ Type: "SASL_SCRAM_512_AUTH", URI: secret }],
  });
}

function selfManagedSource(event: Properties): Properties {
  const groupId = own(event, "consumerGroupId") || undefined;
  const destination = own(event, "onFailureDestination") || undefined;
  const access = own(event, "accessConfigurations");
  return definedOnly({
    SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: own(event, "bootstrapServers") } },
    SelfManagedKafkaEventSourceConfig: groupId === undefined ? undefined : { ConsumerGroupId: groupId },
    SourceAccessConfigurations: isObject(access) ? toSourceAccess(access) : access,
    DestinationConfig: destination === undefined ? undefined : { OnFailure: { Destination: destination } },
  });
}

function toSourceAccess(access: Properties): readonly Properties[] {
  return Object.entries(access).flatMap(([name, values]) => {
    const { type, prefix = "" } = ACCESS_TYPES.get(name) ?? { type: name };
    return asList(values).map((value) => ({ Type: type, URI: typeof value === "string" ? prefix + value : value }));
  });
}

/** The framework leaves out what it does not know, at best with a warning of its own. */
function warnOfNamesNotDeployed(
  event: Properties,
  kind: EventKind,
  { logicalId, where }: Pick<GeneratedMapping, "logicalId" | "where">,
  warnings: string[],
): void {
  const warn = (name: string, meant: string | undefined) =>
    warnings.push(
      `${where}: ${name} is no property of ${kind === "msk" ? "an msk" : "a kafka"} event and is not deployed${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    );
  for (const name of Object.keys(event).filter((candidate) => !EVENT_NAMES[kind].includes(candidate))) {
    const ofResource = RESOURCE_NAMES.get(name) ?? nearestName(name, MAPPING_PROPERTIES);
    const inExtension = ofResource && `resources.extensions.${logicalId}.Properties.${ofResource}`;
    warn(name, nearestName(name, EVENT_NAMES[kind]) ?? inExtension);
  }
  for (const name of Object.keys(asObject(own(event, "provisionedPollerConfig")))) {
    if (!POLLER_NAMES.includes(name)) warn(`provisionedPollerConfig.${name}`, nearestName(name, POLLER_NAMES));
  }
}

function definedOnly(object: Properties): Properties {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
