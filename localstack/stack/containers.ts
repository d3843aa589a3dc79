import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { reasonOf, StackError } from "./errors.ts";
import { projectRoot, type Settings } from "./settings.ts";

const run = promisify(execFile);

export const composeFile = join(projectRoot, "docker-compose.yml");

/** The engine that answers, docker before podman; a client without its engine does not count. */
export async function findContainerEngine(): Promise<"docker" | "podman" | undefined> {
  for (const engine of ["docker", "podman"] as const) {
    try {
      await run(engine, ["info"], { timeout: 10_000 });
      await run(engine, ["compose", "version"], { timeout: 10_000 });
      return engine;
    } catch {
      // Not installed, not running, or without compose.
    }
  }
  return undefined;
}

/** Brings the containers up and waits for their health checks. */
export async function composeUp(settings: Settings, progress: (text: string) => void): Promise<void> {
  if (settings.ports.postgres !== 5432) {
    throw new StackError(
      "CONTAINERS",
      "TRIPLINE_PORT_OFFSET moves the native stack only: docker-compose.yml has the standard ports.",
    );
  }
  await compose(["up", "--detach", "--wait"], progress);
}

/** Stops the containers; with `volumes` their data goes too. */
export async function composeDown(volumes: boolean, progress: (text: string) => void = () => {}): Promise<void> {
  await compose(["down", ...(volumes ? ["--volumes"] : [])], progress);
}

async function compose(args: string[], progress: (text: string) => void): Promise<void> {
  const engine = await findContainerEngine();
  if (engine === undefined) {
    throw new StackError(
      "CONTAINERS",
      "No container engine answers ('docker info' and 'podman info' both fail). Start Docker or Podman, or run natively with Java 17: 'npx tripline up'.",
    );
  }
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(engine, ["compose", "--file", composeFile, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output.push(String(chunk));
        progress(String(chunk).trim().split("\n").at(-1) ?? "");
      });
    }
    child.once("error", (error) => reject(new StackError("CONTAINERS", reasonOf(error), { cause: error })));
    child.once("close", resolve);
  });
  if (code !== 0) {
    throw new StackError(
      "CONTAINERS",
      `${engine} compose ${args[0]} failed: ${output.join("").trim().split("\n").slice(-3).join(" ")}`,
    );
  }
}
