import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../../localstack/run/database.ts";
import { projectRoot, readSettings, type Settings } from "../../localstack/stack/settings.ts";
import { readState } from "../../localstack/stack/state.ts";

/** Beside a stack that a person may have running on the standard ports. */
const portOffset = 11_000;

export interface CommandResult {
  code: number | null;
  /** The last line of standard output, which --json makes an object. */
  json: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

/** A stack of its own for a suite: other ports, a folder of its own, the downloads of the user. */
export class TestStack {
  readonly home = mkdtempSync(join(tmpdir(), "tripline-it-"));
  readonly environment: NodeJS.ProcessEnv = {
    ...process.env,
    TRIPLINE_HOME: this.home,
    TRIPLINE_PORT_OFFSET: String(portOffset),
    NODE_OPTIONS: "",
  };
  readonly settings: Settings = readSettings(this.environment);

  /** Starts `tripline …` and returns at once. */
  launch(...args: string[]): { pid: number; done: Promise<CommandResult> } {
    const child = spawn(process.execPath, [join(projectRoot, "localstack/bin/tripline.js"), ...args], {
      cwd: projectRoot,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
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

  async run(...args: string[]): Promise<CommandResult> {
    return this.launch(...args).done;
  }

  /** Rows of a query in one of the stack's databases. */
  async query<Row extends object>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    const pool = connectTo(this.settings, database, 1);
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

  /** Processes whose command line names this stack's folder or that listen on its ports. */
  processes(): string[] {
    return execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(this.home) || line.includes(`-p ${this.settings.ports.postgres}`));
  }

  async remove(): Promise<void> {
    await this.run("reset", "--yes", "--json");
    rmSync(this.home, { recursive: true, force: true });
  }
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
