// On-failure destinations that can be made to fail, and lose nothing of what they took.

import { once } from "node:events";
import { type AddressInfo, connect as connectTo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateQueueCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Admin, Kafka } from "kafkajs";
import kafkajs from "kafkajs";
import type { DestinationConfig } from "../../src/config/types.ts";
import type { LocalAws } from "../support/aws.ts";
import { readQueueDeliveries, readTopicDeliveries } from "./ground-truth.ts";
import type { DestinationState } from "./plan.ts";
import type { Delivery } from "./trace.ts";

export interface DeadEnd {
  readonly config: DestinationConfig;
  /** For the members' processes. */
  readonly environment: Readonly<Record<string, string>>;
  set(state: DestinationState): Promise<void>;
  /** Everything that it ever took from a topic. */
  deliveries(sourceTopic: string): Promise<readonly Delivery[]>;
  close(): Promise<void>;
}

const REGION = "eu-central-1";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: REGION };
/** The broker acts on a new setting a moment after it has taken it. */
const SETTLE_MS = 500;

/**
 * A topic. `refuses`: no message is small enough. `lossy`: it is gone.
 *
 * @param sourceTopic where the records come from: what is there is read before the topic goes
 */
export async function openTopicDeadEnd(
  { admin, kafka }: { readonly admin: Admin; readonly kafka: Kafka },
  name: string,
  sourceTopic: string,
): Promise<DeadEnd> {
  const taken: Delivery[] = [];
  let state: DestinationState = "up";
  const settings = (bytesMax: number) => [
    { name: "message.timestamp.type", value: "LogAppendTime" },
    { name: "max.message.bytes", value: String(bytesMax) },
  ];
  const create = () =>
    admin.createTopics({
      topics: [{ topic: name, numPartitions: 2, replicationFactor: 1, configEntries: settings(1_000_000) }],
    });
  const limit = async (bytesMax: number) => {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: settings(bytesMax) }],
    });
    await sleep(SETTLE_MS);
  };
  const read = () => readTopicDeliveries(kafka, name, sourceTopic);
  await create();
  return {
    config: { kind: "kafka", topic: name },
    environment: {},
    async set(wanted) {
      if (wanted === state) return;
      if (state === "lossy") await create();
      state = "up";
      if (wanted === "up") await limit(1_000_000);
      else await limit(1);
      if (wanted === "lossy") {
        taken.push(...(await read()));
        await admin.deleteTopics({ topics: [name] });
      }
      state = wanted;
    },
    deliveries: async () => [...taken, ...(await read())],
    close: async () => {},
  };
}

/** A queue behind a proxy. `refuses`: nobody listens. `lossy`: the queue takes what is sent, its answers get lost. */
export async function openQueueDeadEnd(aws: LocalAws, sqs: SQSClient, name: string): Promise<DeadEnd> {
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { hostname, port } = new URL(aws.endpoint);
  let state: DestinationState = "up";
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (state === "refuses") {
      client.destroy();
      return;
    }
    const upstream = connectTo(Number(port), hostname);
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.pipe(upstream);
    upstream.on("data", (answer) => {
      if (state === "lossy") end();
      else client.write(answer);
    });
  }).listen(0, hostname);
  await once(server, "listening");
  return {
    config: { kind: "sqs", arn: `arn:aws:sqs:${REGION}:000000000000:${name}` },
    environment: {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL: `http://${hostname}:${(server.address() as AddressInfo).port}`,
    },
    async set(wanted) {
      state = wanted;
      if (wanted === "refuses") for (const socket of sockets) socket.destroy();
    },
    deliveries: (sourceTopic) => readQueueDeliveries(sqs, QueueUrl, sourceTopic),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
