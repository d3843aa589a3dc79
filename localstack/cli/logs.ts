import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StackError } from "../stack/errors.ts";
import { paths, readSettings } from "../stack/settings.ts";
import { cyan, green, printJson, yellow } from "./output.ts";

const followIntervalMs = 300;

/** `tripline logs [name] [-f]` */
export async function logs(options: { json?: boolean; follow?: boolean; lines: string }, name?: string): Promise<void> {
  const folder = paths(readSettings()).logs;
  const all = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith(".log"))
        .map((file) => file.slice(0, -4))
    : [];
  if (name !== undefined && !all.includes(name)) {
    throw new StackError(
      "USAGE",
      all.length === 0
        ? "There are no logs yet: 'npx tripline up' first."
        : `There is no log '${name}'. There are: ${all.join(", ")}.`,
    );
  }
  if (all.length === 0 && !options.json) console.error("There are no logs yet: 'npx tripline up' first.");
  const names = name === undefined ? all : [name];
  const count = Number(options.lines);
  if (!Number.isInteger(count) || count < 0)
    throw new StackError("USAGE", `--lines takes a whole number, not '${options.lines}'.`);
  const width = Math.max(0, ...names.map((each) => each.length));
  const tint = [cyan, green, yellow];
  const collected: { name: string; line: string }[] = [];
  const print = (each: string, line: string) => {
    // One object, as every command; what is followed has no end, so that is one a line.
    if (options.json && options.follow) printJson({ name: each, line });
    else if (options.json) collected.push({ name: each, line });
    else if (names.length === 1) console.log(line);
    else console.log(`${(tint[names.indexOf(each) % tint.length] ?? cyan)(each.padEnd(width))}  ${line}`);
  };
  const positions = new Map<string, number>();
  for (const each of names) {
    const file = paths(readSettings()).log(each);
    const text = readFileSync(file, "utf8");
    positions.set(each, Buffer.byteLength(text));
    const lines = text.trimEnd().split("\n");
    for (const line of count === 0 || text === "" ? [] : lines.slice(-count)) print(each, line);
  }
  if (options.json && !options.follow) printJson({ ok: true, lines: collected });
  while (options.follow) {
    await sleep(followIntervalMs);
    for (const each of names) positions.set(each, await printNew(each, positions.get(each) ?? 0, print));
  }
}

/** Prints the whole lines behind `position`; returns the new position. A log that was set aside begins anew. */
async function printNew(name: string, position: number, print: (name: string, line: string) => void): Promise<number> {
  const file = paths(readSettings()).log(name);
  const size = existsSync(file) ? statSync(file).size : 0;
  const start = size < position ? 0 : position;
  if (size === start) return start;
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { start, end: size - 1 })) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const end = bytes.lastIndexOf(0x0a);
  if (end < 0) return start;
  for (const line of bytes.subarray(0, end).toString().split("\n")) print(name, line);
  return start + end + 1;
}
