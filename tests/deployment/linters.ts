import { existsSync } from "node:fs";
import { join } from "node:path";
import { makePythonEnvironment, pythonEnvironmentFolder } from "../../localstack/stack/python.ts";
import { readSettings } from "../../localstack/stack/settings.ts";

const requirements = join(import.meta.dirname, "requirements.txt");

/** The folder of the commands cfn-lint and checkov, which are installed once for each version of requirements.txt. */
export async function linters(): Promise<string> {
  const folder = await pythonEnvironmentFolder(readSettings().cache, "linters", requirements);
  const bin = join(folder, "bin");
  if (!existsSync(join(bin, "checkov")) || !existsSync(join(bin, "cfn-lint"))) {
    await makePythonEnvironment("python3", folder, requirements);
  }
  return bin;
}
