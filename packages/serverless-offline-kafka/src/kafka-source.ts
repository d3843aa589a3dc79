import type { Admin, Consumer, EachBatchPayload, KafkaMessage, PartitionAssigner } from "kafkajs";
import kafkajs from "kafkajs";
import { backoffMs, CONNECT_BACKOFF } from "./backoff.ts";
import type { MappingConfig, StartingPosition } from "./config.ts";
import type { SourceRecord } from "./event.ts";
import { createLogCreator, prepareKafkaJs } from "./kafka-client.ts";
import type { KafkaSource, PartitionOffset, PollerLog, SourceListener, TopicPartition } from "./poller.ts";

/**
 * How long the group waits for a member that is silent: killed, say, or cut off by a broker's restart, after which
 * kafkajs comes back as another member. Handlers run in workers, so nothing keeps this process from its heartbeats.
 */
const SESSION_TIMEOUT_MS = 10_000;
/** kafkajs's own default, a third of the session. */
const HEARTBEAT_INTERVAL_MS = 3_000;
/** How long the group waits for members to join again; a member that is still silent by then is out. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** How long a rebalance waits for a running batch: not so long that the group goes on without this member. */
const REJOIN_WAIT_MS_MAX = 45_000;
/** Bounds how soon a partition that was paused is fetched again; records that arrive end the wait at once. */
const FETCH_WAIT_MS_MAX = 100;
/** Compressed. zstd takes change events to a fifteenth, so a fetch may grow to some 60 MB: kafkajs's 10 MB would be 150. */
const FETCH_BYTES_MAX = 4 * 1_024 * 1_024;
const FETCH_BYTES_PER_PARTITION_MAX = 512 * 1_024;
/** How soon new partitions of a topic are noticed; kafkajs's default is five minutes. */
const METADATA_AGE_MS_MAX = 30_000;
/** kafkajs's one second is short for a laptop that is building something else. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** How often to look for a topic that does not exist yet. */
const TOPIC_WAIT_MS = 2_000;
/** A broker that is gone must not hold up the end of the process. */
const STOP_MS_MAX = 5_000;
/** Some 55 s in all, so that the wait for a running batch (REJOIN_WAIT_MS_MAX) fits into one attempt to join. */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 30, restartOnFailure: async () => false };
const ADMIN_RETRY = { initialRetryTime: 200, retries: 2 };

export interface SourceOptions {
  /** Begins every line in the log. */
  readonly name: string;
  readonly mapping: Pick<MappingConfig, "bootstrapServers" | "groupId" | "startingPosition" | "topic">;
  readonly log: PollerLog & { debug(line: string): void };
}

/**
 * A member of a consumer group, made with kafkajs, that outlives its brokers: whenever kafkajs gives up, a new client
 * takes over from what is committed.
 */
export class KafkaJsSource implements KafkaSource {
  readonly #options: SourceOptions;
  /** Where partitions that the group has no offset for begin, from the first connection until something is committed. */
  readonly #pins = new Map<number, number>();
  #pinned = false;
  #client: Client | undefined;
  #life: Promise<void> | undefined;
  /** The partitions last shown in the log. */
  #announced: string | undefined;
  #outage = false;
  /** Clients that have ended since records last came, and what the last one said. */
  #failures = 0;
  #complaint = "";
  readonly #stopped = Promise.withResolvers<void>();
  #stopping = false;

  constructor(options: SourceOptions) {
    this.#options = options;
    prepareKafkaJs();
  }

  start(listener: SourceListener): void {
    this.#life = this.#live(listener);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve();
    await within(STOP_MS_MAX, this.#life ?? Promise.resolve());
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const commit = this.#client?.commit;
    if (commit === undefined) throw new Error("not connected");
    const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    await commit({ topics: [{ topic: this.#options.mapping.topic, partitions }] });
  }

  seek({ topic, partition, offset }: PartitionOffset): void {
    this.#steer((consumer) => consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause({ topic, partition }: TopicPartition): void {
    this.#steer((consumer) => consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume({ topic, partition }: TopicPartition): void {
    this.#steer((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
  }

  #steer(action: (consumer: Consumer) => void): void {
    try {
      if (this.#client !== undefined) action(this.#client.consumer);
    } catch {
      // kafkajs refuses this from a consumer that has crashed. The next one starts from what is committed anyway.
    }
  }

  async #live(listener: SourceListener): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#runClient(listener);
      } catch (error) {
        this.#complain(error);
      }
      this.#failures += 1;
      await this.#sleep(backoffMs(CONNECT_BACKOFF, this.#failures, Math.random()));
    }
  }

  /** The life of one kafkajs client: until it crashes or the source is stopped. */
  async #runClient(listener: SourceListener): Promise<void> {
    const { log, mapping, name } = this.#options;
    const kafka = new kafkajs.Kafka({
      clientId: "serverless-offline-kafka",
      brokers: [...mapping.bootstrapServers],
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      retry: RETRY,
      logLevel: kafkajs.logLevel.WARN,
      logCreator: createLogCreator({
        connectionFailed: (reason) => this.#noticeOutage(reason),
        debug: (line) => log.debug(`${name}: ${line}`),
      }),
    });

    const admin = kafka.admin({ retry: ADMIN_RETRY });
    try {
      await admin.connect();
      await this.#awaitTopic(admin);
      if (!this.#stopping) await this.#pinStart(admin);
    } finally {
      await admin.disconnect().catch(() => {});
    }
    if (this.#stopping) return;

    let heartbeat = async () => {};
    const consumer = kafka.consumer({
      groupId: mapping.groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: FETCH_BYTES_PER_PARTITION_MAX,
      metadataMaxAge: METADATA_AGE_MS_MAX,
      allowAutoTopicCreation: false,
      partitionAssigners: [waitForListener(listener, () => heartbeat())],
      retry: RETRY,
    });
    const client: Client = { consumer, commit: undefined };
    const crashed = new Promise<Error>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
    });
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      for (const { partition } of payload.topics.flatMap(({ partitions }) => partitions)) {
        this.#pins.delete(Number(partition));
      }
    });
    // A group whose broker was away for less than a session goes on without a new join.
    consumer.on(consumer.events.HEARTBEAT, () => this.#noticeRecovery());
    let memberId = "";
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[mapping.topic] ?? [];
      this.#client = client;
      this.#announce(partitions);
      this.#seekPins(consumer, partitions);
      listener.onAssigned(
        partitions.map((partition) => ({ topic: mapping.topic, partition })),
        payload.memberId === memberId,
      );
      memberId = payload.memberId;
    });

    try {
      await consumer.connect();
      // Where to begin is pinned above; what is left are partitions made later, and these are read whole.
      await consumer.subscribe({ topic: mapping.topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async (payload) => {
          heartbeat = payload.heartbeat;
          this.#receive(client, payload, listener);
        },
      });
      const error = await Promise.race([crashed, this.#stopped.promise]);
      if (error !== undefined) throw error;
    } finally {
      this.#client = undefined;
      await within(STOP_MS_MAX, consumer.disconnect()).catch(() => {});
    }
  }

  #receive(client: Client, payload: EachBatchPayload, listener: SourceListener): void {
    if (payload.isStale() || this.#client !== client) return;
    // kafkajs's consumer.commitOffsets tries again after a rebalance, when a partition may be another member's. This one
    // commits once, in the generation of now, or fails.
    client.commit ??= (offsets) => payload.commitOffsetsIfNecessary(offsets);
    this.#failures = 0;
    this.#complaint = "";
    const { topic, partition, messages } = payload.batch;
    listener.onRecords({ topic, partition }, messages.map(toSourceRecord));
  }

  async #awaitTopic(admin: Admin): Promise<void> {
    const { log, mapping, name } = this.#options;
    for (let waited = false; !this.#stopping; waited = true) {
      const topics = await admin.listTopics();
      this.#noticeRecovery();
      if (topics.includes(mapping.topic)) return;
      if (!waited) log.warning(`${name}: topic ${mapping.topic} does not exist yet; waiting for it`);
      await this.#sleep(TOPIC_WAIT_MS);
    }
  }

  /**
   * Decides, once, where to begin in partitions that the group has no offset for. Asking Kafka at each join in place of
   * this would lose what arrives between the first join and the first commit.
   */
  async #pinStart(admin: Admin): Promise<void> {
    const { groupId, startingPosition, topic } = this.#options.mapping;
    if (this.#pinned || startingPosition.kind === "TRIM_HORIZON") return;
    const [committed, start] = await Promise.all([
      admin.fetchOffsets({ groupId, topics: [topic] }),
      startOffsets(admin, topic, startingPosition),
    ]);
    const known = new Map(committed[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    for (const { partition, offset } of start) {
      if ((known.get(partition) ?? -1) < 0) this.#pins.set(partition, Number(offset));
    }
    this.#pinned = true;
  }

  #seekPins(consumer: Consumer, partitions: readonly number[]): void {
    const { log, mapping, name } = this.#options;
    const { topic } = mapping;
    const pins = partitions
      .map((partition) => ({ topic, partition, offset: String(this.#pins.get(partition)) }))
      .filter(({ partition }) => this.#pins.has(partition));
    if (pins.length === 0) return;
    for (const pin of pins) consumer.seek(pin);
    // Stored at once, so that a restart before the first batch does not skip what came in between.
    consumer.commitOffsets(pins).catch((error: unknown) => log.debug(`${name}: ${String(error)}`));
  }

  #announce(partitions: readonly number[]): void {
    const { log, mapping, name } = this.#options;
    this.#noticeRecovery();
    const { groupId, startingPosition, topic } = mapping;
    const list = partitions.length === 0 ? "no partition" : `partitions ${ranges(partitions)}`;
    if (this.#announced === undefined) {
      log.notice(
        `${name}: ${topic}, ${list}, group ${groupId}, from what it has committed or ${startingPosition.kind}`,
      );
    } else if (this.#announced !== list) {
      log.notice(`${name}: ${topic}, now ${list}`);
    }
    this.#announced = list;
  }

  #noticeOutage(reason: string): void {
    if (this.#outage || this.#stopping) return;
    this.#outage = true;
    const { log, mapping, name } = this.#options;
    log.warning(
      `${name}: Kafka at ${mapping.bootstrapServers.join(",")} does not answer (${reason}); trying until it does`,
    );
  }

  #noticeRecovery(): void {
    if (!this.#outage) return;
    this.#outage = false;
    const { log, mapping, name } = this.#options;
    log.notice(`${name}: Kafka at ${mapping.bootstrapServers.join(",")} answers again`);
  }

  /** Says why a client ended, once until something changes. Outages have their own line. */
  #complain(error: unknown): void {
    const { log, mapping, name } = this.#options;
    const cause = rootCause(error);
    const line =
      cause.name === "KafkaJSNotImplemented"
        ? `SOK_COMPRESSION_UNSUPPORTED: topic ${mapping.topic} has records that cannot be read: ${cause.message}; produce with zstd, gzip or no compression`
        : `${cause.name}: ${cause.message}; trying again`;
    if (this.#stopping || this.#outage || line === this.#complaint) {
      log.debug(`${name}: ${line}`);
      return;
    }
    this.#complaint = line;
    log.error(`${name}: ${line}`);
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#stopping) return;
    const timer = Promise.withResolvers<void>();
    const id = setTimeout(timer.resolve, ms);
    await Promise.race([timer.promise, this.#stopped.promise]);
    clearTimeout(id);
  }
}

interface Client {
  readonly consumer: Consumer;
  commit: EachBatchPayload["commitOffsetsIfNecessary"] | undefined;
}

/**
 * kafkajs joins again as soon as it hears of a rebalance, whatever the application is doing. It first asks the assigner
 * for its protocol, though, and takes a rebalance error there as a reason to wait and ask again: so a running batch can
 * end and be committed by the member that still has its partitions.
 */
function waitForListener(listener: SourceListener, heartbeat: () => Promise<void>): PartitionAssigner {
  return (config) => {
    const roundRobin = kafkajs.PartitionAssigners.roundRobin(config);
    let waitingSinceMs: number | undefined;
    return {
      name: roundRobin.name,
      version: roundRobin.version,
      assign: (group) => roundRobin.assign(group),
      protocol: (subscription) => {
        listener.onRebalancing();
        waitingSinceMs ??= Date.now();
        if (!listener.isIdle() && Date.now() - waitingSinceMs < REJOIN_WAIT_MS_MAX) {
          // Its answer is that the group is rebalancing, and that this member is still there.
          heartbeat().catch(() => {});
          throw Object.assign(new Error("a batch is running"), { type: "REBALANCE_IN_PROGRESS" });
        }
        waitingSinceMs = undefined;
        return roundRobin.protocol(subscription);
      },
    };
  };
}

async function startOffsets(
  admin: Admin,
  topic: string,
  position: StartingPosition,
): Promise<ReadonlyArray<{ readonly partition: number; readonly offset: string }>> {
  // By timestamp kafkajs already gives the end of a partition that has nothing so late.
  return position.kind === "AT_TIMESTAMP"
    ? admin.fetchTopicOffsetsByTimestamp(topic, position.timestampMs)
    : admin.fetchTopicOffsets(topic);
}

/** @internal Exported for its test. */
export function toSourceRecord(message: KafkaMessage): SourceRecord {
  const context = (message as { batchContext?: { timestampType?: number } }).batchContext;
  return {
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    logAppendTime: context?.timestampType === LOG_APPEND_TIME,
    key: message.key,
    value: message.value,
    headers: Object.entries(message.headers ?? {}).flatMap(([name, values]) =>
      (Array.isArray(values) ? values : [values]).map((value): SourceRecord["headers"][number] => [
        name,
        value === undefined || value === null ? null : Buffer.from(value),
      ]),
    ),
  };
}

/** kafkajs's number for it, in protocol/timestampTypes.js. */
const LOG_APPEND_TIME = 1;

/** @internal Exported for its test. `[0, 1, 2, 5]` is `0-2, 5`. */
export function ranges(partitions: readonly number[]): string {
  const sorted = [...partitions].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (sorted[to + 1] === (sorted[to] as number) + 1) to += 1;
    parts.push(from === to ? `${sorted[from]}` : `${sorted[from]}-${sorted[to]}`);
    from = to + 1;
  }
  return parts.join(", ");
}

function rootCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, ms);
  await Promise.race([work, timer.promise]).finally(() => clearTimeout(id));
}
