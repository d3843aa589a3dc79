import { describe, expect, test } from "@jest/globals";
import type { InvokeOutcome } from "../delivery/contract.ts";
import type { MappingEvent } from "../delivery/event.ts";
import type { ResettableInvoker } from "./invoker-pool.ts";
import { ConcurrencyLimit, InvokerPool } from "./invoker-pool.ts";

const EVENT: MappingEvent = { eventSource: "SelfManagedKafka", bootstrapServers: "b:1", records: {} };
const eventOf = (...partitions: string[]): MappingEvent => ({
  ...EVENT,
  records: Object.fromEntries(partitions.map((partition) => [partition, []])),
});
/** What was asked for has been begun. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const OK: InvokeOutcome = { kind: "returned", response: null };

function poolOf(limit: ConcurrencyLimit, environmentsMax?: number) {
  const pending: ((outcome: InvokeOutcome) => void)[] = [];
  const made: { resets: number; events: MappingEvent[] }[] = [];
  const make = () => {
    const seen = { resets: 0, events: [] as MappingEvent[] };
    made.push(seen);
    const invoker: ResettableInvoker = {
      invoke: (event) => {
        seen.events.push(event);
        return new Promise((resolve) => pending.push(resolve));
      },
      reset: async () => {
        seen.resets += 1;
      },
    };
    return invoker;
  };
  const pool = new InvokerPool(limit, make, environmentsMax);
  return { pool, pending, made };
}

describe("InvokerPool", () => {
  test("makes an environment for each invocation at once and uses it again afterwards", async () => {
    const { made, pending, pool } = poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY));
    const both = [pool.invoke(EVENT), pool.invoke(EVENT)];
    await settled();
    expect(made).toHaveLength(2);
    for (const resolve of pending) resolve(OK);
    expect(await Promise.all(both)).toEqual([OK, OK]);
    void pool.invoke(EVENT);
    await settled();
    expect(made).toHaveLength(2);
    await pool.reset();
    expect(made.map(({ resets }) => resets)).toEqual([1, 1]);
  });

  test("is throttled where the function's mappings together have as many as are reserved", async () => {
    const limit = new ConcurrencyLimit(1);
    const [one, other] = [poolOf(limit), poolOf(limit)];
    const first = one.pool.invoke(EVENT);
    await settled();
    expect(await other.pool.invoke(EVENT)).toEqual({ kind: "throttled" });
    one.pending[0]?.(OK);
    await first;
    void other.pool.invoke(EVENT);
    await settled();
    expect(other.pending).toHaveLength(1);
  });

  test("has not more environments than it may: what is beyond waits its turn, in order", async () => {
    const { made, pending, pool } = poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY), 2);
    const all = [1, 2, 3, 4].map((partition) => pool.invoke(eventOf(`t-${partition}`)));
    await settled();
    expect(made.map(({ events }) => events)).toEqual([[eventOf("t-1")], [eventOf("t-2")]]);
    pending[1]?.(OK);
    await settled();
    pending[2]?.(OK);
    await settled();
    pending[0]?.(OK);
    pending[3]?.(OK);
    expect(await Promise.all(all)).toEqual([OK, OK, OK, OK]);
    expect(made.map(({ events }) => events)).toEqual([
      [eventOf("t-1")],
      [eventOf("t-2"), eventOf("t-3"), eventOf("t-4")],
    ]);
  });

  test("prefers the environment that had the partition's last batch", async () => {
    const { made, pending, pool } = poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY));
    const finish = async (...invocations: Promise<unknown>[]) => {
      await settled();
      for (const resolve of pending.splice(0)) resolve(OK);
      await Promise.all(invocations);
    };
    await finish(pool.invoke(eventOf("t-1")), pool.invoke(eventOf("t-2")));
    for (let time = 0; time < 2; time += 1) {
      await finish(pool.invoke(eventOf("t-1")));
      await finish(pool.invoke(eventOf("t-9", "t-2")));
    }
    expect(made.map(({ events }) => events.length)).toEqual([3, 3]);
    expect(made[0]?.events).toEqual([eventOf("t-1"), eventOf("t-1"), eventOf("t-1")]);
  });

  test("says how many invocations would not wait, unless those beyond are throttled anyway", () => {
    expect(poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY), 2).pool.invocationsMax).toBe(2);
    expect(poolOf(new ConcurrencyLimit(3), 2).pool.invocationsMax).toBe(2);
    expect(poolOf(new ConcurrencyLimit(2), 2).pool.invocationsMax).toBe(Number.POSITIVE_INFINITY);
    expect(poolOf(new ConcurrencyLimit(Number.POSITIVE_INFINITY)).pool.invocationsMax).toBe(Number.POSITIVE_INFINITY);
  });

  test("never invokes a function whose reserved concurrency is 0", async () => {
    const { made, pool } = poolOf(new ConcurrencyLimit(0));
    expect(await pool.invoke(EVENT)).toEqual({ kind: "throttled" });
    expect(made).toEqual([]);
  });
});
