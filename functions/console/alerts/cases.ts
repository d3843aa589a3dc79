import * as v from "valibot";
import type { Pool } from "../../../shared/postgres/index.ts";
import { type CaseView, caseStatuses } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { isoText } from "../sql.ts";

const noteLengthMax = 2_000;

export const CaseChange = v.object({
  status: v.picklist(caseStatuses, `must be one of ${caseStatuses.join(", ")}`),
  note: v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.maxLength(noteLengthMax, `must have at most ${noteLengthMax} characters`),
      // PostgreSQL's text holds every character but this one.
      v.check((text) => !text.includes("\0"), "must not contain the character NUL"),
    ),
    "",
  ),
});

/**
 * What somebody says of an alert; the last word counts, and console.audit has those before.
 *
 * @returns null: it is open again
 * @throws {ConsoleError} NOT_FOUND
 */
export async function changeCase(
  pool: Pool,
  alertId: string,
  { status, note }: v.InferOutput<typeof CaseChange>,
  actor: string,
): Promise<CaseView | null> {
  const { rowCount } = await pool.query("select from fraud.alerts where alert_id = $1", [alertId]);
  if (rowCount === 0) throw new ConsoleError("NOT_FOUND", `There is no alert '${alertId}'.`);
  if (status === "open") {
    await pool.query("delete from console.cases where alert_id = $1", [alertId]);
    return null;
  }
  const { rows } = await pool.query<CaseView>(
    `insert into console.cases (alert_id, status, note, actor) values ($1, $2, $3, $4)
     on conflict (alert_id) do update
     set status = excluded.status, note = excluded.note, actor = excluded.actor, changed_at = clock_timestamp()
     returning status, note, actor, ${isoText("changed_at")} as "changedAt"`,
    [alertId, status, note, actor],
  );
  return rows[0] ?? null;
}
