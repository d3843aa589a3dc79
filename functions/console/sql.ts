/**
 * A timestamp as ISO 8601 to the microsecond, for sessions in UTC; a Date would stop at the millisecond, and a page that begins after a row
 * would show it again.
 */
export function isoText(column: string): string {
  return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
