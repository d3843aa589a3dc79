// A stack that is a benchmark's own: made anew, and removed.
import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { bringDown } from "../localstack/cli/down.ts";
import { postgres, removeData } from "../localstack/stack/parts/postgres.ts";
import type { Settings } from "../localstack/stack/settings.ts";
import { BenchError } from "./errors.ts";

/** Stops it and removes all that it left. */
export async function clearStack(settings: Settings): Promise<void> {
  await bringDown(settings);
  await removeData(settings);
  await rm(settings.home, { recursive: true, force: true });
}

/**
 * When a transaction was committed, to the microsecond, is known to PostgreSQL alone, and only where it is told to keep it:
 * clients see the moment before or after. The setting needs a start of the server, so it is made before the first one.
 */
export async function keepCommitTimes(settings: Settings): Promise<void> {
  await mkdir(settings.home, { recursive: true });
  const { cwd } = await postgres.prepare(settings);
  if (cwd === undefined) throw new BenchError("START_FAILED", "PostgreSQL's data folder is not known.");
  await appendFile(join(cwd, "postgresql.auto.conf"), "track_commit_timestamp = on\n");
}
