import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { BenchError } from "./errors.ts";

/** What an error quotes of a process's log. */
const quotedLines = 12;
/** How long a process may take to end in order. */
const endMsMax = 20_000;

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** What it writes goes here, its events as well. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Told of each line on standard output that is a JSON object with a property `event`. */
  readonly onEvent?: (event: ChildEvent) => void;
}

export interface ChildEvent {
  readonly event: string;
  readonly [name: string]: unknown;
}

/**
 * A process that does not outlive this one, however that ends: a guard, which is a shell that waits for the end of its
 * input, kills it then.
 */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  #hasEnded = false;

  constructor(name: string, options: ChildOptions) {
    const log = openSync(options.logFile, "a");
    const child = spawn(options.command, options.args, {
      env: { ...process.env, ...options.env },
      stdio: ["pipe", options.onEvent ? "pipe" : log, log],
      // A group of its own: Ctrl-C at the terminal is for the benchmark, which ends things in order.
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    this.#process = child;
    this.#logFile = options.logFile;
    this.name = name;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
    });
    void this.ended.then(() => {
      this.#hasEnded = true;
      closeSync(log);
      if (this.pid > 0) guard.release(this.pid);
    });
    child.stdin?.on("error", () => {});
    if (this.pid > 0) guard.watch(this.pid);
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const event = eventIn(line);
        if (event !== undefined) options.onEvent?.(event);
      });
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends its input, which asks our own programs to end. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Asks it to end, by the end of its input or by a signal, and insists when it does not. */
  async end(signal?: NodeJS.Signals): Promise<void> {
    this.endInput();
    if (signal !== undefined) this.signal(signal);
    const timer = setTimeout(() => this.signal("SIGKILL"), endMsMax);
    await this.ended;
    clearTimeout(timer);
  }

  /** @throws {BenchError} CONTESTANT_FAILED when it has ended */
  async throwIfEnded(): Promise<void> {
    if (this.#hasEnded) {
      throw new BenchError("CONTESTANT_FAILED", `${this.name} ${await this.ended}:\n${tailOf(this.#logFile)}`);
    }
  }
}

function eventIn(line: string): ChildEvent | undefined {
  if (!line.startsWith('{"event"')) return undefined;
  try {
    return JSON.parse(line) as ChildEvent;
  } catch {
    return undefined;
  }
}

export function tailOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-quotedLines).join("\n");
  } catch {
    return "";
  }
}

/** Ends what it was told to watch once this process is gone, be it by SIGKILL. */
class Guard {
  #shell: ChildProcess | undefined;

  watch(pid: number): void {
    this.#shell ??= this.#start();
    this.#shell.stdin?.write(`+${pid}\n`);
  }

  release(pid: number): void {
    this.#shell?.stdin?.write(`-${pid}\n`);
  }

  #start(): ChildProcess {
    const script = `trap '' INT TERM HUP
      pids=" "
      while read -r line; do
        case $line in
          +*) pids="$pids\${line#+} " ;;
          -*) pids=$(printf '%s' "$pids" | sed "s/ \${line#-} / /") ;;
        esac
      done
      for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done`;
    const shell = spawn("sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    shell.unref();
    // A socket, which the types do not say; it must not keep a benchmark alive that is done.
    (shell.stdin as { unref?: () => void } | null)?.unref?.();
    shell.stdin?.on("error", () => {});
    return shell;
  }
}

const guard = new Guard();

/** Runs a command to its end. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    env: { ...process.env, ...options.env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
