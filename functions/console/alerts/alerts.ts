import * as v from "valibot";
import { describeReason } from "../../../shared/alerts/index.ts";
import type { Pool } from "../../../shared/postgres/index.ts";
import { type AlertDetail, type AlertPage, type AlertView, type CaseView, caseStatuses } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { moment, userId, wholeNumber } from "../http/router.ts";
import { isoText } from "../sql.ts";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";

/** How many alerts one request looks at: what is asked for may be rare, and a page is to come quickly. */
const scannedMax = 2_500;
const pageSizeMax = 1_000;

export const AlertFilter = v.object({
  agent: v.optional(v.string()),
  user: v.optional(userId),
  card: v.optional(v.string()),
  from: v.optional(moment),
  /** Not included. */
  to: v.optional(moment),
  status: v.optional(v.picklist(caseStatuses, `must be one of ${caseStatuses.join(", ")}`)),
  before: v.optional(v.pipe(v.string(), v.transform(decodeCursor))),
  limit: v.optional(wholeNumber(1, pageSizeMax), "50"),
});

export type AlertFilter = v.InferOutput<typeof AlertFilter>;

interface AlertRow extends Omit<AlertView, "why" | "transaction" | "case"> {
  readonly hasTransaction: boolean;
  readonly cardType: string | null;
  readonly merchantId: number | null;
  readonly status: CaseView["status"] | null;
  readonly note: string | null;
  readonly actor: string | null;
  readonly changedAt: string | null;
}

const columns = `
  a.alert_id as "alertId", a.agent, a.rule, a.rule_version as "ruleVersion", a.transaction_id as "transactionId", a.user_id as "userId",
  a.amount_cents as "amountCents", a.reason, a.historical, a.topic, a.partition, a.kafka_offset as "kafkaOffset",
  ${isoText("a.committed_at")} as "committedAt", ${isoText("a.created_at")} as "createdAt",
  (extract(epoch from a.created_at - a.committed_at) * 1000)::float8 as "delayMs",
  t.id is not null as "hasTransaction", t.card_type as "cardType", t.merchant_id as "merchantId",
  c.status, c.note, c.actor, ${isoText("c.changed_at")} as "changedAt"`;

/**
 * Beside each alert its transaction and its case. By "lateral … limit 1" they are looked up for one alert after the other, so that the
 * query ends when the page is full; a join that builds a table of all transactions first would not.
 */
const besides = `
  left join lateral (select id, card_type, merchant_id from transactions where id = a.transaction_id limit 1) t on true
  left join lateral (select status, note, actor, changed_at from console.cases where alert_id = a.alert_id limit 1) c on true`;

/** Newest first. */
const order = "created_at desc, alert_id desc";

export async function findAlerts(pool: Pool, filter: AlertFilter): Promise<AlertPage> {
  const at = new Date().toISOString();
  const { scanned, scannedValues, wanted, values } = conditionsOf(filter);
  const { rows } = await pool.query<AlertRow>(
    `select ${columns}
     from (select * from fraud.alerts where ${scanned} order by ${order} limit ${scannedMax}) a ${besides}
     where ${wanted} order by a.${order.replace(", ", ", a.")} limit ${filter.limit + 1}`,
    values,
  );
  const alerts = rows.slice(0, filter.limit).map(viewOf);
  const last = alerts.at(-1);
  if (rows.length > filter.limit && last !== undefined) {
    return { at, alerts, next: encodeCursor(last), searchedTo: null };
  }
  // Fewer than asked for: either there are no more, or what was looked at did not have them.
  if (wanted === "true") return { at, alerts, next: null, searchedTo: null };
  const { rows: ends } = await pool.query<Cursor>(
    `select ${isoText("created_at")} as "createdAt", alert_id as "alertId"
     from (select created_at, alert_id from fraud.alerts where ${scanned} order by ${order} limit ${scannedMax}) a
     order by ${order} offset ${scannedMax - 1}`,
    values.slice(0, scannedValues),
  );
  const [end] = ends;
  return end === undefined
    ? { at, alerts, next: null, searchedTo: null }
    : { at, alerts, next: encodeCursor(end), searchedTo: end.createdAt };
}

/** What an index of fraud.alerts can find, and what has to be looked at one by one. */
function conditionsOf({ agent, user, card, from, to, status, before }: AlertFilter) {
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const scanned: string[] = [];
  if (user !== undefined) scanned.push(`user_id = ${parameter(user)}`);
  if (from !== undefined) scanned.push(`created_at >= ${parameter(from)}`);
  if (to !== undefined) scanned.push(`created_at < ${parameter(to)}`);
  if (before !== undefined) {
    const [createdAt, alertId] = [parameter(before.createdAt), parameter(before.alertId)];
    scanned.push(`(created_at, alert_id) < (${createdAt}::timestamptz, ${alertId})`);
  }
  // The second query has the conditions of the scan alone, and no parameters but theirs.
  const scannedValues = values.length;
  const wanted: string[] = [];
  if (agent !== undefined) wanted.push(`a.agent = ${parameter(agent)}`);
  if (card !== undefined) wanted.push(`t.card_type = ${parameter(card)}`);
  if (status === "open") wanted.push("c.status is null");
  else if (status !== undefined) wanted.push(`c.status = ${parameter(status)}`);
  return {
    values,
    scannedValues,
    scanned: scanned.join(" and ") || "true",
    wanted: wanted.join(" and ") || "true",
  };
}

/** @throws {ConsoleError} NOT_FOUND */
export async function findAlert(pool: Pool, alertId: string): Promise<AlertDetail> {
  const { rows } = await pool.query<AlertRow>(
    `select ${columns} from fraud.alerts a ${besides} where a.alert_id = $1`,
    [alertId],
  );
  const [row] = rows;
  if (row === undefined) throw new ConsoleError("NOT_FOUND", `There is no alert '${alertId}'.`);
  const { rows: forwarded } = await pool.query<AlertDetail["forwarded"][number]>(
    `select channel, ${isoText("forwarded_at")} as "forwardedAt" from fraud.forwarded where alert_id = $1 order by channel`,
    [alertId],
  );
  return { ...viewOf(row), forwarded };
}

function viewOf(row: AlertRow): AlertView {
  const { hasTransaction, cardType, merchantId, status, note, actor, changedAt, ...alert } = row;
  return {
    ...alert,
    why: describeReason(alert),
    transaction: hasTransaction ? { cardType, merchantId } : null,
    case:
      status === null ? null : { status, note: note ?? "", actor: actor ?? "", changedAt: changedAt ?? row.createdAt },
  };
}
