import { connect, createServer, type Server, type Socket } from "node:net";
import { loopback } from "../../localstack/stack/settings.ts";

/** What becomes of bytes on their way to the server. */
export type Fate =
  | "pass"
  /** They do not arrive, and the connection is cut. */
  | "drop"
  /** Half of them arrive, and the connection is cut. */
  | "tear"
  /** They arrive; the answer does not, and the connection is cut in its place. */
  | "swallow";

export interface ProxyOptions {
  targetPort: number;
  /** The proxy's own port; 0 takes a free one. */
  port?: number;
  /** Changes the answers of one connection. */
  answers?: () => (bytes: Buffer) => Buffer;
  /** Asked for everything that a client sends. */
  fate?: (bytes: Buffer) => Fate;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  swallowing: boolean;
}

/** The network between two processes of this machine: it can be cut, be closed to newcomers, and stand still. */
export class TcpProxy {
  readonly #options: ProxyOptions;
  readonly #listener: Server;
  readonly #connections = new Set<Connection>();
  #stalled = { requests: false, answers: false };
  #port = 0;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#listener = createServer((client) => this.#accept(client));
    this.#port = options.port ?? 0;
  }

  static async open(options: ProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await proxy.accept();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Breaks every connection at once, with a reset: nothing that was under way arrives. */
  cut(): void {
    for (const connection of this.#connections) this.#sever(connection);
  }

  /** Newcomers are refused, as by a machine on which nobody listens. What is connected stays so. */
  async refuse(): Promise<void> {
    if (!this.#listener.listening) return;
    // It calls back only when the last connection has ended, and closes the port at once.
    this.#listener.close();
  }

  async accept(): Promise<void> {
    if (this.#listener.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once("error", reject);
      this.#listener.listen(this.#port, loopback, () => {
        this.#listener.off("error", reject);
        resolve();
      });
    });
    const address = this.#listener.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Keeps connections open and moves no bytes any more: in both directions, or the answers alone. */
  stall(direction: "both" | "answers" = "both"): void {
    this.#stalled = { requests: direction === "both", answers: true };
    for (const connection of this.#connections) this.#steer(connection);
  }

  flow(): void {
    this.#stalled = { requests: false, answers: false };
    for (const connection of this.#connections) this.#steer(connection);
  }

  async close(): Promise<void> {
    await this.refuse();
    this.cut();
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#options.targetPort, host: loopback, noDelay: true });
    client.setNoDelay(true);
    const connection: Connection = { client, server, swallowing: false };
    this.#connections.add(connection);
    const convert = this.#options.answers?.() ?? ((bytes: Buffer) => bytes);
    client.on("data", (bytes) => this.#request(connection, bytes));
    server.on("data", (bytes) => {
      if (connection.swallowing) this.#sever(connection);
      else this.#forward(connection, convert(bytes), server, client);
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("end", () => to.end());
      from.on("error", () => this.#sever(connection));
      from.on("close", () => this.#sever(connection));
    }
    this.#steer(connection);
  }

  #request(connection: Connection, bytes: Buffer): void {
    const { client, server } = connection;
    const fate = this.#options.fate?.(bytes) ?? "pass";
    if (fate === "drop") {
      this.#sever(connection);
      return;
    }
    if (fate === "tear") {
      const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
      // Only cut once the half has left: a reset discards what is still to be sent.
      server.write(half, () => this.#sever(connection));
      return;
    }
    if (fate === "swallow") connection.swallowing = true;
    this.#forward(connection, bytes, client, server);
  }

  /** Passes bytes on, no faster than they are taken. */
  #forward(connection: Connection, bytes: Buffer, from: Socket, to: Socket): void {
    if (bytes.length === 0 || to.write(bytes)) return;
    from.pause();
    to.once("drain", () => this.#steer(connection));
  }

  #steer({ client, server }: Connection): void {
    if (this.#stalled.requests) client.pause();
    else client.resume();
    if (this.#stalled.answers) server.pause();
    else server.resume();
  }

  #sever(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    for (const socket of [connection.client, connection.server]) {
      // Node's reset first waits for what was written, and never closes a socket that it cannot end then.
      const isQuiet = !socket.connecting && !socket.writableEnded && socket.writableLength === 0;
      if (isQuiet) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}

/** Longer answers carry records; those that name a broker are short. */
const frameBytesMax = 65_536;
const sizeBytes = 4;

/**
 * For a proxy in front of Kafka. A client that has connected asks the broker where it is, and would go there from then on:
 * this puts the proxy's port in place of the broker's. An answer names a broker as its host followed by its port, in four
 * bytes, whatever the version of the request.
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Metadata
 */
export function readdress(brokerPort: number, proxyPort: () => number): () => (bytes: Buffer) => Buffer {
  const needle = addressOf(brokerPort);
  return () => {
    let pending: Buffer = Buffer.alloc(0);
    /** Of a long answer, the bytes that are still to come. */
    let passing = 0;
    return (bytes) => {
      const ready: Buffer[] = [];
      let rest: Buffer = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      for (;;) {
        if (passing > 0) {
          const part = rest.subarray(0, passing);
          ready.push(part);
          passing -= part.length;
          rest = rest.subarray(part.length);
        }
        if (passing > 0 || rest.length < sizeBytes) break;
        const frameBytes = sizeBytes + rest.readInt32BE(0);
        if (frameBytes > frameBytesMax) {
          passing = frameBytes;
          continue;
        }
        if (rest.length < frameBytes) break;
        ready.push(replaced(rest.subarray(0, frameBytes), needle, addressOf(proxyPort())));
        rest = rest.subarray(frameBytes);
      }
      pending = rest;
      return Buffer.concat(ready);
    };
  };
}

function addressOf(port: number): Buffer {
  const address = Buffer.alloc(loopback.length + 4);
  address.write(loopback, "latin1");
  address.writeInt32BE(port, loopback.length);
  return address;
}

function replaced(frame: Buffer, needle: Buffer, replacement: Buffer): Buffer {
  let at = frame.indexOf(needle);
  if (at === -1) return frame;
  const copy = Buffer.from(frame);
  for (; at !== -1; at = copy.indexOf(needle, at + needle.length)) replacement.copy(copy, at);
  return copy;
}
