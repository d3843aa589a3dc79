import { gzipSync } from "node:zlib";
import type { HttpRequest, HttpResponse } from "./event.ts";

/**
 * The page loads what this function serves and nothing else, runs no script that is written in it, and is shown in no other page. Styles
 * that scripts set on single elements are no inline styles to a browser, so charts need no exception.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const securityHeaders = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Below this, compressing costs more than it saves. */
const compressedBytesMin = 1_400;

export interface Content {
  readonly statusCode?: number;
  readonly contentType: string;
  readonly body: string;
  /** What is named after its content can be kept for ever; nothing else is kept at all. */
  readonly isImmutable?: boolean;
}

export function respond(request: Pick<HttpRequest, "headers">, content: Content): HttpResponse {
  const { statusCode = 200, contentType, isImmutable = false } = content;
  const bytes = Buffer.from(content.body);
  const accepts = request.headers.get("accept-encoding") ?? "";
  const isCompressed = bytes.length >= compressedBytesMin && /\bgzip\b/.test(accepts);
  return {
    statusCode,
    headers: {
      ...securityHeaders,
      "content-type": contentType,
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-store",
      vary: "accept-encoding",
      ...(isCompressed ? { "content-encoding": "gzip" } : {}),
    },
    body: isCompressed ? gzipSync(bytes).toString("base64") : content.body,
    isBase64Encoded: isCompressed,
  };
}

export function json(value: unknown, statusCode = 200): Content {
  return { statusCode, contentType: "application/json; charset=utf-8", body: JSON.stringify(value) };
}
