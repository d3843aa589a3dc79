import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FunctionHost, functionEnvironment } from "../../localstack/run/functions.ts";
import { identify } from "../../localstack/stack/processes.ts";
import { paths, type Settings } from "../../localstack/stack/settings.ts";
import { eventually } from "../integration/stack.ts";

/** What the functions are told of the world: proxies in place of the servers. */
export interface HostWorld {
  postgresPort: number;
  kafkaPort: number;
  webhookUrl: string;
  rules: Record<string, string>;
}

/** It has to bundle the functions first, on a machine that is busy. */
const startMsMax = 120_000;

/** `sls offline` as `tripline start` runs it, in a network that can fail. */
export class Host {
  readonly name: string;
  readonly settings: Settings;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #onTrouble: (line: string) => void;
  #host: FunctionHost | undefined;

  /** @param home where its process is noted down and its log is */
  constructor(name: string, settings: Settings, world: HostWorld, onTrouble: (line: string) => void) {
    this.name = name;
    this.settings = settings;
    this.#onTrouble = onTrouble;
    const home = join(settings.home, "seen-by-functions");
    mkdirSync(home, { recursive: true });
    mkdirSync(paths(settings).logs, { recursive: true });
    this.#environment = {
      ...functionEnvironment(settings, world.webhookUrl),
      ...world.rules,
      TRIPLINE_HOME: home,
    };
  }

  /** @param outputs as the stack wrote them, with the proxies' ports */
  writeOutputs(outputs: object): void {
    writeFileSync(join(this.settings.home, "seen-by-functions", "outputs.json"), JSON.stringify(outputs));
  }

  async start(): Promise<void> {
    this.#host = new FunctionHost(this.settings, this.#environment, this.#onTrouble);
    await this.#host.start();
  }

  async stop(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.stop();
  }

  /** The process that runs now; undefined while it is being started again. */
  pid(): number | undefined {
    try {
      const record = JSON.parse(readFileSync(join(this.settings.home, "functions.json"), "utf8")) as {
        functions: { pid: number };
      };
      return identify(record.functions.pid)?.pid;
    } catch {
      return undefined;
    }
  }

  /** Resolves when its mappings run. */
  async ready(): Promise<void> {
    await eventually(
      async () => ([...(await this.partitions()).values()].some((held) => held > 0) ? true : undefined),
      `a mapping of ${this.name} that reads`,
      startMsMax,
    );
  }

  /** By function, how many partitions this process reads. */
  async partitions(): Promise<Map<string, number>> {
    const views = (await (await this.#fetch("/mappings")).json()) as {
      functionKey: string;
      partitions: { assigned: boolean }[];
    }[];
    return new Map(
      views.map(({ functionKey, partitions }) => [functionKey, partitions.filter(({ assigned }) => assigned).length]),
    );
  }

  /** Begins all of a function's partitions anew, while it runs. */
  async replay(functionKey: string): Promise<void> {
    await this.#fetch(`/mappings/${functionKey}/replay`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ position: "TRIM_HORIZON" }),
    });
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.settings.ports.functionsAdmin}${path}`, {
      ...init,
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}
