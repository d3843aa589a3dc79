import { actionHeader } from "../../../shared/web/own-page.ts";
import type { ErrorBody } from "../api.ts";

/** An answer that is none: refused, or not there at all. */
export class RequestError extends Error {
  /** OFFLINE: nobody has answered. */
  readonly code: ErrorBody["error"]["code"] | "OFFLINE";

  constructor(code: RequestError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const timeoutMs = 15_000;

export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return request<Answer>(path, {}, signal);
}

/** An action, as one of this page. */
export function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  const headers = { "content-type": "application/json", [actionHeader]: "1" };
  return request<Answer>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function request<Answer>(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
  const limit = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, { ...init, signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
    body = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError("OFFLINE", "The console's function does not answer.");
  }
  if (response.ok) return body as Answer;
  const { code = "INTERNAL", message = response.statusText } = (body as Partial<ErrorBody>).error ?? {};
  throw new RequestError(code, message);
}
