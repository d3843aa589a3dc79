// The Spark job as a process: commands go in as lines, what it did comes back as events.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { reasonOf } from "../../localstack/stack/errors.ts";
import { fetchJars, findJava } from "../../localstack/stack/jars.ts";
import { makePythonEnvironment, pythonEnvironmentFolder } from "../../localstack/stack/python.ts";
import { paths, type Settings } from "../../localstack/stack/settings.ts";
import { tailOf } from "../children.ts";
import { BenchError } from "../errors.ts";
import { type Pass, parseJobEvent } from "./job-events.ts";

/** How the job reads: see job.py. */
export type Way = "id" | "timestamp" | "lookback" | "reload";

export const sparkMemory = "2g";
const requirementsFile = join(import.meta.dirname, "requirements.txt");
const program = join(import.meta.dirname, "job.py");
const endMsMax = 20_000;

export interface SparkTools {
  readonly python: string;
  /** The driver that Debezium brings along. */
  readonly jdbcJar: string;
}

/**
 * Makes the virtual environment with pyspark, once, and finds Java and the JDBC driver.
 * @throws {BenchError} MISSING, {StackError} JAVA_MISSING
 */
export async function prepareSpark(settings: Settings, progress: (text: string) => void): Promise<SparkTools> {
  await findJava();
  const { plugins } = await fetchJars(settings, progress);
  const files = await readdir(plugins, { recursive: true });
  const jar = files.find((file) => /(^|\/)postgresql-[\d.]+\.jar$/.test(file));
  if (jar === undefined) {
    throw new BenchError(
      "MISSING",
      `There is no PostgreSQL JDBC driver below ${plugins}: remove that folder, it is fetched again.`,
    );
  }
  const folder = await pythonEnvironmentFolder(settings.cache, "bench-spark", requirementsFile);
  // pip writes commands last of all.
  if (!existsSync(join(folder, "bin/spark-submit"))) {
    progress("installing pyspark with pip (430 MB)");
    try {
      await makePythonEnvironment("python3", folder, requirementsFile);
    } catch (cause) {
      throw new BenchError(
        "MISSING",
        `pyspark could not be installed: ${reasonOf(cause)}. It needs python3 with its venv module (Debian or Ubuntu: 'apt-get install python3-venv') and, the first time, the network.`,
        { cause },
      );
    }
  }
  return { python: join(folder, "bin/python"), jdbcJar: join(plugins, jar) };
}

export class SparkJob {
  /** Of the driver's Python; its JVM is a child of it. */
  readonly pid: number;
  readonly passes: Pass[] = [];
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #waiting = new Set<() => void>();
  #failure: BenchError | undefined;
  #stopped = 0;
  #version: string | undefined;
  #isEnding = false;

  constructor(settings: Settings, tools: SparkTools) {
    const folder = join(settings.home, "spark");
    mkdirSync(folder, { recursive: true });
    mkdirSync(paths(settings).logs, { recursive: true });
    this.#logFile = paths(settings).log("spark");
    const log = openSync(this.#logFile, "a");
    const { host, password, port, user } = settings.postgres;
    const config = {
      url: `jdbc:postgresql://${host}:${port}/mydb?ApplicationName=spark&reWriteBatchedInserts=true`,
      user,
      password,
      jar: tools.jdbcJar,
      folder,
      memory: sparkMemory,
    };
    // The end of its input ends it: it cannot outlive this process, however that ends.
    this.#process = spawn(tools.python, ["-B", program], {
      cwd: folder,
      env: { ...process.env, TZ: "UTC", JOB_CONFIG: JSON.stringify(config) },
      stdio: ["pipe", "pipe", log],
      detached: true,
    });
    closeSync(log);
    this.pid = this.#process.pid ?? 0;
    this.#process.stdin?.on("error", () => {});
    this.#process.once("error", (error) => this.#fail(error.message));
    this.#process.once("exit", (code, signal) => {
      if (!this.#isEnding) this.#fail(`ended with ${signal ?? `code ${code}`}:\n${tailOf(this.#logFile)}`);
    });
    if (this.#process.stdout) createInterface({ input: this.#process.stdout }).on("line", (line) => this.#take(line));
  }

  /** Resolves with Spark's version, once there is a session. */
  async started(): Promise<string> {
    await this.#until(() => this.#version !== undefined);
    return this.#version as string;
  }

  /** Reads the table for the first time under a name; resolves with how that went. */
  async first(name: string, way: Way, table: string, record?: { file: string; afterId: number }): Promise<Pass> {
    return this.#next(name, { do: "first", name, way, table, record });
  }

  async poll(name: string): Promise<Pass> {
    return this.#next(name, { do: "poll", name });
  }

  /** Polls from now on, every so often. */
  loop(name: string, intervalMs: number): void {
    this.#send({ do: "loop", name, intervalMs });
  }

  /** Ends the loops, after the polls that are under way. */
  async stopLoops(): Promise<void> {
    const before = this.#stopped;
    this.#send({ do: "stop" });
    await this.#until(() => this.#stopped > before);
  }

  /** What a command makes this way do. */
  async #next(name: string, command: object): Promise<Pass> {
    const before = this.passes.length;
    this.#send(command);
    return this.pass((pass) => pass.name === name && this.passes.indexOf(pass) >= before);
  }

  /** The first pass that is as asked for, of those that were and those that come. */
  async pass(isWanted: (pass: Pass) => boolean): Promise<Pass> {
    await this.#until(() => this.passes.some(isWanted));
    return this.passes.find(isWanted) as Pass;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), endMsMax);
    this.#process.stdin?.end();
    await once(this.#process, "exit");
    clearTimeout(timer);
  }

  #send(command: object): void {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  #take(line: string): void {
    const event = parseJobEvent(line);
    if (event?.kind === "pass") this.passes.push(event.pass);
    if (event?.kind === "started") this.#version = event.version;
    if (event?.kind === "stopped") this.#stopped += 1;
    if (event?.kind === "failed") this.#fail(event.message);
    for (const wake of this.#waiting) wake();
  }

  #fail(message: string): void {
    this.#failure ??= new BenchError("CONTESTANT_FAILED", `The Spark job failed: ${message} See ${this.#logFile}.`);
    for (const wake of this.#waiting) wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (this.#failure === undefined && !condition()) return;
        this.#waiting.delete(look);
        if (this.#failure) reject(this.#failure);
        else resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
