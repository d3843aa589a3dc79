import type { Fault } from "./fault.ts";

/**
 * What the agents write is refused for a while, with errors that say that nothing is wrong with what was written. An attempt
 * sits them out: a batch of one record would have used up its four attempts after 1.75 s (backoff.ts of the mapping).
 */
const refusedMs = [300, 12_000] as const;

interface Refusal {
  name: string;
  does: string;
  /** The trigger's kind, moment and table, and when it fires. */
  trigger: string;
  /** PostgreSQL's name of the error. */
  error: string;
}

function refuse({ name, does, trigger, error }: Refusal): Fault {
  const function_ = `chaos_${name.replaceAll("-", "_")}`;
  return {
    name,
    does,
    touches: ["state"],
    lastsMs: refusedMs,
    strike: async (system) => {
      await system.sql(
        "a refusal",
        `create or replace function public.${function_}() returns trigger language plpgsql as $$
           begin raise 'refused by ${name}' using errcode = '${error}'; end $$`,
      );
      await system.sql(
        "a refusal",
        trigger.replace("NAME", `${function_} `).concat(` execute function public.${function_}()`),
      );
      return async () => system.sql("the end of a refusal", `drop function if exists public.${function_}() cascade`);
    },
  };
}

const lockAlerts: Fault = {
  name: "lock-alerts",
  does: "somebody locks fraud.alerts, now and then for longer than the 30 s that a statement of the agents may take",
  touches: ["state"],
  lastsMs: [2_000, 35_000],
  strike: async (system) => {
    const client = await system.pool.connect();
    await client.query("begin");
    await client.query("lock table fraud.alerts in share row exclusive mode");
    return async () => {
      const lost = await client.query("rollback").then(
        () => undefined,
        (error: Error) => error,
      );
      client.release(lost);
    };
  },
};

export const state: readonly Fault[] = [
  refuse({
    name: "refuse-alerts",
    does: "some of the alerts cannot be inserted, in the middle of a statement",
    trigger: "create trigger NAME before insert on fraud.alerts for each row when (new.transaction_id % 3 = 0)",
    error: "disk_full",
  }),
  refuse({
    name: "refuse-changes",
    does: "what was judged cannot be stored",
    trigger: "create trigger NAME before insert on fraud.changes for each row",
    error: "disk_full",
  }),
  refuse({
    name: "refuse-commits",
    does: "transactions of the agents fail at their COMMIT",
    trigger: "create constraint trigger NAME after update on fraud.progress deferrable initially deferred for each row",
    error: "serialization_failure",
  }),
  lockAlerts,
];
