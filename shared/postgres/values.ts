import pg from "pg";
import { PostgresError } from "./errors.ts";

type TypesConfig = NonNullable<pg.ClientConfig["types"]>;

const { INT8, TIMESTAMP } = pg.types.builtins;

/**
 * How PostgreSQL's values become JavaScript's, where pg's own choice would not do:
 * - `bigint` → number. pg gives a string; every bigint here (offsets, cents, counts) is far below 2^53, and one that is not
 *   is an error rather than a rounded number. Use `::text` in the query where that is expected.
 * - `timestamp` without zone → the Date it means in UTC. pg would read it in the time zone of the machine.
 *
 * `numeric` stays a string, which keeps it exact.
 */
export const types: TypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (format !== "binary" && oid === INT8) return parseBigint;
    if (format !== "binary" && oid === TIMESTAMP) return parseTimestamp;
    return pg.types.getTypeParser(oid, format as "text");
  }) as TypesConfig["getTypeParser"],
};

// The other direction: pg writes a Date in the machine's time zone, and PostgreSQL drops the zone when the column has none.
// pg offers this only as a setting of the whole process.
pg.defaults.parseInputDatesAsUTC = true;

export function parseBigint(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new PostgresError(
    "INTEGER_TOO_LARGE",
    `PostgreSQL returned the bigint ${text}, which a number cannot hold exactly; select it as text and use BigInt.`,
  );
}

export function parseTimestamp(text: string): Date {
  const value = new Date(`${text.replace(" ", "T")}Z`);
  if (!Number.isNaN(value.getTime())) return value;
  throw new PostgresError(
    "TIMESTAMP_OUT_OF_RANGE",
    `PostgreSQL returned the timestamp ${text}, which a Date cannot hold; select it as text.`,
  );
}
