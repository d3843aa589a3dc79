import { execFile } from "node:child_process";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { reasonOf } from "../errors.ts";
import { makePythonEnvironment, pythonEnvironmentFolder } from "../python.ts";
import { loopback, projectRoot, type Settings } from "../settings.ts";
import type { Part } from "./part.ts";

const run = promisify(execFile);

const requirementsFile = join(projectRoot, "localstack/requirements.txt");

/** What the local AWS offers, here and in docker-compose.yml. */
export const awsServices = [
  "sns",
  "sqs",
  "s3",
  "secretsmanager",
  "sts",
  "lambda",
  "cloudformation",
  "cloudwatch",
  "events",
  "iam",
  "logs",
  "ssm",
  // `sls remove` asks for images of the service, of which there are none.
  "ecr",
] as const;

/** MiniStack's own minimum. */
const pythonMinimum = [3, 10] as const;

const environmentFolder = (settings: Settings) => pythonEnvironmentFolder(settings.cache, "aws", requirementsFile);

/** Is the local AWS installed? */
export async function awsIsInstalled(settings: Settings): Promise<boolean> {
  return (await stat(join(await environmentFolder(settings), "bin/ministack")).catch(() => undefined)) !== undefined;
}

/** The Python that can run it, or why there is none, with the command that helps. */
export async function findPython(): Promise<{ command: string; version: string } | { missing: string }> {
  const install =
    "Debian or Ubuntu: 'apt-get install python3-venv'; macOS: 'brew install python@3.12'. Only the local SNS, SQS, S3 and Secrets Manager need it.";
  try {
    const { stdout } = await run("python3", [
      "-c",
      "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])",
    ]);
    const version = stdout.trim();
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major < pythonMinimum[0] || (major === pythonMinimum[0] && minor < pythonMinimum[1])) {
      return { missing: `Python ${pythonMinimum.join(".")} or newer is needed and python3 is ${version}. ${install}` };
    }
    return { command: "python3", version };
  } catch {
    return { missing: `There is no python3 with its venv module. ${install}` };
  }
}

/**
 * Installs the local AWS into a virtual environment in the cache, once.
 * Returns why it is not there when it cannot be: the rest of the stack runs without it.
 */
export async function installAws(
  settings: Settings,
  progress: (text: string) => void = () => {},
): Promise<{ missing: string } | undefined> {
  if (await awsIsInstalled(settings)) return undefined;
  const python = await findPython();
  if ("missing" in python) return python;
  const folder = await environmentFolder(settings);
  try {
    progress("installing MiniStack with pip (about 90 MB)");
    await makePythonEnvironment(python.command, folder, requirementsFile);
    return undefined;
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    return { missing: `MiniStack could not be installed: ${reasonOf(cause).split("\n").slice(0, 2).join(" ")}` };
  }
}

export const aws: Part = {
  name: "aws",
  title: "local AWS (MiniStack 1.5)",
  ports: ({ ports }) => [ports.aws],
  needs: [],
  stopSignal: "SIGTERM",
  async prepare(settings) {
    const folder = join(settings.home, "aws");
    await mkdir(folder, { recursive: true });
    return {
      file: join(await environmentFolder(settings), "bin/ministack"),
      args: [],
      env: {
        BIND_HOST: loopback, // Its default is every interface.
        MINISTACK_HOST: loopback,
        GATEWAY_PORT: String(settings.ports.aws),
        S3_DATA_DIR: join(folder, "s3"),
        SERVICES: awsServices.join(","),
        LOG_LEVEL: "WARNING",
      },
      cwd: folder,
    };
  },
  async check(settings) {
    // MiniStack answers at LocalStack's address too, so one question does for both.
    const response = await fetch(`${settings.awsUrl}/_localstack/health`, { signal: AbortSignal.timeout(3_000) });
    if (!response.ok) throw new Error(`the local AWS answers ${response.status}`);
  },
};
