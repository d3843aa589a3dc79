import type { StoredAlert } from "../../shared/alerts/index.ts";
import type { Pool } from "../../shared/postgres/index.ts";

/** The alerts that a channel has not yet taken, in the order given. */
export async function notYetForwarded(
  pool: Pool,
  channel: string,
  alerts: readonly StoredAlert[],
): Promise<StoredAlert[]> {
  if (alerts.length === 0) return [];
  const { rows } = await pool.query<{ alert_id: string }>(
    "select alert_id from fraud.forwarded where channel = $1 and alert_id = any($2::text[])",
    [channel, alerts.map(({ alertId }) => alertId)],
  );
  const forwarded = new Set(rows.map((row) => row.alert_id));
  return alerts.filter(({ alertId }) => !forwarded.has(alertId));
}

export async function recordForwarded(pool: Pool, channel: string, alerts: readonly StoredAlert[]): Promise<void> {
  if (alerts.length === 0) return;
  await pool.query(
    `insert into fraud.forwarded (alert_id, channel) select alert_id, $2 from unnest($1::text[]) as sent (alert_id)
     on conflict do nothing`,
    [alerts.map(({ alertId }) => alertId), channel],
  );
}
