import type { FieldDef } from "pg";

/** Types of pg_type whose values stand to the right: whole and decimal numbers, oid, money. */
const numbers = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);

export interface SqlTableOptions {
  /** Without titles and count. */
  readonly tuplesOnly?: boolean;
  /** Not in columns, with | between. */
  readonly unaligned?: boolean;
}

/** Rows as psql prints them, so that what a course shows is what one sees. */
export function sqlTable(
  fields: readonly Pick<FieldDef, "name" | "dataTypeID">[],
  rows: readonly (readonly (string | null)[])[],
  { tuplesOnly = false, unaligned = false }: SqlTableOptions = {},
): string {
  const count = `(${rows.length} row${rows.length === 1 ? "" : "s"})`;
  const names = fields.map(({ name }) => name);
  const cells = rows.map((row) => row.map((value) => value ?? ""));
  if (unaligned) {
    const lines = [...(tuplesOnly ? [] : [names]), ...cells].map((row) => row.join("|"));
    return [...lines, ...(tuplesOnly ? [] : [count])].join("\n");
  }
  const widths = names.map((name, i) =>
    Math.max(tuplesOnly ? 0 : name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[], pad: (text: string, width: number, column: number) => string) =>
    row
      .map((text, i) => ` ${pad(text, widths[i] ?? 0, i)} `)
      .join("|")
      .trimEnd();
  const body = cells.map((row) =>
    line(row, (text, width, i) =>
      numbers.has(fields[i]?.dataTypeID ?? 0) ? text.padStart(width) : text.padEnd(width),
    ),
  );
  if (tuplesOnly) return [...body, ""].join("\n");
  const title = line(names, (text, width) =>
    text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width),
  );
  const rule = widths.map((width) => "-".repeat(width + 2)).join("+");
  return [title, rule, ...body, count, ""].join("\n");
}
