import { columnError } from "./errors.ts";
import type { ColumnSchema } from "./row.ts";

export type TimeUnit = "ms" | "us" | "ns";

export interface TimestampOptions {
  /** Unit of a number in a message without schema. Without it the unit follows from the magnitude. */
  unit?: TimeUnit;
}

const UNIT_BY_SCHEMA_NAME: ReadonlyMap<string, TimeUnit> = new Map([
  ["io.debezium.time.Timestamp", "ms"],
  ["org.apache.kafka.connect.data.Timestamp", "ms"],
  ["io.debezium.time.MicroTimestamp", "us"],
  ["io.debezium.time.NanoTimestamp", "ns"],
]);

/** Debezium writes these texts for timestamptz; for timestamp it writes numbers that are out of range in every unit. */
const INFINITE = /^[+-]?infinity$/i;

/** Microseconds since 1970 as ISO 8601 in UTC, to the microsecond, as PostgreSQL has it; a Date stops at the millisecond. */
export function isoOfMicros(micros: number): string {
  const millis = Math.floor(micros / 1_000);
  return new Date(millis).toISOString().replace("Z", `${String(micros - millis * 1_000).padStart(3, "0")}Z`);
}

/** A timestamp column as microseconds since 1970-01-01T00:00:00Z. A text or timestamp without zone is taken as UTC. */
export function timestampMicros(
  column: string,
  value: unknown,
  schema: ColumnSchema | undefined,
  options: TimestampOptions,
): number {
  let micros: number | undefined;
  if (typeof value === "number") {
    micros = toMicros(value, unitOf(column, value, schema, options));
  } else if (typeof value === "string" && !INFINITE.test(value)) {
    const instant = ISO_INSTANT.exec(value);
    if (instant === null) {
      throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, value, "expected an ISO 8601 timestamp of microseconds");
    }
    micros = isoToMicros(instant);
  } else if (typeof value !== "string") {
    throw columnError(
      "CHANGE_EVENT_COLUMN_TYPE",
      column,
      value,
      "expected a timestamp as a number or as ISO 8601 text (any time.precision.mode except structured)",
    );
  }
  if (micros === undefined) {
    throw columnError(
      "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
      column,
      value,
      "not a time that whole microseconds can say exactly (years 1685 to 2254; infinity has no number)",
    );
  }
  return micros;
}

function unitOf(column: string, value: number, schema: ColumnSchema | undefined, options: TimestampOptions): TimeUnit {
  if (schema !== undefined) {
    const unit = UNIT_BY_SCHEMA_NAME.get(schema.name ?? "");
    if (unit !== undefined) return unit;
    const type = schema.name ?? schema.type;
    throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, value, `the schema says ${type}, which is not a timestamp`);
  }
  const unit = options.unit ?? unitByMagnitude(value);
  if (unit !== undefined) return unit;
  throw columnError(
    "CHANGE_EVENT_VALUE_AMBIGUOUS",
    column,
    value,
    "too small to tell its unit from its size; pass the option unit, or set schemas.enable=true on the converter",
  );
}

/**
 * Milliseconds, microseconds and nanoseconds of one instant are a factor 1,000 apart, so for dates from 1973-03-03 on
 * (and before 1966-10-31) their ranges do not meet until the year 5138. A time within 104 days of 1970 can pass for a
 * plausible date in a coarser unit (2^53 / 1,000 µs): where such times occur, say the unit or send the schema.
 */
function unitByMagnitude(value: number): TimeUnit | undefined {
  const magnitude = Math.abs(value);
  if (magnitude < 1e11) return undefined;
  if (magnitude < 1e14) return "ms";
  return magnitude < 1e17 ? "us" : "ns";
}

/**
 * From here on (the year 2116) neighbouring doubles are more than 1,000 ns apart. Below, two microseconds never share a
 * double, so JSON.parse's rounding of a nanosecond count can be undone: PostgreSQL only has whole microseconds.
 */
const NANOS_LIMIT = 2 ** 62;

/** Undefined when the count is not exactly a whole, safe number of microseconds. */
export function toMicros(count: number, unit: TimeUnit): number | undefined {
  if (!Number.isInteger(count)) return undefined;
  const micros = unit === "us" ? count : unit === "ms" ? count * 1_000 : nanosToMicros(count);
  return Number.isSafeInteger(micros) ? micros + 0 : undefined; // + 0 turns -0 into 0
}

/** NaN when there is no such microsecond. */
function nanosToMicros(nanos: number): number {
  if (Math.abs(nanos) >= NANOS_LIMIT) return Number.NaN;
  // The quotient is itself rounded, to half microseconds, and Math.round takes halves up: it can be one too many.
  const micros = Math.round(nanos / 1_000);
  // Comparing products compares two exact values rounded to doubles in the same way.
  if (micros * 1_000 === nanos) return micros;
  return (micros - 1) * 1_000 === nanos ? micros - 1 : Number.NaN;
}

/** ISO 8601 as java.time prints it (no fraction or no seconds when they are zero), or with PostgreSQL's space for the T. */
const ISO_INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?$/;

/** JavaScript reads the years 0 to 99 as 1900 to 1999; nothing before this year fits in safe microseconds anyway. */
const YEAR_MIN = 1600;

function isoToMicros(instant: RegExpExecArray): number | undefined {
  const [, year, month, day, hour, minute, second = 0, fraction = "", sign, zoneHour, zoneMinute = 0] = instant;
  if (Number(year) < YEAR_MIN || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // Date.UTC carries 31 February over into March, and month 13 into the next year.
  const date = new Date(midnightMs);
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() + 1 !== Number(month)) return undefined;

  let minutes = Number(hour) * 60 + Number(minute);
  if (sign !== undefined) {
    if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return undefined;
    const offset = Number(zoneHour) * 60 + Number(zoneMinute);
    minutes -= sign === "-" ? -offset : offset;
  }
  const seconds = midnightMs / 1_000 + minutes * 60 + Number(second);
  const micros = seconds * 1_000_000 + Number(fraction.padEnd(6, "0"));
  return Number.isSafeInteger(micros) ? micros : undefined;
}
