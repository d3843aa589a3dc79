import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declareDatabases } from "../../localstack/stack/declare.ts";
import { postgres, removeData } from "../../localstack/stack/parts/postgres.ts";
import { endProcess, identify, until } from "../../localstack/stack/processes.ts";
import { loopback, readSettings, type Settings } from "../../localstack/stack/settings.ts";

const startMsMax = 60_000;

/** PostgreSQL with the schema of the system, and nothing else: for what needs no Kafka. */
export class Database {
  readonly settings: Settings;
  readonly #stop: () => Promise<void>;

  private constructor(settings: Settings, stop: () => Promise<void>) {
    this.settings = settings;
    this.#stop = stop;
  }

  static async start(): Promise<Database> {
    const home = mkdtempSync(join(tmpdir(), "tripline-chaos-db-"));
    const port = await freePort();
    const plain = readSettings({ ...process.env, TRIPLINE_HOME: home, TRIPLINE_PORT_OFFSET: "" });
    const settings: Settings = {
      ...plain,
      ports: { ...plain.ports, postgres: port },
      postgres: { ...plain.postgres, port },
    };
    const { file, args, cwd, uid, gid } = await postgres.prepare(settings);
    mkdirSync(join(home, "logs"));
    const logFile = join(home, "logs", "postgres.log");
    const log = openSync(logFile, "a");
    const child = spawn(file, args, {
      ...(cwd !== undefined && { cwd }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      stdio: ["ignore", log, log],
      detached: true,
    });
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    const stop = async () => {
      if (identity !== undefined) await endProcess(identity, postgres.stopSignal);
      await removeData(settings);
      rmSync(home, { recursive: true, force: true });
    };
    const answers = async () =>
      postgres.check(settings).then(
        () => true,
        () => false,
      );
    if (!(await until(answers, startMsMax))) {
      const said = readFileSync(logFile, "utf8");
      await stop();
      throw new Error(`PostgreSQL does not answer: ${said.slice(-1_000)}`);
    }
    await declareDatabases(settings, () => {});
    return new Database(settings, stop);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

/** Somebody else may take it before it is used, which is rare enough for tests. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
