import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { readSettings } from "../../localstack/stack/settings.ts";

const run = promisify(execFile);
const requirements = join(import.meta.dirname, "requirements.txt");

/** The folder of the commands cfn-lint and checkov, which are installed once for each version of requirements.txt. */
export async function linters(): Promise<string> {
  const { cache } = readSettings();
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const folder = join(cache, `linters-${digest}`);
  const bin = join(folder, "bin");
  // pip writes the commands last of all.
  if (existsSync(join(bin, "checkov")) && existsSync(join(bin, "cfn-lint"))) return bin;
  mkdirSync(cache, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", requirements];
  await run(join(bin, "pip"), install, { maxBuffer: 64 * 1024 * 1024 });
  return bin;
}
