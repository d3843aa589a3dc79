import { StackError } from "../stack/errors.ts";
import { readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { runInContainer, runInForeground } from "./foreground.ts";
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
  if (live.mode === "containers") {
    const command = ["psql", "--username=postgres", `--dbname=${database}`, ...rest];
    process.exitCode = await runInContainer("postgres", command);
    return;
  }
  const code = await here(settings, database, rest);
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

/** undefined when this machine has no psql. */
async function here({ postgres }: Settings, database: string, args: readonly string[]): Promise<number | undefined> {
  if (process.env["TRIPLINE_PSQL"] === "own") return undefined;
  try {
    return await runInForeground("psql", args, {
      PGHOST: postgres.host,
      PGPORT: String(postgres.port),
      PGUSER: postgres.user,
      PGPASSWORD: postgres.password,
      PGDATABASE: database,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
