import { KafkaClient } from "@aws-sdk/client-kafka";
import { createHandler } from "./handler.ts";

export const handler = createHandler({ kafka: new KafkaClient() });
