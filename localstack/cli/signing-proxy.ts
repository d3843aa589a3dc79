import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { Sha256 } from "@smithy/core/checksum";
import { escapeUri, HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { actionHeader, isFromOwnPage, isLoopbackHost } from "../../shared/web/own-page.ts";
import { reasonOf } from "../stack/errors.ts";
import { loopback } from "../stack/settings.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SigningProxyOptions {
  /** The address of the HTTP API. */
  readonly api: URL;
  readonly region: string;
  /** Makes what finds credentials; made anew when those that were found are no longer taken. */
  readonly findCredentials: () => () => Promise<AwsCredentials>;
  readonly port: number;
  readonly onAnswer?: (answer: Answer) => void;
}

export interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
}

export interface SigningProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** A refusal in the form that the console's page shows (functions/console/api.ts). */
interface Refusal {
  readonly status: number;
  readonly code: "FORBIDDEN" | "INVALID" | "UNAVAILABLE";
  readonly message: string;
}

/** The console takes less; more is not worth reading. */
const bodyBytesMax = 1_048_576;

/** API Gateway gives up before. */
const answerMsMax = 35_000;

/** What a request is made of for the function. These are signed; what a browser says of itself is none of the signature's business. */
const signedHeaders = ["content-type", actionHeader] as const;
const passedHeaders = ["accept", "accept-encoding", "accept-language", "if-none-match", "sec-fetch-site"] as const;

/** Of one connection, and not of the answer; and nobody else's page is to read it, whatever the API says. */
const droppedHeaders = /^(connection|keep-alive|transfer-encoding|access-control-.*)$/;

/**
 * Listens on this machine alone, signs what it is asked as whoever the credentials belong to, and passes it on. Whoever reaches it acts with
 * these credentials, so it takes nothing that another site's page can make a browser send.
 *
 * @throws what Node says when the port cannot be had, such as EADDRINUSE
 */
export async function startSigningProxy(options: SigningProxyOptions): Promise<SigningProxy> {
  const upstream = new Upstream(options);
  const server = http.createServer((request, response) => {
    const started = performance.now();
    response.once("close", () => {
      const { method = "", url: path = "" } = request;
      const milliseconds = Math.round(performance.now() - started);
      options.onAnswer?.({ method, path, status: response.statusCode, milliseconds });
    });
    void answer(request, response, upstream);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, loopback, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${loopback}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, upstream: Upstream): Promise<void> {
  const stranger = refusalOf(request);
  if (stranger !== undefined) {
    refuse(response, stranger);
    return;
  }
  try {
    const body = await bodyOf(request);
    if (body === undefined) {
      refuse(response, { status: 413, code: "INVALID", message: `A request has at most ${bodyBytesMax} bytes.` });
      return;
    }
    const found = await upstream.ask(request, body);
    if ("refusal" in found) refuse(response, found.refusal);
    else {
      response.writeHead(found.status, found.headers);
      found.body.on("error", () => response.destroy()).pipe(response);
    }
  } catch (error) {
    refuse(response, { status: 503, code: "UNAVAILABLE", message: `API Gateway cannot be asked: ${reasonOf(error)}` });
  }
}

const textOf = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);

/** Why this is none of the console's own page, or undefined. */
function refusalOf({ headers, url = "" }: IncomingMessage): Refusal | undefined {
  const forbidden = (message: string): Refusal => ({ status: 403, code: "FORBIDDEN", message });
  // Somebody else's name that points here would let his page read what the console answers.
  const host = headers.host ?? "";
  if (!isLoopbackHost(host)) {
    return forbidden(`The console is at ${loopback}, not at '${host}'.`);
  }
  if (!url.startsWith("/") || url.startsWith("//")) return forbidden("An address begins with one slash.");
  const { origin, "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
  const provenance = { host, path: url, origin, site: textOf(site), mode: textOf(mode) };
  if (!isFromOwnPage(provenance)) return forbidden("Another site's page has sent this.");
  return undefined;
}

/** undefined: too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(JSON.stringify({ error: { code, message } }));
}

type Found =
  | { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: IncomingMessage }
  | { readonly refusal: Refusal };

/** The HTTP API behind its signatures. */
class Upstream {
  readonly #api: URL;
  readonly #region: string;
  readonly #findCredentials: SigningProxyOptions["findCredentials"];
  #credentials: () => Promise<AwsCredentials>;

  constructor({ api, region, findCredentials }: SigningProxyOptions) {
    this.#api = api;
    this.#region = region;
    this.#findCredentials = findCredentials;
    this.#credentials = findCredentials();
  }

  async ask(request: IncomingMessage, body: Buffer): Promise<Found> {
    let credentials: AwsCredentials;
    try {
      credentials = await this.#credentials();
    } catch (error) {
      this.#credentials = this.#findCredentials();
      return { refusal: { status: 403, code: "FORBIDDEN", message: withoutCredentials(error) } };
    }
    const response = await this.#send(await this.#signed(request, body, credentials), body);
    const { statusCode: status = 502, headers } = response;
    // What the function refuses, it says itself, with the headers that all of its answers have. API Gateway's own words are for programs.
    if (status < 400 || headers["content-security-policy"] !== undefined) {
      const kept = Object.entries(headers).filter(([name]) => !droppedHeaders.test(name));
      return { status, headers: Object.fromEntries(kept), body: response };
    }
    return { refusal: this.#refusalOf(status, await messageOf(response)) };
  }

  async #signed(request: IncomingMessage, body: Buffer, credentials: AwsCredentials): Promise<HttpRequest> {
    const { hostname, host, protocol, pathname } = this.#api;
    const [path = "/", search = ""] = (request.url ?? "/").split(/\?(.*)/s);
    const query: Record<string, string[]> = {};
    for (const [name, value] of new URLSearchParams(search)) query[name] = [...(query[name] ?? []), value];
    const signer = new SignatureV4({ service: "execute-api", region: this.#region, credentials, sha256: Sha256 });
    const unsigned = new HttpRequest({
      method: request.method ?? "GET",
      protocol,
      hostname,
      path: pathname.replace(/\/$/, "") + path,
      query,
      headers: { host, ...picked(request.headers, signedHeaders) },
      body,
    });
    const { headers } = await signer.sign(unsigned);
    unsigned.headers = { ...headers, ...picked(request.headers, passedHeaders) };
    return unsigned;
  }

  #send({ method, path, query, headers }: HttpRequest, body: Buffer): Promise<IncomingMessage> {
    const { protocol, hostname, port } = this.#api;
    // As it was signed: a space is %20, whatever the browser wrote.
    const parameters = Object.entries(query as Record<string, string[]>).flatMap(([name, values]) =>
      values.map((value) => `${escapeUri(name)}=${escapeUri(value)}`),
    );
    const search = parameters.length === 0 ? "" : `?${parameters.join("&")}`;
    return new Promise((resolve, reject) => {
      (protocol === "https:" ? https : http)
        .request({ hostname, port, method, path: path + search, headers, timeout: answerMsMax })
        .once("timeout", function (this: http.ClientRequest) {
          this.destroy(new Error(`no answer within ${answerMsMax / 1_000} s`));
        })
        .once("response", resolve)
        .once("error", reject)
        .end(body);
    });
  }

  #refusalOf(status: number, message: string): Refusal {
    if (status !== 403) {
      return { status: status === 429 ? 429 : 503, code: "UNAVAILABLE", message: `API Gateway: ${message}` };
    }
    // The keys in a file may have been written anew since.
    const isUnknown = /token|expired|signature/i.test(message);
    if (isUnknown) this.#credentials = this.#findCredentials();
    const advice = isUnknown
      ? "Sign in again, such as by 'aws sso login'."
      : "docs/deploy.md says who may see the console.";
    return { status, code: "FORBIDDEN", message: `API Gateway: ${message}. ${advice}` };
  }
}

export function withoutCredentials(error: unknown): string {
  return `There are no AWS credentials here that can be used (${reasonOf(error).replace(/\.$/, "")}). Sign in, such as by 'aws sso login', or name a profile (--profile).`;
}

function picked(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

/** `{"message":"Forbidden"}`, or whatever else it is. */
async function messageOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  try {
    const { message, Message } = JSON.parse(text) as { message?: unknown; Message?: unknown };
    return String(message ?? Message ?? text).replace(/\.$/, "");
  } catch {
    return text;
  }
}
