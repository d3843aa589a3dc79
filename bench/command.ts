// What the benchmarks' command lines have in common.
import { printJson, red } from "../localstack/cli/output.ts";
import { reasonOf, StackError } from "../localstack/stack/errors.ts";
import { BenchError } from "./errors.ts";
import type { Status } from "./status.ts";

/** @throws {BenchError} USAGE where there is no /proc */
export function requireLinux(): void {
  if (process.platform === "linux") return;
  throw new BenchError("USAGE", "The benchmark reads CPU and memory from /proc, which only Linux has.");
}

/** `npm run …` as it can be given again anywhere: where the results went says nothing about them. */
export function commandOf(script: string, args: readonly string[]): string {
  const shown = args.filter((arg, index) => !arg.startsWith("--out") && args[index - 1] !== "--out");
  return [`npm run ${script}`, ...(shown.length > 0 ? ["--", ...shown] : [])].join(" ");
}

/** Runs a benchmark to its end, or says why it has none, and ends the process. */
export async function runBenchmark(
  main: () => Promise<void>,
  { args, interrupted, status }: { args: readonly string[]; interrupted: AbortSignal; status: Status },
): Promise<never> {
  try {
    await main();
  } catch (error) {
    status.end();
    fail(
      interrupted.aborted ? new BenchError("INTERRUPTED", "Interrupted; everything was stopped.") : error,
      args.includes("--json"),
    );
  }
  // kafkajs and pg leave timers and sockets behind that would keep the process for some seconds.
  process.exit();
}

function fail(error: unknown, json: boolean): void {
  const isKnown = error instanceof BenchError || error instanceof StackError;
  const code = isKnown ? error.code : "UNEXPECTED";
  if (json) printJson({ ok: false, error: { code, message: reasonOf(error) } });
  console.error(`${red("✖")} ${reasonOf(error)}`);
  if (!isKnown && error instanceof Error) console.error(error.stack);
  // 128 + the number of SIGINT, as a shell has it.
  process.exitCode = code === "INTERRUPTED" ? 130 : 1;
}
