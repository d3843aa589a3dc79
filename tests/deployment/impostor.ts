import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Identity } from "./certificates.ts";

/** [PostgreSQL, Message Formats] */
const sslRequest = Buffer.from("0000000804d2162f", "hex");
const authenticationCleartextPassword = Buffer.from("520000000800000003", "hex");

/** Stands where PostgreSQL is expected, asks whoever comes for the password in the clear, and keeps all that it can read. */
export class Impostor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What was said, in TLS or without, after the question whether there is TLS. */
  heard = "";
  /** What went over the wire meanwhile, as anybody on the way could see it. */
  onTheWire = "";

  private constructor(identity: Identity | undefined) {
    const secureContext = identity && createSecureContext(identity);
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      // Whoever sees through it hangs up.
      socket.on("error", () => {});
      socket.once("data", (first: Buffer) => {
        const readable = socket.pipe(new PassThrough());
        readable.on("data", (chunk: Buffer) => {
          this.onTheWire += chunk.toString("latin1");
        });
        const wire = Duplex.from({ readable, writable: socket });
        if (!first.equals(sslRequest)) {
          readable.write(first);
          this.#talk(wire);
        } else if (secureContext === undefined) {
          socket.write("N");
          this.#talk(wire);
        } else {
          socket.write("S");
          // Any stream does; the types know sockets only.
          this.#talk(new TLSSocket(wire as Socket, { isServer: true, secureContext }));
        }
      });
    });
  }

  /** With TLS, where it has something to show. */
  static async start(identity?: Identity): Promise<Impostor> {
    const impostor = new Impostor(identity);
    await new Promise<void>((resolve) => impostor.#server.listen(0, "127.0.0.1", resolve));
    return impostor;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #talk(socket: Duplex): void {
    let asked = false;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.heard += chunk.toString("latin1").replaceAll("\0", " ");
      if (asked) socket.end();
      else socket.write(authenticationCleartextPassword);
      asked = true;
    });
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
