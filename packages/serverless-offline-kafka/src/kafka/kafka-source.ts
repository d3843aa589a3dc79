import type { Admin, Consumer, EachBatchPayload, Kafka, PartitionAssigner } from "kafkajs";
import kafkajs from "kafkajs";
import type { MappingConfig, StartingPosition } from "../config/types.ts";
import { describePosition } from "../config/types.ts";
import { backoffMs, CONNECT_BACKOFF } from "../delivery/backoff.ts";
import type { KafkaSource, MappingLog, PartitionOffset, SourceListener, TopicPartition } from "../delivery/contract.ts";
import { MappingError } from "../errors.ts";
import { assignCooperatively, decodeClaim, encodeClaim } from "./cooperative.ts";
import type { FetchCluster } from "./fast-fetch.ts";
import { decodeFast, recordsOf } from "./fast-fetch.ts";
import { createKafka } from "./kafka-client.ts";
import { KeptAdmin } from "./kept-admin.ts";
import type { KafkaSecurity } from "./security.ts";

/**
 * How long the group waits for a member that is silent: killed, say, or cut off by a broker's restart, after which
 * kafkajs comes back as another member.
 */
const SESSION_TIMEOUT_MS = 10_000;
/** Also how soon a member hears that the group is divided anew. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** How long the group waits for members to join again; a member that is still silent by then is out. */
const REBALANCE_TIMEOUT_MS = 30_000;
/** Bounds how soon a partition that was paused is fetched again; records that arrive end the wait at once. */
const FETCH_WAIT_MS_MAX = 100;
/**
 * Compressed. zstd takes change events to a fifteenth, so a fetch may grow to some 60 MB. Larger ones, such as kafkajs's own,
 * are no faster here.
 */
const FETCH_BYTES_MAX = 4 * 1_024 * 1_024;
const FETCH_BYTES_PER_PARTITION_MAX = 512 * 1_024;
/** How soon new partitions of a topic are noticed; kafkajs's default is five minutes. */
const METADATA_AGE_MS_MAX = 30_000;
/** How often to look for a topic that does not exist yet. */
const TOPIC_WAIT_MS = 2_000;
/** A broker that is gone must not hold up the end of the process. */
const STOP_MS_MAX = 5_000;
/** Some 15 s in all. Afterwards a new client takes over. */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 10, restartOnFailure: async () => false };
const ADMIN_RETRY = { initialRetryTime: 200, retries: 2 };

export interface SourceOptions {
  /** Begins every line in the log. */
  readonly name: string;
  readonly mapping: Pick<
    MappingConfig,
    "bootstrapServers" | "filterPatterns" | "groupId" | "startingPosition" | "topic"
  >;
  /** How to authenticate. Asked for each client anew, so that a secret that was corrected is read again. */
  readonly security: () => Promise<KafkaSecurity>;
  readonly log: MappingLog & { debug(line: string): void };
  /** A silent member is out of the group after this long. */
  readonly sessionTimeoutMs?: number;
}

/** A partition that this member reads. */
interface Held {
  /** The offset after the last record received, once there is one: a client that joins again starts there. */
  nextOffset: number | undefined;
}

/**
 * A member of a consumer group, made with kafkajs, that outlives its brokers: whenever kafkajs gives up, a new client
 * takes over from what is committed. Partitions change hands cooperatively (cooperative.ts).
 */
export class KafkaJsSource implements KafkaSource {
  readonly #options: SourceOptions;
  readonly #sessionTimeoutMs: number;
  /** Where partitions that the group has no offset for begin, from the first connection until something is committed. */
  readonly #pins = new Map<number, number>();
  #pinned = false;
  #client: Client | undefined;
  #life: Promise<void> | undefined;
  #memberId = "";
  readonly #held = new Map<number, Held>();
  /** Partitions that the group wants back and whose last batch is under way. */
  readonly #leaving = new Set<number>();
  /** What this member said it had when it last joined. */
  #claimed: readonly number[] = [];
  /** Partitions were let go of and the group does not know it: it has to be divided once more. Until that has happened. */
  #rejoin = false;
  /** When the request was sent whose answer says that the group knows this member: its session began no earlier. */
  #heardAtMs = Number.NEGATIVE_INFINITY;
  /** When the last request of that kind was sent. */
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #fenced = false;
  /** The partitions last shown in the log. */
  #announced: string | undefined;
  #outage = false;
  /** Clients that have ended since records last came, and what the last one said. */
  #failures = 0;
  #complaint = "";
  readonly #stopped = Promise.withResolvers<void>();
  readonly #asking = new KeptAdmin(() => this.#openAdmin());
  #stopping = false;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
  }

  start(listener: SourceListener): void {
    this.#life = this.#live(listener);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve();
    await within(STOP_MS_MAX, Promise.all([this.#life, this.#asking.close()]));
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#client === undefined) throw new Error("not connected");
    const { commit, consumer } = this.#client;
    if (commit === undefined) {
      await consumer.commitOffsets(offsets.map((one) => ({ ...one, offset: String(one.offset) })));
    } else {
      const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
      await commit({ topics: [{ topic: this.#options.mapping.topic, partitions }] });
    }
  }

  isFenced(): boolean {
    this.#fenced = Date.now() - this.#heardAtMs > this.#sessionTimeoutMs;
    return this.#fenced;
  }

  async offsets(): ReturnType<KafkaSource["offsets"]> {
    const { groupId, topic } = this.#options.mapping;
    return this.#asking.ask(async (admin) => {
      const [ends, groups] = await Promise.all([
        admin.fetchTopicOffsets(topic),
        admin.fetchOffsets({ groupId, topics: [topic] }),
      ]);
      const committed = new Map(groups[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      return ends.map(({ partition, offset }) => {
        const known = committed.get(partition) ?? -1;
        return { topic, partition, end: Number(offset), committed: known < 0 ? undefined : known };
      });
    });
  }

  async offsetsAt(timestampMs: number): Promise<readonly PartitionOffset[]> {
    const { topic } = this.#options.mapping;
    return this.#asking.ask(async (admin) => {
      const found = await startOffsets(admin, topic, { kind: "AT_TIMESTAMP", timestampMs });
      return found.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) }));
    });
  }

  seek({ topic, partition, offset }: PartitionOffset): void {
    const held = this.#held.get(partition);
    if (held !== undefined) held.nextOffset = offset;
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

  async #connect(): Promise<Kafka> {
    const { log, mapping, name, security } = this.#options;
    return createKafka({
      bootstrapServers: mapping.bootstrapServers,
      security: await security(),
      retry: RETRY,
      log: {
        connectionFailed: (reason) => this.#noticeOutage(reason),
        debug: (line) => log.debug(`${name}: ${line}`),
      },
    });
  }

  async #withAdmin<T>(work: (admin: Admin) => Promise<T>, kafka?: Kafka): Promise<T> {
    const admin = await this.#openAdmin(kafka);
    try {
      return await work(admin);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  async #openAdmin(kafka?: Kafka): Promise<Admin> {
    const admin = (kafka ?? (await this.#connect())).admin({ retry: ADMIN_RETRY });
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      await admin.disconnect().catch(() => {});
      throw error;
    }
  }

  /** The life of one kafkajs client: until it crashes or the source is stopped. */
  async #runClient(listener: SourceListener): Promise<void> {
    const { mapping } = this.#options;
    const kafka = await this.#connect();
    await this.#withAdmin(async (admin) => {
      await this.#awaitTopic(admin);
      if (!this.#stopping) await this.#pinStart(admin);
    }, kafka);
    if (this.#stopping) return;

    const consumer = kafka.consumer({
      groupId: mapping.groupId,
      sessionTimeout: this.#sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: FETCH_BYTES_PER_PARTITION_MAX,
      metadataMaxAge: METADATA_AGE_MS_MAX,
      allowAutoTopicCreation: false,
      partitionAssigners: [this.#assigner()],
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
    consumer.on(consumer.events.REQUEST, ({ payload }) => {
      // Not when the answer came: a process that was frozen meanwhile may find an answer from before.
      if (payload.apiName === "Heartbeat" || payload.apiName === "SyncGroup") this.#askedAtMs = payload.sentAt;
    });
    consumer.on(consumer.events.HEARTBEAT, () => {
      // A group whose broker was away for less than a session goes on without a new join.
      this.#noticeRecovery();
      this.#heard(listener);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#client = client;
      this.#join(client, payload.memberId, payload.memberAssignment[mapping.topic] ?? [], listener);
      this.#heard(listener);
    });
    consumer.on(consumer.events.FETCH_START, () => {
      if (!this.#rejoin) return;
      // kafkajs has no call for joining again; this is how it hears of a rebalance.
      throw Object.assign(new Error("partitions were let go of"), { type: "REBALANCE_IN_PROGRESS" });
    });

    try {
      await consumer.connect();
      // Where to begin is pinned above; what is left are partitions made later, and these are read whole.
      await consumer.subscribe({ topic: mapping.topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async (payload) => this.#receive(client, payload, listener),
      });
      const error = await Promise.race([crashed, this.#stopped.promise]);
      if (error !== undefined) throw error;
    } finally {
      this.#client = undefined;
      await within(STOP_MS_MAX, consumer.disconnect()).catch(() => {});
    }
  }

  #heard(listener: SourceListener): void {
    this.#heardAtMs = this.#askedAtMs;
    if (this.#fenced && !this.isFenced()) listener.onUnfenced();
  }

  /** Takes over what the group has decided: goes on with what it keeps, begins what is new, lets go of the rest. */
  #join(client: Client, memberId: string, assigned: readonly number[], listener: SourceListener): void {
    const { topic } = this.#options.mapping;
    const at = (partitions: Iterable<number>) => [...partitions].map((partition) => ({ topic, partition }));
    if (memberId !== this.#memberId) {
      // A new member has nothing: others may have read on meanwhile.
      listener.onLost(at([...this.#held.keys(), ...this.#leaving]));
      this.#held.clear();
      this.#leaving.clear();
      this.#claimed = [];
      this.#memberId = memberId;
    }
    const added = assigned.filter((partition) => !this.#held.has(partition) && !this.#leaving.has(partition));
    const removed = [...this.#held.keys()].filter((partition) => !assigned.includes(partition));
    for (const partition of removed) {
      this.#held.delete(partition);
      this.#leaving.add(partition);
    }
    for (const [partition, { nextOffset }] of this.#held) {
      // kafkajs starts from what is committed; what is between that and this is buffered already.
      if (nextOffset !== undefined) client.consumer.seek({ topic, partition, offset: String(nextOffset) });
    }
    for (const partition of added) this.#held.set(partition, { nextOffset: undefined });
    // What was let go of while the group was being divided, it still takes for this member's.
    this.#rejoin = this.#claimed.some((partition) => !this.#held.has(partition) && !this.#leaving.has(partition));
    if (added.length > 0) void this.#begin(client, added);
    this.#announce([...this.#held.keys()]);
    listener.onAssigned(at(added));
    if (removed.length === 0) return;
    void listener.onRevoked(at(removed)).then(() => {
      if (this.#memberId !== memberId) return;
      for (const partition of removed) this.#leaving.delete(partition);
      this.#rejoin = true;
    });
  }

  /**
   * Says where to read partitions that were not here before. kafkajs would go by what is committed as well, but for a seek that
   * it may still have from an earlier time: it keeps one until the partition is fetched, whoever has it in between.
   */
  async #begin(client: Client, partitions: readonly number[]): Promise<void> {
    const { log, mapping, name } = this.#options;
    const { groupId, topic } = mapping;
    const { consumer } = client;
    const begun = new Map(partitions.map((partition) => [partition, this.#held.get(partition)]));
    const isHeld = (partition: number) => this.#client === client && this.#held.get(partition) === begun.get(partition);
    consumer.pause([{ topic, partitions: [...partitions] }]);
    for (let failures = 1; partitions.some(isHeld); failures += 1) {
      try {
        const [bounds, groups] = await this.#withAdmin((admin) =>
          Promise.all([admin.fetchTopicOffsets(topic), admin.fetchOffsets({ groupId, topics: [topic] })]),
        );
        const lows = new Map(bounds.map(({ partition, low }) => [partition, Number(low)]));
        const committed = new Map(groups[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        const pins: (TopicPartition & { readonly offset: string })[] = [];
        for (const partition of partitions.filter(isHeld)) {
          const known = committed.get(partition) ?? -1;
          const pin = this.#pins.get(partition);
          const offset = String(known >= 0 ? known : (pin ?? lows.get(partition) ?? 0));
          if (known < 0 && pin !== undefined) pins.push({ topic, partition, offset });
          // The mapping may have said another place meanwhile.
          if (begun.get(partition)?.nextOffset === undefined) consumer.seek({ topic, partition, offset });
          consumer.resume([{ topic, partitions: [partition] }]);
        }
        // Stored at once, so that a restart before the first batch does not skip what came in between.
        if (pins.length > 0) await consumer.commitOffsets(pins);
        return;
      } catch (error) {
        log.debug(`${name}: ${String(error)}`);
        await this.#sleep(backoffMs(CONNECT_BACKOFF, failures, Math.random()));
        if (this.#stopping) return;
      }
    }
  }

  #assigner(): PartitionAssigner {
    const { AssignerProtocol } = kafkajs;
    const name = "serverless-offline-kafka-cooperative";
    return ({ cluster }) => {
      decodeFast(cluster as unknown as FetchCluster);
      return {
        name,
        version: 0,
        protocol: ({ topics }) => {
          this.#claimed = [...this.#held.keys(), ...this.#leaving];
          return {
            name,
            metadata: AssignerProtocol.MemberMetadata.encode({
              version: 0,
              topics,
              userData: encodeClaim({
                memberId: this.#memberId,
                owned: this.#claimed,
                leaving: [...this.#leaving],
              }),
            }),
          };
        },
        assign: async ({ members, topics }) => {
          const topic = topics[0] as string;
          const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
          const group = members.map(({ memberId, memberMetadata }) => {
            const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata);
            return { memberId, claim: metadata === null ? undefined : decodeClaim(metadata.userData) };
          });
          return [...assignCooperatively(group, partitions)].map(([memberId, own]) => ({
            memberId,
            memberAssignment: AssignerProtocol.MemberAssignment.encode({
              version: 0,
              assignment: { [topic]: [...own] },
              userData: Buffer.alloc(0),
            }),
          }));
        },
      };
    };
  }

  #receive(client: Client, payload: EachBatchPayload, listener: SourceListener): void {
    const { topic, partition } = payload.batch;
    const held = this.#held.get(partition);
    if (payload.isStale() || this.#client !== client || held === undefined) return;
    // kafkajs's consumer.commitOffsets tries again after a rebalance, when a partition may be another member's. This one
    // commits once, in the generation of now, or fails.
    client.commit ??= (offsets) => payload.commitOffsetsIfNecessary(offsets);
    this.#failures = 0;
    this.#complaint = "";
    held.nextOffset = Number(payload.batch.lastOffset()) + 1;
    listener.onRecords({ topic, partition }, recordsOf(payload.batch), held.nextOffset);
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

  #announce(partitions: readonly number[]): void {
    const { log, mapping, name } = this.#options;
    this.#noticeRecovery();
    const { filterPatterns, groupId, startingPosition, topic } = mapping;
    const list =
      partitions.length === 0 ? "no partition" : `partition${partitions.length === 1 ? "" : "s"} ${ranges(partitions)}`;
    const filters = filterPatterns.length === 0 ? "" : `, filters: ${filterPatterns.length}`;
    if (this.#announced === undefined) {
      log.notice(
        `${name}: ${topic}, ${list}, group ${groupId}, from what it has committed or ${describePosition(startingPosition)}${filters}`,
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
        : `${cause instanceof MappingError ? cause.code : cause.name}: ${cause.message}; trying again`;
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
  // Ours say what to do; their causes do not.
  if (error instanceof MappingError) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, ms);
  await Promise.race([work, timer.promise]).finally(() => clearTimeout(id));
}
