import type { ConnectorConfig } from "./index.ts";

/** A task's or connector's state as Connect names it. */
export type ConnectorState = "RUNNING" | "FAILED" | "PAUSED" | "STOPPED" | "UNASSIGNED" | "RESTARTING";

export interface ConnectorStatus {
  name: string;
  config: ConnectorConfig;
  state: ConnectorState;
  tasks: { id: number; state: ConnectorState; trace?: string }[];
}

/** Connect's answers are quick, but a worker in the middle of a rebalance makes callers wait. */
const requestTimeoutMs = 10_000;

/** The few calls of Kafka Connect's REST API that it takes to keep connectors registered, and to act on them [Connect, REST API]. */
export class ConnectClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** All connectors with configuration and status; a connector that has no status yet counts as UNASSIGNED. */
  async list(): Promise<Map<string, ConnectorStatus>> {
    const answer = (await this.#request("GET", "/connectors?expand=info&expand=status")) as Record<
      string,
      {
        info?: { config: ConnectorConfig };
        status?: { connector: { state: ConnectorState }; tasks: ConnectorStatus["tasks"] };
      }
    >;
    return new Map(
      Object.entries(answer).flatMap(([name, { info, status }]) =>
        // One that was deleted while Connect put its answer together has no configuration any more.
        info === undefined
          ? []
          : [
              [
                name,
                {
                  name,
                  config: info.config,
                  state: status?.connector.state ?? "UNASSIGNED",
                  tasks: status?.tasks ?? [],
                },
              ],
            ],
      ),
    );
  }

  /** Creates the connector, or changes it where it exists. */
  async put(name: string, config: ConnectorConfig): Promise<void> {
    await this.#request("PUT", `/connectors/${encodeURIComponent(name)}/config`, config);
  }

  /** Starts the failed parts of a connector again and leaves the others alone. */
  async restartFailed(name: string): Promise<void> {
    await this.#request("POST", `/connectors/${encodeURIComponent(name)}/restart?includeTasks=true&onlyFailed=true`);
  }

  /** Starts a connector and its tasks again, whatever state they are in. */
  async restart(name: string): Promise<void> {
    await this.#request("POST", `/connectors/${encodeURIComponent(name)}/restart?includeTasks=true&onlyFailed=false`);
  }

  /** Keeps the tasks and lets them do nothing; also after Connect has been started again. */
  async pause(name: string): Promise<void> {
    await this.#request("PUT", `/connectors/${encodeURIComponent(name)}/pause`);
  }

  async resume(name: string): Promise<void> {
    await this.#request("PUT", `/connectors/${encodeURIComponent(name)}/resume`);
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url + path, {
        method,
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      // fetch itself says no more than that it failed; its cause says why.
      const { message, cause: root } = cause as Error & { cause?: { message?: string; code?: string } };
      throw new Error(`Connect does not answer at ${this.#url}: ${root?.message || root?.code || message}`, { cause });
    }
    const answered = `Connect answered ${response.status} to ${method} ${path}`;
    if (!response.ok) throw new Error(`${answered}: ${oneLine(messageOf(text) ?? response.statusText)}`);
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Error(`${answered} without JSON: ${oneLine(text)}`, { cause });
    }
  }
}

/** Connect's errors are JSON with a message; while it starts, Jetty answers with a page. */
function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}

const messageLengthMax = 500;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").slice(0, messageLengthMax);
}
