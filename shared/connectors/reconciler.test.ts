import { describe, expect, test } from "@jest/globals";
import type { ConnectClient, ConnectorState, ConnectorStatus } from "./connect-client.ts";
import { ConnectorReconciler, causeOf, connectorsReport, isRunning, restartDelayMsMax } from "./reconciler.ts";

const config = { "connector.class": "Postgres", "slot.name": "a" };
const declared = new Map([["a", config]]);

function status(state: ConnectorState, tasks: ConnectorState[], change: Partial<ConnectorStatus> = {}) {
  return {
    name: "a",
    config: { ...config, name: "a" },
    state,
    tasks: tasks.map((each, id) => ({ id, state: each, ...(each === "FAILED" ? { trace: "why\n\tat" } : {}) })),
    ...change,
  } satisfies ConnectorStatus;
}

const actual = (...all: ConnectorStatus[]) => new Map(all.map((each) => [each.name, each]));
const running = actual(status("RUNNING", ["RUNNING"]));
const failed = actual(status("RUNNING", ["FAILED"]));

describe("plan", () => {
  test("registers a connector that is missing", () => {
    const actions = new ConnectorReconciler(declared).plan(actual(), 0);

    expect(actions).toEqual([{ kind: "register", name: "a", config, because: "missing" }]);
  });

  test.each([
    ["another value", { ...config, "slot.name": "b", name: "a" }],
    ["a property that is not declared", { ...config, "poll.interval.ms": "1", name: "a" }],
    ["a declared property that is gone", { "connector.class": "Postgres", name: "a" }],
  ])("registers a connector again that has %s", (_, found) => {
    const actions = new ConnectorReconciler(declared).plan(actual(status("RUNNING", [], { config: found })), 0);

    expect(actions).toEqual([{ kind: "register", name: "a", config, because: "changed" }]);
  });

  test("leaves one alone that runs as declared: the name that Connect adds is no change", () => {
    expect(new ConnectorReconciler(declared).plan(running, 0)).toEqual([]);
  });

  test("leaves alone what is not declared", () => {
    const other = status("RUNNING", ["FAILED"], { name: "somebody's", config: {} });

    expect(new ConnectorReconciler(declared).plan(actual(...running.values(), other), 0)).toEqual([]);
  });

  test.each(["PAUSED", "STOPPED"] as const)(
    "leaves a connector alone that somebody has %s, failed task or not",
    (state) => {
      const reconciler = new ConnectorReconciler(declared);

      expect(reconciler.plan(actual(status(state, ["PAUSED"])), 0)).toEqual([]);
      expect(reconciler.plan(actual(status(state, ["FAILED"])), 0)).toEqual([]);
    },
  );

  test("restarts a failed task, and says why it failed", () => {
    expect(new ConnectorReconciler(declared).plan(failed, 0)).toEqual([
      { kind: "restart", name: "a", failures: 1, trace: "why\n\tat" },
    ]);
  });

  test("restarts a connector that failed itself, without tasks", () => {
    expect(new ConnectorReconciler(declared).plan(actual(status("FAILED", [])), 0)).toMatchObject([
      { kind: "restart" },
    ]);
  });

  test("waits twice as long before each further restart, and never longer than the maximum", () => {
    const reconciler = new ConnectorReconciler(declared);
    const restartsAtMs: number[] = [];
    for (let nowMs = 0; nowMs < 300_000; nowMs += 500) {
      if (reconciler.plan(failed, nowMs).length > 0) restartsAtMs.push(nowMs);
    }

    const delays = restartsAtMs.slice(1).map((atMs, index) => atMs - (restartsAtMs[index] ?? 0));
    expect(delays.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
    expect(Math.max(...delays)).toBe(restartDelayMsMax);
  });

  test("keeps the delay over a short recovery, and forgets it after a minute of running", () => {
    const reconciler = new ConnectorReconciler(declared);
    for (const nowMs of [0, 1_000, 3_000]) reconciler.plan(failed, nowMs);

    reconciler.plan(running, 10_000);
    expect(reconciler.plan(failed, 20_000)).toMatchObject([{ failures: 4 }]);

    reconciler.plan(running, 80_001);
    expect(reconciler.plan(failed, 90_000)).toMatchObject([{ failures: 1 }]);
  });

  test("counts the failures of each connector for itself", () => {
    const reconciler = new ConnectorReconciler(new Map([...declared, ["b", config]]));
    const b = status("RUNNING", ["FAILED"], { name: "b" });
    reconciler.plan(failed, 0);

    expect(reconciler.plan(actual(...failed.values(), b), 100)).toMatchObject([
      { kind: "restart", name: "b", failures: 1 },
    ]);
  });
});

describe("run", () => {
  test("does what is planned, and lets one that Connect refuses not keep the others waiting", async () => {
    const calls: string[] = [];
    const refusal = new Error("invalid");
    const client = {
      list: async () => actual(status("RUNNING", ["FAILED"], { name: "c" })),
      put: async (name: string) => {
        calls.push(`put ${name}`);
        if (name === "a") throw refusal;
      },
      restartFailed: async (name: string) => void calls.push(`restart ${name}`),
    } as unknown as ConnectClient;

    const outcomes = await new ConnectorReconciler(
      new Map([
        ["a", config],
        ["b", config],
        ["c", config],
      ]),
    ).run(client, 0);

    expect(calls).toEqual(["put a", "put b", "restart c"]);
    expect(outcomes.map(({ error }) => error)).toEqual([refusal, undefined, undefined]);
  });

  test("throws when Connect cannot be asked", async () => {
    const client = { list: async () => Promise.reject(new Error("away")) } as unknown as ConnectClient;

    await expect(new ConnectorReconciler(declared).run(client, 0)).rejects.toThrow("away");
  });
});

describe("what is reported", () => {
  test("a connector runs when it and all of its tasks do, and has one", () => {
    expect(isRunning(status("RUNNING", ["RUNNING", "RUNNING"]))).toBe(true);
    expect(isRunning(status("RUNNING", ["RUNNING", "FAILED"]))).toBe(false);
    expect(isRunning(status("RUNNING", []))).toBe(false);
    expect(isRunning(status("UNASSIGNED", ["RUNNING"]))).toBe(false);
    expect(isRunning(undefined)).toBe(false);
  });

  test.each([
    ["it runs", running, { state: "done" }],
    ["it is missing", actual(), { state: "waiting", detail: "a" }],
    ["it has no task yet", actual(status("RUNNING", [])), { state: "waiting", detail: "a" }],
    ["a task failed", failed, { state: "waiting", detail: "a (FAILED)" }],
    ["somebody paused it", actual(status("PAUSED", ["PAUSED"])), { state: "done", detail: "a (PAUSED)" }],
  ])("when %s", (_, found, report) => {
    expect(connectorsReport(["a"], found)).toEqual(report);
  });
});

test.each([
  [
    "org.apache.X: An exception occurred\n\tat a.b\nCaused by: io.Y: middle\n\tat c\nCaused by: java.Z: no slot\n\t... 3 more",
    "java.Z: no slot",
  ],
  ["java.Z: no slot\n\tat a.b", "java.Z: no slot"],
  ["", ""],
])("the cause of a trace is what happened in the end: %j", (trace, cause) => {
  expect(causeOf(trace)).toBe(cause);
});
