import { spawn } from "node:child_process";
import { composeFile, findContainerEngine } from "../stack/containers.ts";
import { StackError } from "../stack/errors.ts";

/**
 * Runs a program that has the terminal to itself, and resolves with its exit code. Ctrl-C reaches both, and means the program: psql, for
 * one, gives up a statement by it and goes on.
 *
 * @throws what Node says when the program cannot be started, such as ENOENT
 */
export function runInForeground(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const ignore = () => {};
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", ignore);
  process.on("SIGTERM", pass);
  return new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  }).finally(() => {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", pass);
  });
}

/** The same in a container of the stack. */
export async function runInContainer(service: string, command: readonly string[]): Promise<number> {
  const engine = await findContainerEngine();
  if (engine === undefined) throw new StackError("CONTAINERS", "The stack runs in containers, and no engine answers.");
  // What comes through a pipe is no terminal, and Compose has to be told.
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true ? [] : ["--no-TTY"];
  return runInForeground(engine, ["compose", "--file", composeFile, "exec", ...terminal, service, ...command]);
}
