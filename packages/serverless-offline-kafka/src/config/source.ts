import type { EventEnvelope } from "../delivery/event.ts";
import type { Declaration } from "./declaration.ts";
import { intrinsicName, Unresolvable } from "./intrinsics.ts";
import { asList, isObject, own, show } from "./json.ts";
import { localClusterArn } from "./service.ts";
import type { LocalCluster, Settings } from "./settings.ts";
import { settingPath } from "./settings.ts";

/** A cluster of MSK, or a VPC connection to one. */
export const KAFKA_ARN_PATTERN = /^arn:[\w-]+:kafka:/;
const SERVER_PATTERN = /^\S+:\d{1,5}$/;
/** CloudFormation's name of a list, and the API's. */
const SERVER_LISTS = ["KafkaBootstrapServers", "KAFKA_BOOTSTRAP_SERVERS"] as const;

/** The cluster of a mapping. */
export interface ClusterSource {
  readonly kind: "msk" | "kafka";
  /** The property with the consumer group and the registry. */
  readonly configName: "AmazonManagedKafkaEventSourceConfig" | "SelfManagedKafkaEventSourceConfig";
  readonly local: LocalCluster;
  readonly bootstrapServers: readonly string[];
  readonly envelope: EventEnvelope;
}

/** @throws MappingError when the mapping has no cluster, two, or one that cannot be reached locally */
export function readSource(declaration: Declaration, settings: Settings, region: string): ClusterSource {
  const isMsk = declaration.raw("EventSourceArn") !== undefined;
  if (isMsk === (declaration.raw("SelfManagedEventSource") !== undefined)) {
    throw declaration.fail(
      "SOK_EVENT_INVALID",
      "set one of EventSourceArn, to the ARN of an MSK cluster, and SelfManagedEventSource",
    );
  }
  return isMsk ? readMskSource(declaration, settings, region) : readSelfManagedSource(declaration, settings);
}

function readMskSource(declaration: Declaration, settings: Settings, region: string): ClusterSource {
  refuseOtherConfig(declaration, "SelfManagedKafkaEventSourceConfig", "AmazonManagedKafkaEventSourceConfig");
  const raw = declaration.raw("EventSourceArn");
  const known = declaration.valueIfKnown("EventSourceArn");
  const reference = known instanceof Unresolvable ? known.reference : referenceIn(raw);
  const arn =
    known instanceof Unresolvable ? localClusterArn(region, reference ?? "cluster") : (known.value ?? undefined);
  if (typeof arn !== "string" || !KAFKA_ARN_PATTERN.test(arn)) {
    throw declaration.fail(
      "SOK_EVENT_INVALID",
      `${declaration.label("EventSourceArn")} is ${show(arn)}; write the ARN of an MSK cluster`,
    );
  }
  const local = settings.cluster(reference === undefined ? [arn] : [arn, reference]);
  const bootstrapServers = readServers(declaration, local.bootstrapServers);
  return {
    kind: "msk",
    configName: "AmazonManagedKafkaEventSourceConfig",
    local,
    bootstrapServers,
    envelope: { eventSource: "aws:kafka", eventSourceArn: arn, bootstrapServers: bootstrapServers.join(",") },
  };
}

function readSelfManagedSource(declaration: Declaration, settings: Settings): ClusterSource {
  refuseOtherConfig(declaration, "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig");
  const endpoints = declaration.nested("SelfManagedEventSource", ["Endpoints"])?.nested("Endpoints", SERVER_LISTS);
  const listName = SERVER_LISTS.find((name) => endpoints?.raw(name) !== undefined);
  if (endpoints === undefined || listName === undefined) {
    const label = declaration.label("SelfManagedEventSource.Endpoints.KafkaBootstrapServers");
    throw declaration.fail("SOK_EVENT_INVALID", `set ${label} to the servers of the cluster`);
  }
  // A server that only CloudFormation knows is no place to read from locally, and no error if there is another.
  const own = endpoints.knownItems(listName);
  const names = own.filter((server) => typeof server === "string");
  const local = settings.cluster([names.join(","), ...names]);
  const bootstrapServers = readServers(declaration, local.bootstrapServers ?? (own.length > 0 ? own : undefined));
  return {
    kind: "kafka",
    configName: "SelfManagedKafkaEventSourceConfig",
    local,
    bootstrapServers,
    envelope: { eventSource: "SelfManagedKafka", bootstrapServers: bootstrapServers.join(",") },
  };
}

function refuseOtherConfig(declaration: Declaration, other: string, right: string): void {
  if (declaration.raw(other) !== undefined) {
    throw declaration.fail(
      "SOK_EVENT_INVALID",
      `${declaration.label(other)} is for another kind of cluster; write ${right}`,
    );
  }
}

/** What a `Ref`, `Fn::GetAtt` or `Fn::ImportValue` names. */
function referenceIn(raw: unknown): string | undefined {
  const name = intrinsicName(raw);
  if (name === undefined || !isObject(raw)) return undefined;
  const [argument] = asList(own(raw, name));
  if (typeof argument !== "string" || name === "Fn::Sub") return undefined;
  return name === "Fn::GetAtt" ? argument.split(".")[0] : argument;
}

function readServers(declaration: Declaration, configured: unknown): readonly string[] {
  if (configured === undefined) {
    throw declaration.fail(
      "SOK_BOOTSTRAP_SERVERS_MISSING",
      `say where Kafka listens locally: ${settingPath("bootstrapServers")}: 127.0.0.1:9092`,
    );
  }
  const servers = asList(configured)
    .flatMap((part) => (typeof part === "string" ? part.split(",") : [show(part)]))
    .map((server) => server.trim())
    .filter((server) => server !== "");
  if (servers.length === 0 || !servers.every((server) => SERVER_PATTERN.test(server))) {
    throw declaration.fail(
      "SOK_BOOTSTRAP_SERVERS_INVALID",
      `bootstrapServers is ${show(configured)}; write host:port,host:port`,
    );
  }
  return servers;
}
