import http from "node:http";
import https from "node:https";

export interface HttpOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** For https only. */
  readonly tls: Readonly<Pick<https.AgentOptions, "ca" | "cert" | "key" | "passphrase">>;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/**
 * GETs a text without following redirects. Not `fetch`: Node's takes no client certificate without a package of its own.
 * @throws {Error} no connection, no reply in time, or too long a reply.
 */
export async function httpGet(url: URL, { headers, tls, timeoutMs, bytesMax }: HttpOptions): Promise<HttpReply> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request =
        url.protocol === "https:"
          ? https.get(url, { headers, signal, ...tls }, resolve)
          : http.get(url, { headers, signal }, resolve);
      request.once("error", reject);
    });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of reply) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > bytesMax) throw new Error(`the reply is longer than ${bytesMax} bytes`);
    }
    return { status: reply.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
  } catch (error) {
    if (signal.aborted) throw new Error(`no reply within ${timeoutMs} ms`, { cause: error });
    throw error;
  }
}
