import { describe, expect, test } from "@jest/globals";
import type { InvokeOutcome } from "../delivery/contract.ts";
import type { MappingEvent } from "../delivery/event.ts";
import type { ResettableInvoker } from "./invoker-pool.ts";
import { ConcurrencyLimit, InvokerPool } from "./invoker-pool.ts";

const EVENT: MappingEvent = { eventSource: "SelfManagedKafka", bootstrapServers: "b:1", records: {} };
const OK: InvokeOutcome = { kind: "returned", response: null };

function poolOf(limit: ConcurrencyLimit) {
  const pending: ((outcome: InvokeOutcome) => void)[] = [];
  const made: { resets: number }[] = [];
  const pool = new InvokerPool(limit, () => {
    const seen = { resets: 0 };
    made.push(seen);
    const invoker: ResettableInvoker = {
      invoke: () => new Promise((resolve) => pending.push(resolve)),
      reset: async () => {
        seen.resets += 1;
      },
    };
    return invoker;
  });
  return { pool, pending, made };
}

describe("InvokerPool", () => {
  test("makes an environment for each invocation at once and uses it again afterwards", async () => {
    const { made, pending, pool } = poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY));
    const both = [pool.invoke(EVENT), pool.invoke(EVENT)];
    expect(made).toHaveLength(2);
    for (const resolve of pending) resolve(OK);
    expect(await Promise.all(both)).toEqual([OK, OK]);
    void pool.invoke(EVENT);
    expect(made).toHaveLength(2);
    await pool.reset();
    expect(made.map(({ resets }) => resets)).toEqual([1, 1]);
  });

  test("is throttled where the function's mappings together have as many as are reserved", async () => {
    const limit = new ConcurrencyLimit(1);
    const [one, other] = [poolOf(limit), poolOf(limit)];
    const first = one.pool.invoke(EVENT);
    expect(await other.pool.invoke(EVENT)).toEqual({ kind: "throttled" });
    one.pending[0]?.(OK);
    await first;
    void other.pool.invoke(EVENT);
    expect(other.pending).toHaveLength(1);
  });

  test("never invokes a function whose reserved concurrency is 0", async () => {
    const { made, pool } = poolOf(new ConcurrencyLimit(0));
    expect(await pool.invoke(EVENT)).toEqual({ kind: "throttled" });
    expect(made).toEqual([]);
  });
});
