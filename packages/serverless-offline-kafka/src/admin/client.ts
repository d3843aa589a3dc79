import { isObject } from "../config/json.ts";
import { settingPath } from "../config/settings.ts";
import type { MappingErrorCode } from "../errors.ts";
import { MappingError } from "../errors.ts";
import { ADMIN_ADDRESS, SERVICE_HEADER } from "./server.ts";
import type { MappingView } from "./view.ts";

/** The endpoint of a `sls offline` that runs, as the commands see it. */
export class AdminClient {
  readonly #url: string;
  readonly #service: string;

  /**
   * @param port undefined where the endpoint is switched off
   * @throws MappingError SOK_ADMIN_UNREACHABLE
   */
  constructor(port: number | undefined, service: string) {
    if (port === undefined) {
      throw new MappingError("SOK_ADMIN_UNREACHABLE", `${settingPath("admin")} is false; set it to a port`);
    }
    this.#url = `http://${ADMIN_ADDRESS}:${port}`;
    this.#service = service;
  }

  async list(): Promise<readonly MappingView[]> {
    return (await this.#request("/mappings")) as readonly MappingView[];
  }

  /** @throws MappingError with the code of the endpoint */
  async act(name: string, action: "pause" | "resume" | "replay", body: unknown = {}): Promise<unknown> {
    // Before anything is changed: it may be another service that has the port.
    await this.list();
    return this.#request(`/mappings/${encodeURIComponent(name)}/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async #request(path: string, init?: RequestInit): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, init).catch((cause: unknown) => {
      const remedy = `start \`sls offline\` in this folder first, or set ${settingPath("admin")} to its port`;
      throw new MappingError("SOK_ADMIN_UNREACHABLE", `nobody answers at ${this.#url}; ${remedy}`, { cause });
    });
    const service = response.headers.get(SERVICE_HEADER);
    if (service !== encodeURIComponent(this.#service)) {
      const who = service === null ? "something else" : `the service ${decodeURIComponent(service)}`;
      throw new MappingError(
        "SOK_ADMIN_UNREACHABLE",
        `${who} answers at ${this.#url}; start \`sls offline\` in this folder with another ${settingPath("admin")}`,
      );
    }
    const body: unknown = await response.json();
    if (response.ok) return body;
    const error = isObject(body) && isObject(body["error"]) ? body["error"] : {};
    throw new MappingError(error["code"] as MappingErrorCode, String(error["message"]));
  }
}
