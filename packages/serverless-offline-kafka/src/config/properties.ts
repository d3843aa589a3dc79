import { readAccess } from "./access.ts";
import type { Declaration } from "./declaration.ts";
import { readDestination } from "./destination.ts";
import { readFilterPatterns } from "./filters.ts";
import { show } from "./json.ts";
import { MAPPING_PROPERTIES, PROPERTIES_OF_OTHER_SOURCES } from "./names.ts";
import { readSchemaRegistry } from "./schema-registry.ts";
import type { ServiceDescription, ServiceFunction } from "./service.ts";
import { functionArn } from "./service.ts";
import type { Settings } from "./settings.ts";
import { readSource } from "./source.ts";
import { TOPIC_PATTERN } from "./topic.ts";
import type { MappingConfig, Scaling, StartingPosition } from "./types.ts";

/** BatchSize [CloudFormation]. Only Kinesis, DynamoDB and SQS want a window for more than 10 records. */
const BATCH_SIZE_MIN = 1;
const BATCH_SIZE_MAX = 10_000;
const BATCH_SIZE_DEFAULT = 100;
/** MaximumBatchingWindowInSeconds [CloudFormation]. */
const WINDOW_SECONDS_MAX = 300;
/** Without a window Kafka batches close after 500 ms [invocation-eventsourcemapping, batching behaviour]. */
export const WINDOW_MS_DEFAULT = 500;
/** MaximumRetryAttempts and MaximumRecordAgeInSeconds [kafka-retry-configurations]. */
const FOR_EVER = -1;
const RETRY_ATTEMPTS_MAX = 10_000;
const RECORD_AGE_SECONDS_MIN = 60;
const RECORD_AGE_SECONDS_MAX = 604_800;
/** What becomes of retrying for ever when there is a destination [kafka-on-failure-destination]. */
const RETRY_ATTEMPTS_WITH_DESTINATION = 10;
/** ProvisionedPollerConfig [CloudFormation; msk-esm-parameters]. */
const MINIMUM_POLLERS_MAX = 200;
const MINIMUM_POLLERS_DEFAULT = 1;
const MAXIMUM_POLLERS_MAX = 2_000;
const MAXIMUM_POLLERS_DEFAULT = 200;
/** ConsumerGroupId: 1 to 200 characters [CloudFormation, SelfManagedKafkaEventSourceConfig]. */
const CONSUMER_GROUP_PATTERN = /^[a-zA-Z0-9\-/*:_+=.@]{1,200}$/;

/** What the reading of a mapping needs beside the mapping. */
export interface ReadingContext {
  readonly logicalId: string;
  readonly fn: ServiceFunction;
  readonly service: ServiceDescription;
  readonly settings: Settings;
}

/**
 * One mapping, from the properties that CloudFormation would get.
 *
 * @throws MappingError for what AWS refuses, and for what cannot be run locally
 */
export function readProperties(
  declaration: Declaration,
  { logicalId, fn, service, settings }: ReadingContext,
): MappingConfig {
  checkNames(declaration);
  const topic = readTopic(declaration);
  const source = readSource(declaration, settings, service.region);
  const config = declaration.nested(source.configName, ["ConsumerGroupId", "ConsumptionMode", "SchemaRegistryConfig"]);
  const onFailure = readDestination(declaration, topic);
  const mapping: MappingConfig = {
    logicalId,
    functionKey: fn.key,
    functionArn: functionArn(service.region, fn.name),
    topic,
    groupId: readGroupId(config, service),
    enabled: declaration.boolean("Enabled") ?? true,
    batchSize:
      declaration.integer("BatchSize", "SOK_BATCH_SIZE_INVALID", BATCH_SIZE_MIN, BATCH_SIZE_MAX) ?? BATCH_SIZE_DEFAULT,
    windowMs: readWindowMs(declaration),
    startingPosition: readStartingPosition(declaration, service.nowMs()),
    reportBatchItemFailures: readResponseTypes(declaration),
    filterPatterns: readFilterPatterns(declaration),
    scaling: readScaling(declaration),
    retryAttemptsMax: readRetryAttemptsMax(declaration, onFailure !== undefined),
    recordAgeMsMax: readRecordAgeMsMax(declaration),
    bisectBatchOnFunctionError: declaration.boolean("BisectBatchOnFunctionError") ?? false,
    onFailure,
    schemaRegistry: readSchemaRegistry(config, source.local),
    access: readAccess(declaration, source),
    tls: source.local.tls,
    bootstrapServers: source.bootstrapServers,
    envelope: source.envelope,
  };
  warnWithoutProvisionedMode(declaration, mapping);
  return mapping;
}

function checkNames(declaration: Declaration): void {
  for (const [name, sources] of PROPERTIES_OF_OTHER_SOURCES) {
    if (declaration.raw(name) !== undefined) {
      throw declaration.fail(
        "SOK_PROPERTY_NOT_FOR_KAFKA",
        `${declaration.label(name)} is for ${sources}; AWS refuses it for Kafka: remove it`,
      );
    }
  }
  declaration.warnOfUnknownNames(MAPPING_PROPERTIES);
}

function readTopic(declaration: Declaration): string {
  const topics = declaration.value("Topics");
  const [topic, ...others] = Array.isArray(topics) ? topics : [];
  if (typeof topic === "string" && others.length === 0 && TOPIC_PATTERN.test(topic)) return topic;
  const label = declaration.label("Topics");
  throw declaration.fail("SOK_TOPIC_INVALID", `${label} is ${show(topics)}; write the name of one Kafka topic`);
}

function readGroupId(config: Declaration | undefined, service: ServiceDescription): string {
  const mode = config?.value("ConsumptionMode");
  if (config !== undefined && mode !== undefined && mode !== "Stream") {
    throw config.fail(
      "SOK_PROPERTY_INVALID",
      `${config.label("ConsumptionMode")} is ${show(mode)}; this plugin runs Stream, in consumer groups`,
    );
  }
  const groupId = config?.value("ConsumerGroupId");
  if (config === undefined || groupId === undefined) return service.newGroupId();
  if (typeof groupId === "string" && CONSUMER_GROUP_PATTERN.test(groupId)) return groupId;
  const label = config.label("ConsumerGroupId");
  throw config.fail(
    "SOK_CONSUMER_GROUP_INVALID",
    `${label} is ${show(groupId)}; write 1 to 200 letters, digits and -/*:_+=.@`,
  );
}

function readWindowMs(declaration: Declaration): number {
  const seconds = declaration.integer(
    "MaximumBatchingWindowInSeconds",
    "SOK_BATCHING_WINDOW_INVALID",
    0,
    WINDOW_SECONDS_MAX,
  );
  return seconds === undefined ? WINDOW_MS_DEFAULT : seconds * 1_000;
}

function readStartingPosition(declaration: Declaration, nowMs: number): StartingPosition {
  const fail = (message: string) => declaration.fail("SOK_STARTING_POSITION_INVALID", message);
  const kind = declaration.value("StartingPosition");
  const timestamp = declaration.value("StartingPositionTimestamp");
  const timestampLabel = declaration.label("StartingPositionTimestamp");
  if (kind === "LATEST" || kind === "TRIM_HORIZON") {
    if (timestamp === undefined) return { kind };
    throw fail(`${timestampLabel} needs AT_TIMESTAMP; change ${declaration.label("StartingPosition")} or remove it`);
  }
  if (kind !== "AT_TIMESTAMP") {
    const label = declaration.label("StartingPosition");
    throw fail(`${label} is ${show(kind)}; write LATEST, TRIM_HORIZON or AT_TIMESTAMP`);
  }
  const seconds = typeof timestamp === "string" && timestamp.trim() !== "" ? Number(timestamp) : timestamp;
  if (typeof seconds === "number" && seconds >= 0 && seconds * 1_000 <= nowMs) {
    return { kind, timestampMs: Math.round(seconds * 1_000) };
  }
  throw fail(`${timestampLabel} is ${show(timestamp)}; AT_TIMESTAMP needs Unix seconds that are not in the future`);
}

function readResponseTypes(declaration: Declaration): boolean {
  const types = declaration.value("FunctionResponseTypes");
  if (types === undefined) return false;
  // At most one, and there is only one [CloudFormation].
  if (Array.isArray(types) && types.length <= 1 && types.every((type) => type === "ReportBatchItemFailures")) {
    return types.length > 0;
  }
  const label = declaration.label("FunctionResponseTypes");
  throw declaration.fail(
    "SOK_FUNCTION_RESPONSE_TYPES_INVALID",
    `${label} is ${show(types)}; write [ReportBatchItemFailures]`,
  );
}

function readScaling(declaration: Declaration): Scaling {
  const config = declaration.nested("ProvisionedPollerConfig", ["MinimumPollers", "MaximumPollers", "PollerGroupName"]);
  if (config === undefined) return { kind: "onDemand" };
  const pollersMin =
    config.integer("MinimumPollers", "SOK_POLLERS_INVALID", 1, MINIMUM_POLLERS_MAX) ?? MINIMUM_POLLERS_DEFAULT;
  const pollersMax =
    config.integer("MaximumPollers", "SOK_POLLERS_INVALID", 1, MAXIMUM_POLLERS_MAX) ?? MAXIMUM_POLLERS_DEFAULT;
  if (pollersMax < pollersMin) {
    const label = config.label("MaximumPollers");
    throw config.fail(
      "SOK_POLLERS_INVALID",
      `${label} is ${pollersMax}, less than the minimum ${pollersMin}; raise it or lower the minimum`,
    );
  }
  return { kind: "provisioned", pollersMin, pollersMax };
}

function readRetryAttemptsMax(declaration: Declaration, hasDestination: boolean): number {
  const attempts = declaration.integer(
    "MaximumRetryAttempts",
    "SOK_RETRY_ATTEMPTS_INVALID",
    0,
    RETRY_ATTEMPTS_MAX,
    FOR_EVER,
  );
  if (attempts !== undefined && attempts !== FOR_EVER) return attempts;
  return hasDestination ? RETRY_ATTEMPTS_WITH_DESTINATION : Number.POSITIVE_INFINITY;
}

function readRecordAgeMsMax(declaration: Declaration): number {
  const seconds = declaration.integer(
    "MaximumRecordAgeInSeconds",
    "SOK_RECORD_AGE_INVALID",
    RECORD_AGE_SECONDS_MIN,
    RECORD_AGE_SECONDS_MAX,
    FOR_EVER,
  );
  return seconds === undefined || seconds === FOR_EVER ? Number.POSITIVE_INFINITY : seconds * 1_000;
}

/**
 * Retry controls, registries and Kafka destinations are for provisioned mode [kafka-retry-configurations;
 * services-consume-kafka-events]. Whether a value that is the default anyway is refused too, AWS does not say: here not.
 */
function warnWithoutProvisionedMode(declaration: Declaration, mapping: MappingConfig): void {
  if (mapping.scaling.kind === "provisioned") return;
  const retryAttempts = declaration.value("MaximumRetryAttempts");
  const needing: ReadonlyArray<readonly [name: string, isSet: boolean]> = [
    ["MaximumRetryAttempts", retryAttempts !== undefined && Number(retryAttempts) !== FOR_EVER],
    ["MaximumRecordAgeInSeconds", mapping.recordAgeMsMax !== Number.POSITIVE_INFINITY],
    ["BisectBatchOnFunctionError", mapping.bisectBatchOnFunctionError],
    ["FunctionResponseTypes", mapping.reportBatchItemFailures],
    ["DestinationConfig.OnFailure.Destination", mapping.onFailure?.kind === "kafka"],
    ["SchemaRegistryConfig", mapping.schemaRegistry !== undefined],
  ];
  const labels = needing.filter(([, isSet]) => isSet).map(([name]) => declaration.label(name));
  if (labels.length > 0) {
    declaration.warn(
      `applied locally, but AWS has ${labels.join(", ")} in provisioned mode only; add ProvisionedPollerConfig to deploy`,
    );
  }
}
