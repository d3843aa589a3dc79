import type { ConnectClient, ConnectorState, ConnectorStatus } from "./connect-client.ts";
import type { ConnectorConfig } from "./index.ts";

/** A failed task is restarted after one second, then two, four, … and at the most after this. */
export const restartDelayMsMax = 60_000;
const restartDelayMsMin = 1_000;

/** A connector that ran this long without failing starts again with the shortest delay. */
const healthyAfterMs = 60_000;

export type Action =
  | { kind: "register"; name: string; config: ConnectorConfig; because: "missing" | "changed" }
  | { kind: "restart"; name: string; failures: number; trace: string };

export interface Outcome {
  action: Action;
  error?: unknown;
}

interface Failures {
  count: number;
  nextRestartAtMs: number;
  lastFailureAtMs: number;
}

/**
 * Keeps the connectors as they are declared: one that is missing or differs is registered, one that has failed is
 * restarted with growing delays. A connector that somebody paused or stopped is left so, and what is not declared is
 * not touched. `plan` decides, `run` acts.
 */
export class ConnectorReconciler {
  readonly #declared: Map<string, ConnectorConfig>;
  readonly #failures = new Map<string, Failures>();

  constructor(declared: Map<string, ConnectorConfig>) {
    this.#declared = declared;
  }

  /** What has to be done now, given what Connect runs. Pure but for the memory of failures. */
  plan(actual: Map<string, ConnectorStatus>, nowMs: number): Action[] {
    const actions: Action[] = [];
    for (const [name, config] of this.#declared) {
      const found = actual.get(name);
      if (found === undefined) {
        actions.push({ kind: "register", name, config, because: "missing" });
      } else if (differs(config, found.config)) {
        actions.push({ kind: "register", name, config, because: "changed" });
      } else {
        const restart = this.#planRestart(found, nowMs);
        if (restart) actions.push(restart);
      }
    }
    return actions;
  }

  #planRestart({ name, state, tasks }: ConnectorStatus, nowMs: number): Action | undefined {
    if (isHalted(state)) return undefined;
    const failed = tasks.find((task) => task.state === "FAILED");
    const failures = this.#failures.get(name) ?? { count: 0, nextRestartAtMs: 0, lastFailureAtMs: 0 };
    if (state !== "FAILED" && failed === undefined) {
      if (nowMs - failures.lastFailureAtMs > healthyAfterMs) this.#failures.delete(name);
      return undefined;
    }
    if (nowMs < failures.nextRestartAtMs) return undefined;
    const count = failures.count + 1;
    const delayMs = Math.min(restartDelayMsMin * 2 ** (count - 1), restartDelayMsMax);
    this.#failures.set(name, { count, nextRestartAtMs: nowMs + delayMs, lastFailureAtMs: nowMs });
    return { kind: "restart", name, failures: count, trace: failed?.trace ?? "the connector itself failed" };
  }

  /**
   * Looks once and does what is needed; what Connect refuses for one connector does not keep the others from theirs.
   * Returns what was done, with the error where it was refused; throws when Connect cannot be asked.
   */
  async run(client: ConnectClient, nowMs: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const action of this.plan(await client.list(), nowMs)) {
      try {
        if (action.kind === "register") await client.put(action.name, action.config);
        else await client.restartFailed(action.name);
        outcomes.push({ action });
      } catch (error) {
        outcomes.push({ action, error });
      }
    }
    return outcomes;
  }
}

/** Connect adds `name` to what it was given; nothing else may differ. */
function differs(declared: ConnectorConfig, actual: ConnectorConfig): boolean {
  const { name: _, ...rest } = actual;
  const properties = new Set([...Object.keys(declared), ...Object.keys(rest)]);
  return [...properties].some((property) => declared[property] !== rest[property]);
}

/** Somebody wants it so, and it stays so until somebody resumes it. */
const isHalted = (state: ConnectorState): boolean => state === "PAUSED" || state === "STOPPED";

/**
 * Whether the declared connectors are as they should be, in a word and a detail for people. One that somebody halted
 * is: nothing is waited for.
 */
export function connectorsReport(
  declared: string[],
  actual: Map<string, ConnectorStatus>,
): { state: "done" | "waiting"; detail?: string } {
  const describe = (name: string) => {
    const found = actual.get(name);
    const failed = found?.tasks.some((task) => task.state === "FAILED") ? "FAILED" : found?.state;
    return failed === undefined || failed === "RUNNING" ? name : `${name} (${failed})`;
  };
  const isSettled = (name: string) => isRunning(actual.get(name)) || isHalted(actual.get(name)?.state ?? "UNASSIGNED");
  const waiting = declared.filter((name) => !isSettled(name));
  if (waiting.length > 0) return { state: "waiting", detail: waiting.map(describe).join(", ") };
  const halted = declared.filter((name) => !isRunning(actual.get(name)));
  return halted.length === 0 ? { state: "done" } : { state: "done", detail: halted.map(describe).join(", ") };
}

/** True when the connector and every task of it run. */
export function isRunning(status: ConnectorStatus | undefined): boolean {
  return (
    status !== undefined &&
    status.state === "RUNNING" &&
    status.tasks.length > 0 &&
    status.tasks.every((task) => task.state === "RUNNING")
  );
}

/**
 * What was wrong in the end, of a Java stack trace: its first line says where Connect noticed ("An exception occurred in the
 * change event producer"), the last `Caused by` what happened.
 */
export function causeOf(trace: string): string {
  const lines = trace.split("\n");
  const last = lines.findLast((line) => line.startsWith("Caused by: "));
  return last?.replace("Caused by: ", "") ?? lines[0] ?? "";
}
