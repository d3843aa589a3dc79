// What of kafkajs, in a member's process, no public interface shows or allows.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** A member that is in no group sends none, and must not freeze when nobody is there any more to thaw it. */
const HEARTBEAT_WAIT_MS = 2_000;

/** Freezes this process when its next heartbeat has been sent: the answer waits in the socket until it is thawed. */
export function freezeAtHeartbeat(): void {
  const untilMs = Date.now() + HEARTBEAT_WAIT_MS;
  const { prototype } = require("kafkajs/src/broker/index.js") as { prototype: KafkaJsBroker };
  const original = prototype.heartbeat;
  prototype.heartbeat = function heartbeat(payload) {
    prototype.heartbeat = original;
    const answer = original.call(this, payload);
    // By then kafkajs has written the request.
    if (Date.now() < untilMs) setImmediate(() => process.kill(process.pid, "SIGSTOP"));
    return answer;
  };
}

/** Tells what the group gives this member, before anybody else in this process hears of it. */
export function onAssigned(callback: (partitions: readonly number[]) => void): void {
  const { prototype } = require("kafkajs/src/consumer/subscriptionState.js") as { prototype: KafkaJsSubscriptionState };
  const original = prototype.assign;
  prototype.assign = function assign(topicPartitions = []) {
    callback(topicPartitions.flatMap(({ partitions }) => partitions));
    return original.call(this, topicPartitions);
  };
}

interface KafkaJsBroker {
  heartbeat(payload: unknown): Promise<unknown>;
}

interface KafkaJsSubscriptionState {
  assign(topicPartitions?: ReadonlyArray<{ readonly partitions: readonly number[] }>): void;
}
