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

/** The few calls of Kafka Connect's REST API that keeping connectors registered takes [Connect, REST API]. */
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
        info: { config: ConnectorConfig };
        status?: { connector: { state: ConnectorState }; tasks: ConnectorStatus["tasks"] };
      }
    >;
    return new Map(
      Object.entries(answer).map(([name, { info, status }]) => [
        name,
        {
          name,
          config: info.config,
          state: status?.connector.state ?? "UNASSIGNED",
          tasks: status?.tasks ?? [],
        },
      ]),
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

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await response.text();
    if (!response.ok) {
      let message = text;
      try {
        message = (JSON.parse(text) as { message?: string }).message ?? text;
      } catch {
        // Not JSON: as it is.
      }
      throw new Error(`Connect answered ${response.status} to ${method} ${path}: ${message.slice(0, 500)}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  }
}
