import { basename } from "node:path";

interface Tool {
  readonly class: string;
  /** It works on files, not on a broker. */
  readonly offline?: boolean;
}

/** Kafka's own command line tools, by the names of its scripts. */
const tools = {
  "kafka-acls": { class: "org.apache.kafka.tools.AclCommand" },
  "kafka-broker-api-versions": { class: "org.apache.kafka.tools.BrokerApiVersionsCommand" },
  "kafka-client-metrics": { class: "org.apache.kafka.tools.ClientMetricsCommand" },
  "kafka-cluster": { class: "org.apache.kafka.tools.ClusterTool" },
  "kafka-configs": { class: "kafka.admin.ConfigCommand" },
  "kafka-console-consumer": { class: "org.apache.kafka.tools.consumer.ConsoleConsumer" },
  "kafka-console-producer": { class: "org.apache.kafka.tools.ConsoleProducer" },
  "kafka-console-share-consumer": { class: "org.apache.kafka.tools.consumer.ConsoleShareConsumer" },
  "kafka-consumer-groups": { class: "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand" },
  "kafka-consumer-perf-test": { class: "org.apache.kafka.tools.ConsumerPerformance" },
  "kafka-delete-records": { class: "org.apache.kafka.tools.DeleteRecordsCommand" },
  "kafka-dump-log": { class: "org.apache.kafka.tools.DumpLogSegments", offline: true },
  "kafka-e2e-latency": { class: "org.apache.kafka.tools.EndToEndLatency" },
  "kafka-features": { class: "org.apache.kafka.tools.FeatureCommand" },
  "kafka-get-offsets": { class: "org.apache.kafka.tools.GetOffsetShell" },
  "kafka-groups": { class: "org.apache.kafka.tools.GroupsCommand" },
  "kafka-leader-election": { class: "org.apache.kafka.tools.LeaderElectionCommand" },
  "kafka-log-dirs": { class: "org.apache.kafka.tools.LogDirsCommand" },
  "kafka-metadata-quorum": { class: "org.apache.kafka.tools.MetadataQuorumCommand" },
  "kafka-producer-perf-test": { class: "org.apache.kafka.tools.ProducerPerformance" },
  "kafka-reassign-partitions": { class: "org.apache.kafka.tools.reassign.ReassignPartitionsCommand" },
  "kafka-replica-verification": { class: "org.apache.kafka.tools.ReplicaVerificationTool" },
  "kafka-share-groups": { class: "org.apache.kafka.tools.consumer.group.ShareGroupCommand" },
  "kafka-storage": { class: "kafka.tools.StorageTool", offline: true },
  "kafka-streams-groups": { class: "org.apache.kafka.tools.streams.StreamsGroupCommand" },
  "kafka-topics": { class: "org.apache.kafka.tools.TopicCommand" },
  "kafka-transactions": { class: "org.apache.kafka.tools.TransactionsCommand" },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

export const toolNames = Object.keys(tools) as ToolName[];

export const classOf = (tool: ToolName): string => tools[tool].class;

/** The tool that a book means by `bin/kafka-topics.sh`, by `kafka-topics`, or by `topics` behind `npx tripline kafka`. */
export function toolNamed(word: string, { prefixed = true } = {}): ToolName | undefined {
  const name = basename(word).replace(/\.(sh|bat)$/, "");
  const full = prefixed ? name : `kafka-${name.replace(/^kafka-/, "")}`;
  return toolNames.find((each) => each === full);
}

/** For somebody who has written a tool's name not quite right. */
export function toolLike(word: string): string {
  const like = toolNames.filter(
    (each) => each.startsWith(word) || word.startsWith(each) || each.includes(word.slice(6)),
  );
  return like.length > 0 ? ` Did you mean ${like.join(" or ")}?` : ` There are: ${toolNames.join(", ")}.`;
}

/** Options by which a person has said already where the broker is, or wants to read something that needs none. */
const needsNoServer =
  /^--(bootstrap-(server|controller|servers)|broker-list|producer-props|command-property|help|version)$/;

/**
 * A tool's arguments with the broker of the stack, unless they name one. Asked for nothing, a tool explains itself.
 *
 * @example withServer("kafka-topics", ["--list"], "127.0.0.1:9092") // ["--bootstrap-server", "127.0.0.1:9092", "--list"]
 */
export function withServer(tool: ToolName, args: readonly string[], bootstrapServers: string): string[] {
  return needsServer(tool, args) ? ["--bootstrap-server", bootstrapServers, ...args] : [...args];
}

export function needsServer(tool: ToolName, args: readonly string[]): boolean {
  const { offline = false }: Tool = tools[tool];
  return !offline && args.length > 0 && !args.some((each) => needsNoServer.test(each.split("=")[0] ?? ""));
}
