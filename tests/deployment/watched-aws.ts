import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Passes on what is asked of the local AWS, and keeps which secrets were asked for. */
export class WatchedAws {
  readonly #server: Server;
  /** Names or ARNs, in the order of asking. */
  readonly secretsAskedFor: string[] = [];

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#server = createServer((asked, response) => {
      const { method, url: path, headers } = asked;
      let body = "";
      asked.on("data", (chunk) => {
        body += String(chunk);
      });
      asked.on("end", () => {
        if (headers["x-amz-target"] !== "secretsmanager.GetSecretValue") return;
        this.secretsAskedFor.push((JSON.parse(body) as { SecretId: string }).SecretId);
      });
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      asked.pipe(onward);
    });
  }

  static async start(url: string): Promise<WatchedAws> {
    const watched = new WatchedAws(url);
    await new Promise<void>((resolve) => watched.#server.listen(0, "127.0.0.1", resolve));
    return watched;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
