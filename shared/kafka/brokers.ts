// Connections to the brokers of a cluster, by the insides of kafkajs 2.2.4 (pinned, and not developed any more). Its
// own pool of brokers tries again for seconds before it says that Kafka is away, and fails for the whole cluster where
// one partition has no leader.
import type { Kafka } from "kafkajs";
import type { Definition, PreparedRequest } from "kafkajs/src/protocol/requests/index.js";

/** How long a broker has for an answer before it counts as gone, and how long it may take to get a connection. */
export const answerMsMax = 2_000;
export const connectMsMax = 1_500;

/** How many brokers of the bootstrap list are tried one after the other. */
const seedsMax = 3;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A request, made for what the broker understands. */
export type Prepare<Answer> = (lookup: Lookup) => {
  readonly request: object;
  readonly response: { decode(answer: Buffer): Promise<Answer> };
};

export type Lookup = (apiKey: number, definition: Definition) => (options: object) => PreparedRequest;

interface Connection {
  readonly socket?: { destroy(): void; unref(): void };
  readonly requestQueue: { readonly requestTimeoutIntervalId?: NodeJS.Timeout };
  isConnected(): boolean;
  isAuthenticated(): boolean;
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}

interface ConnectionPool extends Address {
  readonly sasl?: object | null;
  /** One connection for fetches, and one for all else. */
  readonly pool: readonly Connection[];
  send<Answer>(
    request: ReturnType<Prepare<Answer>> & { readonly response: { parse(answer: Answer): unknown } },
  ): Promise<Answer>;
}

interface Broker {
  readonly connectionPool: ConnectionPool;
  readonly lookupRequest: Lookup;
  connect(): Promise<void>;
}

interface Cluster {
  readonly rootLogger: unknown;
  /** Builds for the next broker of the bootstrap list where no address is given. */
  readonly connectionPoolBuilder: { build(address?: Address): Promise<ConnectionPool> };
  readonly brokerPool: { createBroker(options: { connectionPool: ConnectionPool; logger: unknown }): Broker };
}

/** A broker does not answer in time. What was asked of it may have happened or not. */
export class BrokerSilentError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} within ${ms / 1_000} s`);
    this.name = "BrokerSilentError";
  }
}

/**
 * Connects when first asked, keeps the connections, and makes new ones when they were lost. Nothing here is tried for
 * longer than one answer takes: whoever asks is to hear soon that Kafka is away.
 */
export class Brokers {
  readonly #cluster: Cluster;
  readonly #connections = new Map<number | "any", Promise<Broker>>();
  #addresses: ReadonlyMap<number, Address> = new Map();

  constructor(kafka: Kafka) {
    this.#cluster = clusterOf(kafka);
  }

  /** By their ids, as the cluster's metadata has them. */
  get ids(): number[] {
    return [...this.#addresses.keys()];
  }

  set addresses(addresses: ReadonlyMap<number, Address>) {
    this.#addresses = addresses;
  }

  /**
   * Sends a request to this broker, or to any. Where the connection is lost, a new one is tried once: the broker closes
   * those that are idle, and a function that was frozen learns of it when it asks. So a request must be one that may be
   * sent twice.
   */
  async ask<Answer>(id: number | "any", prepare: Prepare<Answer>): Promise<Answer> {
    try {
      return await send(await this.#connected(id), prepare);
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      return send(await this.#connected(id), prepare);
    }
  }

  async close(): Promise<void> {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    const closed = new Error("the connection was closed");
    for (const connection of await Promise.allSettled(connections)) {
      if (connection.status === "fulfilled") drop(connection.value, closed);
    }
  }

  async #connected(id: number | "any"): Promise<Broker> {
    for (;;) {
      const known = this.#connections.get(id);
      if (known === undefined) break;
      const broker = await known;
      if (isUsable(broker)) return broker;
      // Made anew, for kafkajs would go on reading behind the half of an answer that the old connection may have left.
      if (this.#connections.get(id) === known) {
        this.#connections.delete(id);
        retire(broker);
      }
    }
    const connecting = id === "any" ? this.#connectAny() : this.#connect(this.#addressOf(id));
    this.#connections.set(id, connecting);
    connecting.catch(() => {
      if (this.#connections.get(id) === connecting) this.#connections.delete(id);
    });
    return connecting;
  }

  #addressOf(id: number): Address {
    const address = this.#addresses.get(id);
    if (address === undefined) throw new Error(`broker ${id} is not in the cluster now`);
    return address;
  }

  async #connectAny(): Promise<Broker> {
    const endAtMs = Date.now() + connectMsMax;
    for (let seed = 1; ; seed += 1) {
      try {
        return await this.#connect(undefined, endAtMs - Date.now());
      } catch (error) {
        if (seed === seedsMax || Date.now() >= endAtMs) throw error;
      }
    }
  }

  async #connect(address?: Address, msMax = connectMsMax): Promise<Broker> {
    const { brokerPool, connectionPoolBuilder, rootLogger } = this.#cluster;
    const connectionPool = await connectionPoolBuilder.build(address);
    const broker = brokerPool.createBroker({ connectionPool, logger: rootLogger });
    try {
      await within(msMax, `no connection to ${connectionPool.host}:${connectionPool.port}`, broker.connect());
      return broker;
    } catch (error) {
      drop(broker, error as Error);
      throw error;
    }
  }
}

/** kafkajs keeps what makes a cluster behind a symbol. */
function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  const create = symbol && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol];
  if (create === undefined) throw new Error("kafkajs is not the version that this is written for, 2.2.4");
  return create({ allowAutoTopicCreation: false });
}

async function send<Answer>(broker: Broker, prepare: Prepare<Answer>): Promise<Answer> {
  const { connectionPool } = broker;
  const { request, response } = prepare((apiKey, definition) => broker.lookupRequest(apiKey, definition));
  // kafkajs throws on the first error in an answer; whoever asks here may want the rest of it.
  const lenient = { decode: (answer: Buffer) => response.decode(answer), parse: async (answer: Answer) => answer };
  try {
    const answer = connectionPool.send<Answer>({ request, response: lenient });
    return await within(answerMsMax, `no answer from ${connectionPool.host}:${connectionPool.port}`, answer);
  } catch (error) {
    if (isConnectionLost(error) || error instanceof BrokerSilentError) drop(broker, error as Error);
    throw error;
  } finally {
    for (const connection of connectionPool.pool) idle(connection);
  }
}

/**
 * A connection that nobody waits for keeps no process alive; what is asked is waited for by the timer of its answer.
 */
function idle({ requestQueue, socket }: Connection): void {
  socket?.unref();
  requestQueue.requestTimeoutIntervalId?.unref();
}

/**
 * Whether requests can be sent. Where a connection has to sign in again soon, kafkajs would do that between answers that
 * are on their way, and take one of them for the answer to that.
 */
function isUsable({ connectionPool }: Broker): boolean {
  const connected = connectionPool.pool.filter((connection) => connection.isConnected());
  return (
    connected.length > 0 && (!connectionPool.sasl || connected.every((connection) => connection.isAuthenticated()))
  );
}

/** Hangs up when what was asked has been answered. */
function retire({ connectionPool }: Broker): void {
  for (const connection of connectionPool.pool) connection.disconnect().catch(() => {});
}

function drop({ connectionPool }: Broker, reason: Error): void {
  for (const connection of connectionPool.pool) {
    // kafkajs waits for answers before it hangs up.
    connection.rejectRequests(reason);
    connection.disconnect().catch(() => {});
    connection.socket?.destroy();
  }
}

export function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && ["KafkaJSConnectionError", "KafkaJSConnectionClosedError"].includes(error.name);
}

/** @throws {BrokerSilentError} when it takes longer */
async function within<Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new BrokerSilentError(what, ms)), Math.max(0, ms));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
