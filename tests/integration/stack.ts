import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../../localstack/run/database.ts";
import { functionEnvironment } from "../../localstack/run/functions.ts";
import { portHolder, until } from "../../localstack/stack/processes.ts";
import { projectRoot, readSettings, type Settings } from "../../localstack/stack/settings.ts";
import { readState } from "../../localstack/stack/state.ts";

/** Beside a stack that a person may have running on the standard ports. */
const portOffsetDefault = 11_000;

export interface CommandResult {
  code: number | null;
  /** The last line of standard output, which --json makes an object. */
  json: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  pid: number;
  done: Promise<CommandResult>;
}

/** A stack of its own for a suite: other ports, a folder of its own, the downloads of the user. */
export class TestStack {
  readonly home = mkdtempSync(join(tmpdir(), "tripline-it-"));
  readonly environment: NodeJS.ProcessEnv;
  readonly settings: Settings;

  constructor(portOffset = portOffsetDefault) {
    this.environment = {
      ...process.env,
      TRIPLINE_HOME: this.home,
      TRIPLINE_PORT_OFFSET: String(portOffset),
      // Servers that live for a minute or two are better off without the compiler that takes its time: a third less of the processor's.
      TRIPLINE_JVM_OPTIONS: "-XX:TieredStopAtLevel=1",
      NODE_OPTIONS: "",
    };
    this.settings = readSettings(this.environment);
  }

  /** Starts `tripline …` and returns at once. */
  launch(...args: string[]): RunningCommand {
    return launchNode(join(projectRoot, "localstack/bin/tripline.js"), args, this.environment);
  }

  async run(...args: string[]): Promise<CommandResult> {
    return this.launch(...args).done;
  }

  /** Runs `sls …` as someone at a terminal would, on this stack. */
  async sls(...args: string[]): Promise<CommandResult> {
    const environment = { ...this.environment, ...functionEnvironment(this.settings, "") };
    return launchNode(join(projectRoot, "node_modules/serverless/bin/serverless.js"), args, environment).done;
  }

  /** Rows of a query in one of the stack's databases. */
  async query<Row extends object>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    const pool = connectTo(this.settings, database, { connectionsMax: 1 });
    try {
      return (await pool.query<Row>(sql, values)).rows;
    } finally {
      await pool.end();
    }
  }

  partPid(name: "postgres" | "kafka" | "connect" | "aws"): number {
    const pid = readState(this.settings)?.parts[name]?.process?.pid;
    if (pid === undefined) throw new Error(`${name} has no process`);
    return pid;
  }

  supervisorPid(): number {
    const pid = readState(this.settings)?.supervisor.pid;
    if (pid === undefined) throw new Error("there is no supervisor");
    return pid;
  }

  /** The process of `sls offline` that a running `tripline start` has noted down. */
  functionsPid(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.home, "functions.json"), "utf8")) as { functions: { pid: number } })
        .functions.pid;
    } catch {
      return undefined;
    }
  }

  log(name: string): string {
    return readFileSync(join(this.home, "logs", `${name}.log`), "utf8");
  }

  /** True once the command of this pid keeps other commands away from the stack: from then on it has something to undo. */
  isAtWork(pid: number): boolean {
    return readdirSync(this.home)
      .filter((file) => file.startsWith("command.lock."))
      .some((file) => readlinkSync(join(this.home, file)).startsWith(`${pid} `));
  }

  /**
   * Processes of this stack: their command line names its folder, they listen on one of its ports, or (where that can be
   * read) they were started with its folder in their environment, as the supervisor and the functions' workers are.
   */
  processes(): string[] {
    const holders = Object.values(this.settings.ports).map((port) => portHolder(port)?.pid);
    const found = new Set<number | undefined>([...holders, ...this.#startedForThis()]);
    return execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(this.home) || found.has(Number(line.trim().split(" ")[0])));
  }

  /** The processes that do not go. One whose parent has ended, such as esbuild's, takes a moment to notice. */
  async processesLeft(): Promise<string[]> {
    await until(() => this.processes().length === 0, 3_000);
    return this.processes();
  }

  #startedForThis(): number[] {
    if (process.platform !== "linux") return [];
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .filter((entry) => {
        try {
          return readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(`TRIPLINE_HOME=${this.home}`);
        } catch {
          return false; // Somebody else's process, or one that just ended.
        }
      })
      .map(Number);
  }

  async remove(): Promise<void> {
    await this.run("reset", "--yes", "--json");
    rmSync(this.home, { recursive: true, force: true });
  }
}

function launchNode(file: string, args: string[], env: NodeJS.ProcessEnv): RunningCommand {
  const child = spawn(process.execPath, [file, ...args], { cwd: projectRoot, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr, json: lastObject(stdout) }));
  });
  return { pid: child.pid ?? 0, done };
}

function lastObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Polls until the condition holds; throws with what was last seen after `timeoutMs`. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what} did not come about within ${timeoutMs} ms`, { cause: last });
}
