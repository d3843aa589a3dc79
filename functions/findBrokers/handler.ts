import type { Logger } from "@aws-lambda-powertools/logger";
import { GetBootstrapBrokersCommand, type KafkaClient } from "@aws-sdk/client-kafka";
import * as v from "valibot";
import { customResourceHandler, type LambdaHandler } from "../../shared/lambda/index.ts";

/** A custom resource: the brokers that a client of an MSK cluster begins with, as `BootstrapServers` (host:port, comma-separated). */
export function createHandler({
  kafka,
  logger,
}: {
  kafka: KafkaClient;
  logger?: Logger | undefined;
}): LambdaHandler<void> {
  return customResourceHandler({
    logger,
    properties: v.object({ ClusterArn: v.string() }),
    ensure: async ({ ClusterArn }) => {
      const { BootstrapBrokerStringSaslIam } = await kafka.send(new GetBootstrapBrokersCommand({ ClusterArn }));
      if (!BootstrapBrokerStringSaslIam) {
        throw new Error(
          `Cluster ${ClusterArn} has no brokers for IAM authentication: ClientAuthentication.Sasl.Iam has to be enabled.`,
        );
      }
      return { BootstrapServers: BootstrapBrokerStringSaslIam };
    },
  });
}
