import { type Topic, topics } from "../shared/kafka/topics.ts";
import { logicalId, type Resources, ref } from "./template.ts";

const replicas = 3;

/** Where the connectors note how far they have read. A name of our own: with MSK Connect's, a connector that is replaced would begin anew. */
export const offsetsTopic = "__amazon_msk_connect_offsets_tripline";

const connectOffsets: Topic = {
  name: offsetsTopic,
  partitions: 5,
  config: { "cleanup.policy": "compact" },
};

/** The logical id of a topic's resource. */
export function topicId(name: string): string {
  return `Topic${logicalId(name)}`;
}

/** An AWS::MSK::Topic for each topic that the system needs. A topic that goes takes its records along, so it stays. */
export function topicResources(): Resources {
  const resources: Resources = {};
  const declared: readonly Topic[] = [...Object.values(topics), connectOffsets];
  for (const { name, partitions, config } of declared) {
    resources[topicId(name)] = {
      Type: "AWS::MSK::Topic",
      Condition: "IsAws",
      // What a failed deployment made goes with it, or the next one would find its name taken.
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
      Properties: {
        ClusterArn: ref("KafkaCluster"),
        TopicName: name,
        PartitionCount: partitions,
        ReplicationFactor: replicas,
        ...(config === undefined ? {} : { Configs: { "Fn::Base64": JSON.stringify(config) } }),
      },
    };
  }
  return resources;
}
