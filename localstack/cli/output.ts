import { stripVTControlCharacters } from "node:util";
import colors from "picocolors";
import { reasonOf, StackError } from "../stack/errors.ts";

/** Colours only where a person looks: picocolors leaves them out when the output is no terminal or NO_COLOR is set. */
export const { bold, dim, green, red, yellow, cyan } = colors;

export const isTerminal = process.stdout.isTTY === true;

/** One JSON object for scripts; nothing else goes to standard output then. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Says what went wrong, for a person or a script, and sets the exit code. */
export function reportFailure(error: unknown, json: boolean): void {
  const code = error instanceof StackError ? error.code : "UNEXPECTED";
  if (json) printJson({ ok: false, error: { code, message: reasonOf(error) } });
  else {
    console.error(`${red("✖")} ${reasonOf(error)}`);
    if (code === "UNEXPECTED" && error instanceof Error) console.error(dim(error.stack ?? ""));
  }
  // 128 + the number of SIGINT, as a shell has it.
  process.exitCode = code === "INTERRUPTED" ? 130 : 1;
}

/** Columns as wide as their widest cell; colours do not count. */
export function table(rows: string[][]): string {
  const visible = (text: string) => stripVTControlCharacters(text).length;
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, visible(cell));
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - visible(cell)),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${Math.round(bytes / 1e6)} MB`;
}

export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
