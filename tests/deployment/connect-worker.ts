import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findJava, locateJars } from "../../localstack/stack/jars.ts";
import { workerSettings } from "../../localstack/stack/parts/connect.ts";
import { log4jProperties, properties } from "../../localstack/stack/parts/kafka.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import { buildPlugin } from "../../resources/connect-plugin/archive.ts";
import { ConnectClient, type ConnectorStatus } from "../../shared/connectors/connect-client.ts";
import { eventually } from "../integration/stack.ts";

const run = promisify(execFile);

/** Java reads no certificates from a PKCS12 file without one. */
const storePassword = "of-the-test";

/** Whom the worker's processes are to trust, in PEM. */
export interface Trust {
  /** Beside the authorities of RDS, in the plugin. */
  readonly besideRds: string;
  /** By Java itself, where a program asks for nobody in particular. */
  readonly byJava: string;
}

/** A worker of the real Connect that knows nothing but the archive for MSK Connect, on the Kafka of a stack. */
export class ConnectWorker {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #client: ConnectClient;

  private constructor(folder: string, child: ChildProcess, url: string) {
    this.#folder = folder;
    this.#child = child;
    this.#client = new ConnectClient(url);
  }

  static async start(settings: Settings, environment: Record<string, string>, trust: Trust): Promise<ConnectWorker> {
    const folder = mkdtempSync(join(tmpdir(), "tripline-connect-"));
    const archive = await buildPlugin(settings);
    await run("python3", ["-m", "zipfile", "-e", archive, join(folder, "plugins")]);
    await trustBesideRds(join(folder, "plugins/tripline-debezium"), trust.besideRds);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const worker = file(
      "worker.properties",
      properties({
        ...workerSettings,
        "group.id": "deployed",
        "config.storage.topic": "deployed-configs",
        "offset.storage.topic": "deployed-offsets",
        "status.storage.topic": "deployed-status",
        "bootstrap.servers": settings.bootstrapServers,
        listeners: url,
        "plugin.path": join(folder, "plugins"),
        "plugin.discovery": "service_load",
      }),
    );
    const log4j = file("log4j2.properties", log4jProperties);
    const [{ command }, { kafkaClasspath }] = [await findJava(), await locateJars(settings)];
    const trustStore = join(folder, "trust.p12");
    const authority = file("trust.pem", trust.byJava);
    const store = ["-keystore", trustStore, "-storetype", "PKCS12", "-storepass", storePassword];
    await run(join(dirname(command), "keytool"), ["-importcert", "-noprompt", "-file", authority, ...store]);
    const child = spawn(
      command,
      [
        "-Xmx512m",
        `-Dlog4j2.configurationFile=${log4j}`,
        `-Djavax.net.ssl.trustStore=${trustStore}`,
        `-Djavax.net.ssl.trustStorePassword=${storePassword}`,
        "-cp",
        kafkaClasspath,
        "org.apache.kafka.connect.cli.ConnectDistributed",
        worker,
      ],
      { cwd: folder, env: { PATH: process.env["PATH"], ...environment }, stdio: ["ignore", "pipe", "pipe"] },
    );
    const log = createWriteStream(join(folder, "connect.log"));
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    const started = new ConnectWorker(folder, child, url);
    await eventually(() => started.#client.list(), "an answer of Connect");
    return started;
  }

  /** Registers a connector and waits until it runs. */
  async register(name: string, config: Record<string, string>): Promise<void> {
    await this.#client.put(name, config);
    await eventually(async () => {
      const status = await this.status(name);
      const failed = status?.tasks.find(({ state }) => state === "FAILED");
      if (failed) throw new Error(failed.trace);
      return status?.tasks.some(({ state }) => state === "RUNNING") ? true : undefined;
    }, "the connector");
  }

  async status(name: string): Promise<ConnectorStatus | undefined> {
    return (await this.#client.list()).get(name);
  }

  get log(): string {
    return readFileSync(join(this.#folder, "connect.log"), "utf8");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    for (let i = 0; i < 100 && this.#child.exitCode === null && this.#child.signalCode === null; i++) await sleep(100);
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Nobody has a key of RDS's authorities. Connect puts the jars of a plugin in the order of their names, and Java takes the first. */
async function trustBesideRds(plugin: string, authority: string): Promise<void> {
  const [folder, resource] = [join(plugin, "authorities"), "rds-authorities.pem"];
  await run("python3", ["-m", "zipfile", "-e", join(plugin, "connect-plugin-1.jar"), folder]);
  const pem = readFileSync(join(folder, resource), "utf8");
  writeFileSync(join(folder, resource), `${pem}\n${authority}`);
  await run("python3", ["-m", "zipfile", "-c", join(plugin, "authorities.jar"), resource], { cwd: folder });
  rmSync(folder, { recursive: true });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
