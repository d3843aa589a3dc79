import { spawn } from "node:child_process";
import { composeFile, findContainerEngine } from "../stack/containers.ts";
import { StackError } from "../stack/errors.ts";
import { readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { dim, isTerminal } from "./output.ts";

const databaseDefault = "mydb";

/**
 * `tripline psql [database] [options]`: psql with its own options on the stack's PostgreSQL; where this machine has no psql, a prompt of
 * our own that takes -c and -f.
 */
export async function psql(args: readonly string[]): Promise<void> {
  const settings = readSettings();
  const live = readLiveState(settings);
  if (live === undefined) {
    throw new StackError("NOT_RUNNING", "The stack is not running: 'npx tripline up' starts it.");
  }
  const [database, rest] = splitDatabase(args);
  const code = live.mode === "containers" ? await inContainer(database, rest) : await here(settings, database, rest);
  if (code !== undefined) {
    process.exitCode = code;
    return;
  }
  if (isTerminal) console.error(dim("There is no psql here: a prompt of Tripline's own. \\? lists what it knows."));
  const { sqlPrompt } = await import("./sql-prompt.ts");
  await sqlPrompt(settings, database, rest);
}

/** The first word is the database, unless it is an option. */
function splitDatabase(args: readonly string[]): [string, readonly string[]] {
  const [first, ...rest] = args;
  return first === undefined || first.startsWith("-") ? [databaseDefault, args] : [first, rest];
}

async function inContainer(database: string, args: readonly string[]): Promise<number> {
  const engine = await findContainerEngine();
  if (engine === undefined) throw new StackError("CONTAINERS", "The stack runs in containers, and no engine answers.");
  const terminal = process.stdin.isTTY === true && isTerminal ? [] : ["--no-TTY"];
  const command = ["psql", "--username=postgres", `--dbname=${database}`, ...args];
  return (await run(engine, ["compose", "--file", composeFile, "exec", ...terminal, "postgres", ...command])) ?? 1;
}

function here({ postgres }: Settings, database: string, args: readonly string[]): Promise<number | undefined> {
  if (process.env["TRIPLINE_PSQL"] === "own") return Promise.resolve(undefined);
  return run("psql", [...args], {
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGUSER: postgres.user,
    PGPASSWORD: postgres.password,
    PGDATABASE: database,
  });
}

/** The exit code of a program that has the terminal to itself; undefined when there is no such program. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number | undefined> {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  // psql ends a statement by it, and goes on.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  return new Promise<number | undefined>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? resolve(undefined) : reject(error),
    );
    child.once("close", (code) => resolve(code ?? 1));
  }).finally(() => process.off("SIGINT", ignore));
}
