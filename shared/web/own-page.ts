/** What every action of a page carries: another site's page cannot send it without being asked first, and is never allowed to. */
export const actionHeader = "x-tripline-action";

/** By which names a server on this machine is asked for, unless a name server has been made to lead here. */
const loopbackNames = ["127.0.0.1", "localhost", "[::1]"];

/** Whether a Host header, with or without a port, names this machine. */
export function isLoopbackHost(host: string): boolean {
  return loopbackNames.includes(host.replace(/:\d+$/, ""));
}

/** What a request says of where it comes from. */
export interface Provenance {
  /** Its Host header: the name that this server was asked for by. */
  readonly host: string;
  readonly path: string;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site and Sec-Fetch-Mode, which browsers send and scripts cannot set. */
  readonly site: string | undefined;
  readonly mode: string | undefined;
}

/**
 * Whether a request that a browser has sent to a server on this machine is one of the server's own page, or of no page at all. A link from
 * anywhere may lead to a view of the page, whose answer nobody but the browser reads; to nothing below /api.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isFromOwnPage({ host, path, origin, site = "none", mode }: Provenance): boolean {
  const isOwn = (origin === undefined || origin === `http://${host}`) && ["same-origin", "none"].includes(site);
  return isOwn || (origin === undefined && mode === "navigate" && !path.startsWith("/api/"));
}
