import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the virtual environment of these requirements is, made or not: others have another folder. */
export async function pythonEnvironmentFolder(cache: string, name: string, requirementsFile: string): Promise<string> {
  const digest = createHash("sha256").update(await readFile(requirementsFile));
  return join(cache, `${name}-${digest.digest("hex").slice(0, 16)}`);
}

/**
 * Installs requirements, all of them named with their versions, into a virtual environment of their own. pip writes commands last of
 * all: where one is missing, an earlier installation was interrupted.
 */
export async function makePythonEnvironment(python: string, folder: string, requirementsFile: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  // A virtual environment holds absolute paths, so it is made where it stays.
  await rm(folder, { recursive: true, force: true });
  await run(python, ["-m", "venv", folder]);
  await run(join(folder, "bin/pip"), [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "-r",
    requirementsFile,
  ]);
}
