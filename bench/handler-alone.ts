// The handler without Kafka and PostgreSQL: bench/handler.ts in a process of its own, whose last line is its rates as JSON.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "./children.ts";
import { BenchError } from "./errors.ts";
import type { Plan } from "./options.ts";
import type { HandlerRates } from "./results.ts";

export async function measureHandler({
  plan,
  signal,
  progress,
}: {
  plan: Plan;
  signal: AbortSignal;
  progress: (text: string) => void;
}): Promise<HandlerRates | undefined> {
  const file = join(import.meta.dirname, "handler.ts");
  if (!existsSync(file)) return undefined;
  progress("handler: judging without Kafka and PostgreSQL");
  const { code, output } = await runToEnd(process.execPath, [file, "--json", ...(plan.quick ? ["--quick"] : [])], {
    signal,
  });
  const last = output.trim().split("\n").at(-1) ?? "";
  if (code !== 0) throw new BenchError("CONTESTANT_FAILED", `bench/handler.ts ended with code ${code}: ${last}`);
  return JSON.parse(last) as HandlerRates;
}
