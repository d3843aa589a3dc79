import { type ChangeEvent, decodeRecord, type Row } from "../../shared/change-events/index.ts";
import type { KafkaRecord } from "../../shared/lambda/index.ts";

const inWords = {
  c: "created",
  r: "read in snapshot",
  u: "updated",
  d: "deleted",
  t: "truncated",
  m: "message",
} satisfies Record<ChangeEvent["op"], string>;

export interface Activity {
  readonly what: (typeof inWords)[ChangeEvent["op"]] | "tombstone";
  readonly op?: ChangeEvent["op"];
  /** `schema.table` */
  readonly table?: string;
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: number };
}

/**
 * What happened, in words and with the rows as Debezium wrote them.
 *
 * @throws {ChangeEventError} when the record is not a change event
 */
export function describeActivity(record: KafkaRecord): Activity {
  const { topic, partition, offset } = record;
  const position = { topic, partition, offset };
  const decoded = decodeRecord(record);
  if (decoded.kind === "tombstone") return { what: "tombstone", position };
  const { op, before, after, source } = decoded.event;
  return {
    what: inWords[op],
    op,
    table: `${source.schema}.${source.table}`,
    before: objectOf(before),
    after: objectOf(after),
    position,
  };
}

function objectOf(row: Row | null): Record<string, unknown> | null {
  return row === null ? null : Object.fromEntries(row.columns().map((column) => [column, row.value(column)]));
}
