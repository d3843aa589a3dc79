import { actionHeader, isFromOwnPage, isLoopbackHost } from "../../../shared/web/own-page.ts";
import { ConsoleError } from "./errors.ts";
import type { HttpRequest } from "./event.ts";

/**
 * Who may come in. `iam`: whoever API Gateway has let in by the signature of the request, which is also who acts. `loopback`: whoever sits
 * at this machine; then the name by which it is asked for must be one of its own, or a page of somebody else whose name server points
 * here could ask in the browser's stead.
 */
export type Authentication = "iam" | "loopback";

export const bodyBytesMax = 64 * 1_024;

/**
 * Who the request comes from.
 *
 * @throws {ConsoleError} FORBIDDEN
 */
export function authenticate(request: HttpRequest, authentication: Authentication): string {
  if (authentication === "iam") {
    if (request.userArn !== undefined && request.userArn !== "") return request.userArn;
    // Never behind the routes of serverless.yml; a route that somebody adds without an authorizer ends here.
    throw new ConsoleError("FORBIDDEN", "The request is not signed: see docs/console.md.");
  }
  const host = request.headers.get("host") ?? "";
  if (!isLoopbackHost(host)) {
    throw new ConsoleError("FORBIDDEN", `The console of a laptop answers at 127.0.0.1, not at '${host}'.`);
  }
  refuseOtherSites(request, host);
  return "local";
}

/**
 * The server of `sls offline` lets every site read what it answers (it repeats their Origin in Access-Control-Allow-Origin), so the page of any
 * site that is open in the same browser could read along here. A link to a view may be anywhere.
 */
function refuseOtherSites({ headers, path }: HttpRequest, host: string): void {
  const provenance = {
    ...{ host, path },
    origin: headers.get("origin"),
    site: headers.get("sec-fetch-site"),
    mode: headers.get("sec-fetch-mode"),
  };
  if (!isFromOwnPage(provenance)) throw new ConsoleError("FORBIDDEN", "Another site's page has asked for this.");
}

/**
 * What an action must be, so that no other site's page can have made the browser send it.
 *
 * @throws {ConsoleError} READ_ONLY, FORBIDDEN or INVALID
 */
export function allowAction(request: HttpRequest, isReadOnly: boolean): void {
  if (isReadOnly) throw new ConsoleError("READ_ONLY", "This console only shows: CONSOLE_READ_ONLY is true.");
  const site = request.headers.get("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") {
    throw new ConsoleError("FORBIDDEN", "Another site's page has sent this: actions are taken from the console's own.");
  }
  if (request.headers.get(actionHeader) !== "1") {
    throw new ConsoleError("FORBIDDEN", `An action carries the header ${actionHeader}: 1.`);
  }
  if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) {
    throw new ConsoleError("INVALID", "An action comes as application/json.");
  }
  if (Buffer.byteLength(request.body) > bodyBytesMax) {
    throw new ConsoleError("INVALID", `An action has at most ${bodyBytesMax / 1_024} KB.`);
  }
}
