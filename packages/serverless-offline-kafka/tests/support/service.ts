import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { freePorts } from "./broker.ts";

const packageFolder = join(import.meta.dirname, "../..");
const modules = join(packageFolder, "../../node_modules");

/** For a line that the service should print. */
const LINE_MS_MAX = 40_000;
/** For the end after Ctrl-C. */
const END_MS_MAX = 60_000;

/** A copy of an example, in a folder of its own, that loads the plugin from its sources. */
export interface ServiceFolder {
  /** Replaces a file by what `change` makes of its text. */
  edit(file: string, change: (text: string) => string): Promise<void>;
  write(file: string, text: string): Promise<void>;
  /** Starts `sls offline start`. */
  start(options?: RunOptions): Promise<RunningService>;
  /** Runs `sls offline kafka …`. */
  kafka(...args: string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  remove(): Promise<void>;
}

export interface RunOptions {
  /** Of Node. */
  readonly nodeArgs?: readonly string[];
  /** Of `sls offline start`. */
  readonly args?: readonly string[];
}

export interface RunningService {
  /** Everything printed so far, without colours. */
  readonly lines: readonly string[];
  /** Resolves with a line of the output that matches, those of the past included: the first, or the one of this number. */
  line(pattern: RegExp, count?: number): Promise<string>;
  /** What Ctrl-C does at a terminal; results in the exit code. */
  interrupt(): Promise<number | null>;
}

export async function copyExample(name: string, env: NodeJS.ProcessEnv): Promise<ServiceFolder> {
  const path = await mkdtemp(join(tmpdir(), "serverless-offline-kafka-service-"));
  await cp(join(packageFolder, "examples", name), path, { recursive: true });
  await symlink(modules, join(path, "node_modules"));
  const source = JSON.stringify(join(packageFolder, "src/plugin.ts"));
  await writeFile(join(path, "plugin.mjs"), `export { default } from ${source};\n`);
  const edit: ServiceFolder["edit"] = async (file, change) => {
    const text = await readFile(join(path, file), "utf8");
    await writeFile(join(path, file), change(text));
  };
  await edit("serverless.yml", (yaml) => yaml.replace("- serverless-offline-kafka\n", "- ./plugin.mjs\n"));
  const spawnSls = (nodeArgs: readonly string[], args: readonly string[]) =>
    spawn(process.execPath, [...nodeArgs, join(modules, "serverless/bin/serverless.js"), ...args], {
      cwd: path,
      // A group of its own, which Ctrl-C reaches as a whole.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...cleanEnvironment(), SLS_TELEMETRY_DISABLED: "1", ...env },
    });
  return {
    edit,
    write: (file, text) => writeFile(join(path, file), text),
    start: async ({ args = [], nodeArgs = [] } = {}) => {
      const ports = await freePorts(4);
      const portOptions = ["http", "lambda", "websocket", "alb"].flatMap((kind, index) => [
        `--${kind}Port`,
        String(ports[index]),
      ]);
      return watch(spawnSls(nodeArgs, ["offline", "start", "--noSponsor", ...portOptions, ...args]));
    },
    kafka: async (...args) => {
      const child = spawnSls([], ["offline", "kafka", ...args]);
      const texts = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].setEncoding("utf8").on("data", (text: string) => {
          texts[stream] += text;
        });
      }
      const [code] = (await once(child, "close")) as [number | null];
      return { code, ...texts };
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** Without what the test runner says to its own processes. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|JEST_)/.test(name)));
}

function watch(child: ChildProcess): RunningService {
  const lines: string[] = [];
  const looks = new Set<() => void>();
  const lookAll = () => {
    for (const look of [...looks]) look();
  };
  let hasEnded = false;
  // A test that fails before it has stopped its service must not keep the test run waiting for it.
  child.unref();
  process.once("exit", () => {
    if (!hasEnded) process.kill(-(child.pid as number), "SIGKILL");
  });
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    (input as Socket).unref();
    createInterface({ input }).on("line", (line) => {
      lines.push(stripVTControlCharacters(line));
      lookAll();
    });
  }
  const closed = once(child, "close").then(() => {
    hasEnded = true;
    lookAll();
  });
  return {
    lines,
    line: (pattern, count = 1) =>
      new Promise((resolve, reject) => {
        const settle = (line: string | undefined, problem: string) => {
          looks.delete(look);
          clearTimeout(timer);
          if (line !== undefined) resolve(line);
          else reject(new Error(`${problem} ${pattern}. Its output:\n${lines.join("\n")}`));
        };
        const look = () => {
          const found = lines.filter((line) => pattern.test(line))[count - 1];
          if (found !== undefined || hasEnded) settle(found, "the command ended without");
        };
        const timer = setTimeout(() => settle(undefined, "the command has not printed"), LINE_MS_MAX);
        looks.add(look);
        look();
      }),
    interrupt: async () => {
      const signal = (name: NodeJS.Signals) => {
        if (!hasEnded) process.kill(-(child.pid as number), name);
      };
      signal("SIGINT");
      const killer = setTimeout(() => signal("SIGKILL"), END_MS_MAX);
      await closed;
      clearTimeout(killer);
      return child.exitCode;
    },
  };
}
