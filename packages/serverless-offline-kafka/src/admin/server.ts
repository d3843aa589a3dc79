import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { settingPath } from "../config/settings.ts";
import type { MappingLog } from "../delivery/contract.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminResponse } from "./api.ts";
import { answer } from "./api.ts";
import type { AdminMapping } from "./view.ts";

/** Nobody else's business: never another address. */
export const ADMIN_ADDRESS = "127.0.0.1";
/** By this header the commands know that it is their service that answers. */
export const SERVICE_HEADER = "x-service";
/** Two thousand partitions, listed, are 10 KB. */
const BODY_BYTES_MAX = 64 * 1_024;
/** For a request to arrive in. */
const REQUEST_MS_MAX = 10_000;

export interface AdminOptions {
  readonly port: number;
  readonly service: string;
  readonly mappings: readonly AdminMapping[];
  readonly log: MappingLog;
}

export interface AdminEndpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens, or says why not: a service runs without the endpoint too. */
export async function openAdmin(options: AdminOptions): Promise<AdminEndpoint | undefined> {
  const { log, port } = options;
  const server = createServer((request, response) => void handle(options, server, request, response));
  server.requestTimeout = REQUEST_MS_MAX;
  try {
    await listen(server, port);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "is taken" : `cannot be had: ${error}`;
    log.warning(
      `Kafka: SOK_ADMIN_PORT_TAKEN: port ${port} ${reason}; the commands of \`sls offline kafka\` will not reach these mappings. ` +
        `Set ${settingPath("admin")} to another port, or to false`,
    );
    return undefined;
  }
  const url = `http://${ADMIN_ADDRESS}:${portOf(server)}`;
  log.notice(`Kafka: ${url}/mappings shows the mappings, as does \`sls offline kafka list\``);
  return {
    url,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, ADMIN_ADDRESS, resolve);
  await promise;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function handle(
  { mappings, service }: AdminOptions,
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    refuseStrangers(request, portOf(server));
    const { method = "GET" } = request;
    const path = (request.url ?? "/").split("?", 1)[0] as string;
    send(response, service, 200, await answer(mappings, { method, path, body: () => readJson(request) }));
  } catch (error) {
    const known = error instanceof AdminError ? error : new AdminError(500, "SOK_ADMIN_FAILED", String(error));
    const { code, message, status } = known;
    const body = `${JSON.stringify({ error: { code, message } })}\n`;
    // What was not read of the request is not read any more.
    if (!request.complete) response.setHeader("connection", "close");
    send(response, service, status, { contentType: "application/json; charset=utf-8", body });
  }
}

function send(response: ServerResponse, service: string, status: number, { body, contentType }: AdminResponse): void {
  response.writeHead(status, {
    "content-type": contentType,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    [SERVICE_HEADER]: encodeURIComponent(service),
  });
  response.end(body);
}

/**
 * Any page that the developer's browser shows can send requests here. A name that was made to resolve to this address
 * (DNS rebinding) shows in Host, and a page of another origin in Origin.
 */
function refuseStrangers({ headers }: IncomingMessage, port: number): void {
  const hosts = [`${ADMIN_ADDRESS}:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? "")) {
    throw new AdminError(403, "SOK_ADMIN_FORBIDDEN", `Host is ${headers.host}; use http://${hosts[0]}`);
  }
  if (headers.origin !== undefined && !hosts.some((host) => headers.origin === `http://${host}`)) {
    throw new AdminError(403, "SOK_ADMIN_FORBIDDEN", `pages of ${headers.origin} may not do this`);
  }
}

/** A form cannot send JSON by this name, and a script of another origin has to ask first, which is refused. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() !== "application/json") {
    throw new AdminError(415, "SOK_ADMIN_REQUEST_INVALID", "send content-type: application/json");
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new AdminError(413, "SOK_ADMIN_REQUEST_INVALID", `the body has more than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AdminError(400, "SOK_ADMIN_REQUEST_INVALID", "the body is no JSON", { cause });
  }
}
