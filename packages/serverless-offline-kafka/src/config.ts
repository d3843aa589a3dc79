import type { MappingErrorCode } from "./errors.ts";
import { MappingError } from "./errors.ts";
import type { EventEnvelope } from "./event.ts";

/** The key of this plugin's settings under `custom` in serverless.yml. */
const CUSTOM_KEY = "serverless-offline-kafka";

/** BatchSize [CloudFormation, AWS::Lambda::EventSourceMapping]. */
const BATCH_SIZE_MIN = 1;
const BATCH_SIZE_MAX = 10_000;
const BATCH_SIZE_DEFAULT = 100;
/** MaximumBatchingWindowInSeconds [CloudFormation, AWS::Lambda::EventSourceMapping]. */
const WINDOW_SECONDS_MAX = 300;
/** Without a window Kafka batches close after 500 ms [invocation-eventsourcemapping, batching behaviour]. */
const WINDOW_MS_DEFAULT = 500;
/** Function timeout for a Kafka source: 14 minutes at most [with-kafka-esm]. */
const FUNCTION_TIMEOUT_SECONDS_MAX = 14 * 60;
/** ConsumerGroupId: 1 to 200 characters [CloudFormation, SelfManagedKafkaEventSourceConfig]. */
const CONSUMER_GROUP_PATTERN = /^[a-zA-Z0-9\-/*:_+=.@]{1,200}$/;
/** Apache Kafka's own rule, in org.apache.kafka.common.internals.Topic. */
const TOPIC_PATTERN = /^[a-zA-Z0-9._-]{1,249}$/;
const SERVER_PATTERN = /^\S+:\d{1,5}$/;

export type StartingPosition =
  | { readonly kind: "LATEST" }
  | { readonly kind: "TRIM_HORIZON" }
  | { readonly kind: "AT_TIMESTAMP"; readonly timestampMs: number };

/** One event source mapping, read and checked. */
export interface MappingConfig {
  /** Of the `AWS::Lambda::EventSourceMapping` that a deployment would make. */
  readonly logicalId: string;
  readonly functionKey: string;
  readonly topic: string;
  readonly groupId: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly startingPosition: StartingPosition;
  readonly reportBatchItemFailures: boolean;
  /** Where this mapping reads locally. */
  readonly bootstrapServers: readonly string[];
  readonly envelope: EventEnvelope;
}

export interface ServiceFunction {
  readonly key: string;
  readonly events: readonly unknown[];
  readonly timeoutSeconds: number;
}

/** What this plugin needs to know of a service: serverless.yml after variables are resolved. */
export interface ServiceDescription {
  readonly functions: readonly ServiceFunction[];
  readonly region: string;
  readonly custom: unknown;
  readonly resources: unknown;
  /** The framework's own naming of the CloudFormation resources. */
  mskLogicalId(functionKey: string, clusterToken: string, topic: string): string;
  kafkaLogicalId(functionKey: string, topic: string): string;
  /** Makes the consumer group of a mapping that names none: unique, as on AWS. */
  newGroupId(): string;
}

export interface ServiceMappings {
  readonly mappings: readonly MappingConfig[];
  /** Things that are configured and have no effect, or another effect than it seems. One sentence each. */
  readonly warnings: readonly string[];
}

type Properties = Readonly<Record<string, unknown>>;

/** Event properties that AWS applies and this plugin does not, yet. */
const EVENT_PROPERTIES_NOT_APPLIED = [
  "filterPatterns",
  "onFailureDestination",
  "provisionedPollerConfig",
  "saslScram512",
] as const;

/** Only these shape the network, which a local Kafka has no use for. Every other accessConfiguration is authentication. */
const ACCESS_WITHOUT_LOCAL_MEANING = new Set(["vpcSubnet", "vpcSecurityGroup"]);

const EXTENSION_PROPERTIES_APPLIED = new Set([
  "BatchSize",
  "FunctionResponseTypes",
  "MaximumBatchingWindowInSeconds",
  // Applied by CloudFormation to the resource, not to its behaviour.
  "Tags",
]);

/**
 * Reads every `msk` and `kafka` event of a service, with the `resources.extensions` of its mappings.
 *
 * @throws MappingError when a mapping cannot be run as it is written
 */
export function readMappings(service: ServiceDescription): ServiceMappings {
  const settings = properties(properties(service.custom)[CUSTOM_KEY]);
  const resources = asList(service.resources).map(properties);
  const extensions = Object.assign({}, ...resources.map((part) => properties(part["extensions"]))) as Properties;
  const mappings: MappingConfig[] = [];
  const warnings: string[] = [];

  for (const fn of service.functions) {
    for (const event of fn.events.map(properties)) {
      const kind = event["msk"] !== undefined ? "msk" : event["kafka"] !== undefined ? "kafka" : undefined;
      if (kind === undefined) continue;
      mappings.push(readMapping(service, fn, kind, event[kind], settings, extensions, warnings));
      if (fn.timeoutSeconds > FUNCTION_TIMEOUT_SECONDS_MAX) {
        warnings.push(
          `${fn.key}: a timeout of ${fn.timeoutSeconds} s is refused on AWS, ${FUNCTION_TIMEOUT_SECONDS_MAX} s is the most for a Kafka source`,
        );
      }
    }
  }

  const known = new Set(mappings.map((mapping) => mapping.logicalId));
  for (const logicalId of Object.keys(extensions)) {
    if (/EventSourceMapping(MSK|Kafka)/.test(logicalId) && !known.has(logicalId)) {
      warnings.push(
        `resources.extensions.${logicalId} belongs to no mapping; the mappings are ${[...known].join(", ") || "none"}`,
      );
    }
  }
  for (const [logicalId, resource] of resources.flatMap((part) => Object.entries(properties(part["Resources"])))) {
    const { Type, Properties: declared } = properties(resource);
    if (Type === "AWS::Lambda::EventSourceMapping" && properties(declared)["Topics"] !== undefined) {
      warnings.push(`${logicalId}: a mapping declared as a resource is not run locally yet; use an msk or kafka event`);
    }
  }
  return { mappings, warnings };
}

function readMapping(
  service: ServiceDescription,
  fn: ServiceFunction,
  kind: "msk" | "kafka",
  declared: unknown,
  settings: Properties,
  extensions: Properties,
  warnings: string[],
): MappingConfig {
  const event = properties(declared);
  const topic = event["topic"];
  const where = `${fn.key} (${kind} ${String(topic)})`;
  const fail = (code: MappingErrorCode, message: string) => new MappingError(code, `${where}: ${message}`);
  if (typeof topic !== "string" || !TOPIC_PATTERN.test(topic)) {
    throw fail("SOK_TOPIC_INVALID", "set topic to the name of one Kafka topic");
  }

  const arn = event["arn"];
  if (kind === "msk" && arn === undefined) throw fail("SOK_EVENT_INVALID", "set arn to the cluster's ARN");
  const clusterToken = kind === "msk" ? readClusterToken(arn) : "";
  const logicalId =
    kind === "msk" ? service.mskLogicalId(fn.key, clusterToken, topic) : service.kafkaLogicalId(fn.key, topic);
  const extension = properties(properties(extensions[logicalId])["Properties"]);

  const ownServers = asList(event["bootstrapServers"]).filter((server) => typeof server === "string");
  const clusterNames =
    kind === "msk" ? [typeof arn === "string" ? arn : clusterToken] : [ownServers.join(","), ...ownServers];
  const bootstrapServers = readServers(settings, clusterNames, ownServers, fail);

  for (const name of EVENT_PROPERTIES_NOT_APPLIED) {
    if (event[name] !== undefined) warnings.push(`${where}: ${name} is not applied locally yet`);
  }
  for (const name of Object.keys(properties(event["accessConfigurations"]))) {
    if (!ACCESS_WITHOUT_LOCAL_MEANING.has(name)) warnings.push(`${where}: ${name} is not applied locally yet`);
  }
  for (const name of Object.keys(extension)) {
    if (!EXTENSION_PROPERTIES_APPLIED.has(name)) {
      warnings.push(`${where}: ${name}, in resources.extensions.${logicalId}, is not applied locally yet`);
    }
  }

  const groupId = event["consumerGroupId"] ?? service.newGroupId();
  if (typeof groupId !== "string" || !CONSUMER_GROUP_PATTERN.test(groupId)) {
    throw fail("SOK_CONSUMER_GROUP_INVALID", "consumerGroupId may have 200 letters, digits and -/*:_+=.@");
  }

  return {
    logicalId,
    functionKey: fn.key,
    topic,
    groupId,
    enabled: event["enabled"] !== false,
    batchSize: readBatchSize(extension["BatchSize"] ?? event["batchSize"], fail),
    windowMs: readWindowMs(event["maximumBatchingWindow"], extension, logicalId, where, fail, warnings),
    startingPosition: readStartingPosition(event, fail),
    reportBatchItemFailures: readResponseTypes(extension["FunctionResponseTypes"], fail),
    bootstrapServers,
    envelope:
      kind === "msk"
        ? {
            eventSource: "aws:kafka",
            eventSourceArn: typeof arn === "string" ? arn : localArn(service.region, clusterToken),
            bootstrapServers: bootstrapServers.join(","),
          }
        : { eventSource: "SelfManagedKafka", bootstrapServers: bootstrapServers.join(",") },
  };
}

type Fail = (code: MappingErrorCode, message: string) => MappingError;

/** The local address of a cluster: its own entry, else the service's, else (kafka) the one in the event. */
function readServers(
  settings: Properties,
  clusterNames: readonly string[],
  ownServers: readonly string[],
  fail: Fail,
): readonly string[] {
  const clusters = properties(settings["clusters"]);
  const entry = clusterNames.map((name) => clusters[name]).find((found) => found !== undefined);
  const configured =
    (typeof entry === "object" && entry !== null ? properties(entry)["bootstrapServers"] : entry) ??
    settings["bootstrapServers"] ??
    (ownServers.length > 0 ? ownServers.join(",") : undefined);
  if (configured === undefined) {
    throw fail(
      "SOK_BOOTSTRAP_SERVERS_MISSING",
      `say where Kafka listens locally: custom.${CUSTOM_KEY}.bootstrapServers: 127.0.0.1:9092`,
    );
  }
  const servers = asList(configured)
    .flatMap((part) => String(part).split(","))
    .map((server) => server.trim())
    .filter((server) => server !== "");
  if (servers.length === 0 || !servers.every((server) => SERVER_PATTERN.test(server))) {
    throw fail(
      "SOK_BOOTSTRAP_SERVERS_INVALID",
      `bootstrapServers is ${JSON.stringify(configured)}, write host:port,host:port`,
    );
  }
  return servers;
}

function readBatchSize(batchSize: unknown, fail: Fail): number {
  if (batchSize === undefined) return BATCH_SIZE_DEFAULT;
  if (!isInteger(batchSize, BATCH_SIZE_MIN, BATCH_SIZE_MAX)) {
    throw fail(
      "SOK_BATCH_SIZE_INVALID",
      `the batch size is a whole number from ${BATCH_SIZE_MIN} to ${BATCH_SIZE_MAX}`,
    );
  }
  return batchSize;
}

function readWindowMs(
  ofEvent: unknown,
  extension: Properties,
  logicalId: string,
  where: string,
  fail: Fail,
  warnings: string[],
): number {
  const ofExtension = extension["MaximumBatchingWindowInSeconds"];
  const seconds = ofExtension ?? ofEvent;
  if (seconds === undefined) return WINDOW_MS_DEFAULT;
  if (!isInteger(seconds, 0, WINDOW_SECONDS_MAX)) {
    throw fail(
      "SOK_BATCHING_WINDOW_INVALID",
      `the batching window is a whole number of seconds, at most ${WINDOW_SECONDS_MAX}`,
    );
  }
  if (seconds === 0 && ofExtension === undefined) {
    warnings.push(
      `${where}: the framework does not deploy maximumBatchingWindow: 0, so the window is ${WINDOW_MS_DEFAULT} ms as on AWS; ` +
        `for none set resources.extensions.${logicalId}.Properties.MaximumBatchingWindowInSeconds: 0`,
    );
    return WINDOW_MS_DEFAULT;
  }
  return seconds * 1_000;
}

function readStartingPosition(event: Properties, fail: Fail): StartingPosition {
  // The framework's default; CloudFormation has none and requires one.
  const kind = event["startingPosition"] ?? "TRIM_HORIZON";
  if (kind === "LATEST" || kind === "TRIM_HORIZON") return { kind };
  const timestampSeconds = event["startingPositionTimestamp"];
  if (kind !== "AT_TIMESTAMP" || typeof timestampSeconds !== "number" || !(timestampSeconds >= 0)) {
    throw fail(
      "SOK_STARTING_POSITION_INVALID",
      "startingPosition is LATEST, TRIM_HORIZON, or AT_TIMESTAMP with startingPositionTimestamp in Unix seconds",
    );
  }
  return { kind, timestampMs: timestampSeconds * 1_000 };
}

function readResponseTypes(types: unknown, fail: Fail): boolean {
  if (types === undefined) return false;
  if (!Array.isArray(types) || !types.every((type) => type === "ReportBatchItemFailures")) {
    throw fail("SOK_FUNCTION_RESPONSE_TYPES_INVALID", "FunctionResponseTypes is a list of ReportBatchItemFailures");
  }
  return types.length > 0;
}

/** As osls names a cluster in a logical id (get-msk-cluster-name-token.js). */
function readClusterToken(arn: unknown): string {
  if (typeof arn === "string") return arn.split("/")[1] ?? arn;
  const reference = properties(arn);
  const token = reference["Fn::ImportValue"] ?? reference["Ref"];
  return typeof token === "string" ? token : "cluster";
}

/** What a handler sees for a cluster that only CloudFormation can name: the same in every run, and plainly local. */
function localArn(region: string, clusterToken: string): string {
  return `arn:aws:kafka:${region}:000000000000:cluster/local/${clusterToken}`;
}

function properties(value: unknown): Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Properties) : {};
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
