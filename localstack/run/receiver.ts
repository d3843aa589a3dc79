import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { loopback } from "../stack/settings.ts";

const ReceivedAlert = v.object({
  alertId: v.string(),
  agent: v.string(),
  rule: v.string(),
  transactionId: v.number(),
  userId: v.number(),
  amountCents: v.number(),
  reason: v.unknown(),
  historical: v.boolean(),
  committedAt: v.string(),
});

export type ReceivedAlert = v.InferOutput<typeof ReceivedAlert>;

/** An alert is half a kilobyte. */
const bodyBytesMax = 64 * 1024;

/**
 * The downstream system of `npm start`: a webhook on loopback that takes the alerts as a case management system would.
 * An alert that arrives again is answered with 200 and not handed on.
 */
export class AlertReceiver {
  readonly #server: Server;
  readonly #path: string;
  readonly #seen = new Set<string>();

  constructor(onAlert: (alert: ReceivedAlert, arrivedAtMs: number) => void) {
    const path = `/alerts/${randomUUID()}`;
    this.#server = createServer((request, response) => {
      if (request.method !== "POST" || request.url !== path) {
        response.writeHead(404).end();
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= bodyBytesMax) chunks.push(chunk);
      });
      request.on("end", () => {
        const arrivedAtMs = Date.now();
        const parsed =
          size > bodyBytesMax
            ? undefined
            : v.safeParse(v.pipe(v.string(), v.parseJson(), ReceivedAlert), Buffer.concat(chunks).toString());
        if (!parsed?.success) {
          response.writeHead(400).end();
          return;
        }
        const alert = parsed.output;
        if (!this.#seen.has(alert.alertId)) {
          this.#seen.add(alert.alertId);
          onAlert(alert, arrivedAtMs);
        }
        response.writeHead(200).end();
      });
    });
    this.#path = path;
  }

  /** Returns the address to post alerts to; its path is a secret of this run. */
  async start(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, loopback, resolve);
    });
    return `http://${loopback}:${(this.#server.address() as AddressInfo).port}${this.#path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
