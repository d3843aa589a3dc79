import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import type { MappingEvent } from "../delivery/event.ts";
import { LambdaInvoker } from "./lambda-invoker.ts";

const EVENT: MappingEvent = { eventSource: "SelfManagedKafka", bootstrapServers: "b:1", records: {} };

/** serverless-offline's Lambda, as far as the invoker uses it. */
function invokerOf(handler: (event: unknown) => Promise<unknown>, timeoutMs?: number, reloadHandler = false) {
  let event: unknown;
  const seen = { cleanups: 0 };
  const lambda = {
    get: () => ({
      setEvent: (next: unknown) => {
        event = next;
      },
      runHandler: () => handler(event),
    }),
    cleanup: async () => {
      seen.cleanups += 1;
    },
  };
  return { invoker: new LambdaInvoker({ lambda, functionKey: "fn", timeoutMs, inWorker: true, reloadHandler }), seen };
}

describe("LambdaInvoker", () => {
  test("hands the event over and the response back", async () => {
    const { invoker, seen } = invokerOf(async (event) => ({ got: event }), 1_000);
    expect(await invoker.invoke(EVENT)).toEqual({ kind: "returned", response: { got: EVENT } });
    expect(seen.cleanups).toBe(0);
  });

  test("takes an error of the handler as a failure and keeps the environment, as Lambda does", async () => {
    const { invoker, seen } = invokerOf(async () => {
      throw new TypeError("boom");
    });
    expect(await invoker.invoke(EVENT)).toEqual({
      kind: "failed",
      code: "SOK_FUNCTION_FAILED",
      reason: "TypeError: boom",
    });
    expect(seen.cleanups).toBe(0);
  });

  test("ends an environment that takes too long", async () => {
    const { invoker, seen } = invokerOf(() => new Promise(() => {}), 20);
    expect(await invoker.invoke(EVENT)).toMatchObject({
      code: "SOK_FUNCTION_TIMED_OUT",
      reason: "timed out after 0.02 s",
    });
    expect(seen.cleanups).toBe(1);
  });

  test("lets a handler take its time while somebody debugs, and no longer", async () => {
    let isDebugging = true;
    const lambda = {
      get: () => ({ setEvent: () => {}, runHandler: () => new Promise(() => {}) }),
      cleanup: async () => {},
    };
    const invoker = new LambdaInvoker({
      ...{ lambda, functionKey: "fn", timeoutMs: 20, inWorker: true, reloadHandler: false },
      isDebugging: () => {
        const before = isDebugging;
        isDebugging = false;
        return before;
      },
    });
    const startMs = performance.now();
    expect(await invoker.invoke(EVENT)).toMatchObject({ code: "SOK_FUNCTION_TIMED_OUT" });
    // Twice the timeout: when it had passed first, somebody was debugging. Node's timers may be 1 ms early.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(38);
  });

  test("gives each invocation its own environment when the handler is to be reloaded", async () => {
    const { invoker, seen } = invokerOf(async () => null, 1_000, true);
    await invoker.invoke(EVENT);
    expect(seen.cleanups).toBe(1);
  });

  // In a Node of its own: jest's `process` is a copy that hears of no workers.
  test.each([
    ["process.exit(3)", "the worker exited with code 3"],
    ["throw new Error('uncaught')", "Error: uncaught"],
  ])("notices a worker that ends by %s, which serverless-offline would wait for", (code, reason) => {
    const script = `
      const { Worker } = await import("node:worker_threads");
      const { LambdaInvoker } = await import(${JSON.stringify(new URL("./lambda-invoker.ts", import.meta.url))});
      const lambda = {
        get: () => ({ setEvent() {}, runHandler: () => new Promise(() => new Worker(${JSON.stringify(code)}, { eval: true })) }),
        cleanup: async () => console.log("cleanup"),
      };
      const invoker = new LambdaInvoker({ lambda, functionKey: "fn", timeoutMs: undefined, inWorker: true, reloadHandler: false });
      console.log(JSON.stringify(await invoker.invoke({})));`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    const outcome = { kind: "failed", code: "SOK_FUNCTION_CRASHED", reason };
    expect(output).toBe(`cleanup\n${JSON.stringify(outcome)}\n`);
  });

  test("does not call a worker that has ended between two invocations", () => {
    const script = `
      const { Worker } = await import("node:worker_threads");
      const { LambdaInvoker } = await import(${JSON.stringify(new URL("./lambda-invoker.ts", import.meta.url))});
      let worker;
      const runHandler = async () => { worker ??= new Worker("setTimeout(() => { throw 1 }, 50)", { eval: true }); };
      const lambda = { get: () => ({ setEvent() {}, runHandler }), cleanup: async () => console.log("cleanup") };
      const invoker = new LambdaInvoker({ lambda, functionKey: "fn", timeoutMs: undefined, inWorker: true, reloadHandler: false });
      await invoker.invoke({});
      await new Promise((resolve) => worker.on("exit", resolve));
      console.log("ended");
      await invoker.invoke({});`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    expect(output).toBe("ended\ncleanup\n");
  });
});
