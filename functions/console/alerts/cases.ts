import * as v from "valibot";
import { inTransaction, type Pool } from "../../../shared/postgres/index.ts";
import { type CaseView, caseStatuses } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { isoText } from "../sql.ts";

const noteLengthMax = 2_000;

export const CaseChange = v.strictObject({
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
  seen: v.nullable(v.string()),
});

/**
 * What somebody says of an alert, who has seen what was said before; console.audit has it all.
 *
 * @returns null: it is open again
 * @throws {ConsoleError} NOT_FOUND, or CONFLICT when somebody else has said something meanwhile
 */
export async function changeCase(
  pool: Pool,
  alertId: string,
  { status, note, seen }: v.InferOutput<typeof CaseChange>,
  actor: string,
): Promise<CaseView | null> {
  return inTransaction(pool, async (client) => {
    // Of two who speak at once, one waits here.
    const { rowCount } = await client.query(
      "select pg_advisory_xact_lock(hashtextextended($1, 0)) from fraud.alerts where alert_id = $1",
      [alertId],
    );
    if (rowCount === 0) throw new ConsoleError("NOT_FOUND", `There is no alert '${alertId}'.`);
    const { rows: known } = await client.query<CaseView>(
      `select ${caseColumns} from console.cases where alert_id = $1`,
      [alertId],
    );
    const [before] = known;
    if ((before?.changedAt ?? null) !== seen) {
      const said = before === undefined ? "has opened it again" : `has called it ${before.status.replace("_", " ")}`;
      throw new ConsoleError(
        "CONFLICT",
        `Somebody${before === undefined ? "" : ` (${before.actor})`} ${said} meanwhile.`,
      );
    }
    if (status === "open") {
      await client.query("delete from console.cases where alert_id = $1", [alertId]);
      return null;
    }
    const { rows } = await client.query<CaseView>(
      `insert into console.cases (alert_id, status, note, actor) values ($1, $2, $3, $4)
       on conflict (alert_id) do update
       set status = excluded.status, note = excluded.note, actor = excluded.actor, changed_at = clock_timestamp()
       returning ${caseColumns}`,
      [alertId, status, note, actor],
    );
    return rows[0] ?? null;
  });
}

const caseColumns = `status, note, actor, ${isoText("changed_at")} as "changedAt"`;
