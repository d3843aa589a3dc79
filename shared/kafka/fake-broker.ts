import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** What a broker under test answers to a request; undefined: nothing. */
export type Answers = (apiKey: number, body: Buffer) => Buffer | undefined;

/** A broker for unit tests, which says that it knows all requests, and answers what the test tells it to. */
export class FakeBroker {
  answers: Answers = () => undefined;
  readonly requests: number[] = [];
  readonly #server: Server;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(port = 0): Promise<FakeBroker> {
    const broker = new FakeBroker();
    broker.#server.listen(port, "127.0.0.1");
    await once(broker.#server, "listening");
    broker.#port = (broker.#server.address() as { port: number }).port;
    return broker;
  }

  get port(): number {
    return this.#port;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.hangUp();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    let received = Buffer.alloc(0);
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const request = received.subarray(4, 4 + received.readInt32BE(0));
        received = received.subarray(4 + request.length);
        this.#answer(socket, request);
      }
    });
  }

  #answer(socket: Socket, request: Buffer): void {
    const apiKey = request.readInt16BE(0);
    this.requests.push(apiKey);
    // Behind key, version, correlation id and the client's name.
    const body = request.subarray(10 + request.readInt16BE(8));
    const answer = apiKey === apiVersionsKey ? knowsAll : this.answers(apiKey, body);
    if (answer === undefined) return;
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + answer.length);
    socket.write(Buffer.concat([length, request.subarray(4, 8), answer]));
  }
}

const apiVersionsKey = 18;
const keysMax = 50;

/** Of each request, the versions 0 to 20. */
const knowsAll = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, keysMax]),
  ...Array.from({ length: keysMax }, (_, apiKey) => Buffer.from([0, apiKey, 0, 0, 0, 20])),
  Buffer.alloc(4),
]);
