import type { Pool } from "../../../shared/postgres/index.ts";
import type { AlertMinute, ConnectorView, GroupView, TopicSummary } from "../api.ts";
import { isoText } from "../sql.ts";

/** What is known of the path at one moment. An Error stands for what could not be asked, and says why. */
export interface Observations {
  readonly slots: readonly Slot[] | Error;
  readonly connectors: readonly Pick<ConnectorView, "name" | "state" | "tasks">[] | Error;
  readonly topics: readonly TopicSummary[] | Error;
  readonly groups: readonly GroupView[] | Error;
  readonly mappings: readonly { readonly group: string; readonly state: string }[] | Error;
  readonly alerts: AlertActivity | Error;
  /** Records that were put aside, and not written again. */
  readonly failedRecords: number | Error;
}

/** A replication slot: how far its reader has confirmed the write-ahead log. */
export interface Slot {
  readonly name: string;
  readonly database: string;
  readonly active: boolean;
  /** Write-ahead log that its reader has not confirmed, in bytes. */
  readonly behindBytes: number;
  /** What PostgreSQL keeps for it: from the beginning of the oldest transaction that was open then. */
  readonly keptBytes: number;
  /** reserved, extended, unreserved or lost. */
  readonly walStatus: string | null;
}

/** @see https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
export async function findSlots(pool: Pool): Promise<Slot[]> {
  const { rows } = await pool.query<Slot>(
    `select slot_name as name, coalesce(database, '') as database, active, wal_status as "walStatus",
       coalesce(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::bigint as "behindBytes",
       coalesce(pg_current_wal_lsn() - restart_lsn, 0)::bigint as "keptBytes"
     from pg_replication_slots where slot_type = 'logical' order by slot_name`,
  );
  return rows;
}

export interface AlertActivity {
  /** Oldest first; the last one is the running minute. */
  readonly minutes: readonly AlertMinute[];
  readonly lastMinute: number;
  readonly delay: { readonly p50Ms: number; readonly p99Ms: number } | null;
}

export const minutesShown = 30;

/** Of the last minute, at most this many alerts are counted, and their delays looked at. */
const lastMinuteMax = 20_000;

interface MinuteRow {
  readonly minute: string;
  readonly agent: string;
  readonly alerts: number;
}

/**
 * Counts alerts by minute. A minute that is over stays as it is, so it is counted once and then remembered: a burst of a million alerts is
 * not counted again and again.
 */
export class AlertCounter {
  readonly #pool: Pool;
  readonly #clock: () => Date;
  readonly #counted = new Map<number, Record<string, number>>();

  constructor(pool: Pool, clock: () => Date) {
    this.#pool = pool;
    this.#clock = clock;
  }

  async count(): Promise<AlertActivity> {
    const current = Math.floor(this.#clock().getTime() / 60_000);
    const shown = Array.from({ length: minutesShown }, (_, index) => current - minutesShown + 1 + index);
    for (const minute of this.#counted.keys()) if (minute < (shown[0] as number)) this.#counted.delete(minute);
    const from = shown.find((minute) => !this.#counted.has(minute)) ?? current;
    const counts = await this.#countFrom(from);
    // The minute before is still open: an alert may be stored a moment after its created_at.
    for (const minute of shown) {
      if (minute >= from && minute < current - 1) this.#counted.set(minute, counts.get(minute) ?? {});
    }
    const minutes = shown.map((minute) => ({
      minute: new Date(minute * 60_000).toISOString(),
      alerts: counts.get(minute) ?? this.#counted.get(minute) ?? {},
    }));
    return { minutes, ...(await this.#lastMinute()) };
  }

  async #countFrom(from: number): Promise<Map<number, Record<string, number>>> {
    const { rows } = await this.#pool.query<MinuteRow>(
      `select ${isoText("date_trunc('minute', created_at)")} as minute, agent, count(*) as alerts
       from fraud.alerts where created_at >= $1 group by 1, 2`,
      [new Date(from * 60_000)],
    );
    const counts = new Map<number, Record<string, number>>();
    for (const { minute, agent, alerts } of rows) {
      const key = Date.parse(minute) / 60_000;
      const of = counts.get(key) ?? {};
      of[agent] = alerts;
      counts.set(key, of);
    }
    return counts;
  }

  async #lastMinute(): Promise<Pick<AlertActivity, "lastMinute" | "delay">> {
    const { rows } = await this.#pool.query<{ alerts: number; p50: number | null; p99: number | null }>(
      `select count(*) as alerts,
         (percentile_cont(0.5) within group (order by delay) * 1000)::float8 as p50,
         (percentile_cont(0.99) within group (order by delay) * 1000)::float8 as p99
       from (select extract(epoch from created_at - committed_at) as delay from fraud.alerts
             where created_at > $1 and not historical order by created_at desc limit ${lastMinuteMax}) a`,
      [new Date(this.#clock().getTime() - 60_000)],
    );
    const { alerts = 0, p50 = null, p99 = null } = rows[0] ?? {};
    return { lastMinute: alerts, delay: p50 === null || p99 === null ? null : { p50Ms: p50, p99Ms: p99 } };
  }
}
