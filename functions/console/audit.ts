import type { Logger } from "@aws-lambda-powertools/logger";
import * as v from "valibot";
import type { Pool } from "../../shared/postgres/index.ts";
import type { AuditEntry, AuditPage } from "./api.ts";
import { parseQuery, type Route, wholeNumber } from "./http/router.ts";
import { isoText } from "./sql.ts";

export type NewEntry = Pick<AuditEntry, "actor" | "action" | "target" | "detail" | "outcome">;

export interface Audit {
  note(entry: NewEntry, logger: Logger): Promise<void>;
}

const pageSize = 100;

/**
 * Who did what, in console.audit and in the log. In the log because a connector must be restarted also while PostgreSQL is down, and be
 * known to have been.
 */
export function postgresAudit(pool: Pool): Audit {
  return {
    async note(entry, logger) {
      logger.info(`${entry.action} ${entry.target}: ${entry.outcome}`, { audit: entry });
      try {
        await pool.query(
          "insert into console.audit (actor, action, target, detail, outcome) values ($1, $2, $3, $4, $5)",
          [entry.actor, entry.action, entry.target, detailOf(entry.detail), entry.outcome],
        );
      } catch (error) {
        logger.warn("The action is in this log alone: console.audit cannot be written", { error: error as Error });
      }
    },
  };
}

/** More of what somebody has sent is not worth keeping. */
const detailLengthMax = 4_000;

/** As JSON that PostgreSQL takes, which has no NUL and no half of a surrogate pair: nobody is to act unnoticed by sending one. */
function detailOf(detail: unknown): string {
  const text = JSON.stringify(detail ?? null).replaceAll(/\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})/g, "\\ufffd");
  return text.length <= detailLengthMax ? text : JSON.stringify({ cut: text.slice(0, detailLengthMax).toWellFormed() });
}

export function auditRoutes(pool: Pool): Route[] {
  return [
    {
      method: "GET",
      path: "/api/audit",
      view: async ({ query }): Promise<AuditPage> => {
        const { before } = parseQuery(v.object({ before: v.optional(wholeNumber(1)) }), query);
        const { rows } = await pool.query<AuditEntry>(
          `select id, ${isoText("at")} as at, actor, action, target, detail, outcome
           from console.audit where $1::bigint is null or id < $1 order by id desc limit $2`,
          [before ?? null, pageSize + 1],
        );
        const entries = rows.slice(0, pageSize);
        return { entries, next: rows.length > pageSize ? String(entries.at(-1)?.id) : null };
      },
    },
  ];
}
