import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { reasonOf, StackError } from "../stack/errors.ts";
import type { Settings } from "../stack/settings.ts";
import { red } from "./output.ts";
import { type SqlTableOptions, sqlTable } from "./sql-table.ts";

/** What psql's letters stand for, in SQL. */
const commands: Readonly<Record<string, { readonly help: string; readonly sql: (argument: string) => string }>> = {
  "\\l": {
    help: "databases",
    sql: () => `select datname as "Name" from pg_database where not datistemplate order by 1`,
  },
  "\\dt": {
    help: "tables",
    sql: () =>
      `select schemaname as "Schema", tablename as "Name" from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2`,
  },
  "\\d": {
    help: "columns of a table: \\d transactions",
    sql: (name) =>
      `select attname as "Column", format_type(atttypid, atttypmod) as "Type", case when attnotnull then 'not null' else '' end as "Nullable"
       from pg_attribute where attrelid = ${pg.escapeLiteral(name)}::regclass and attnum > 0 and not attisdropped order by attnum`,
  },
};

const helpText = [
  ...Object.entries(commands).map(([name, { help }]) => `${name.padEnd(4)} ${help}`),
  "\\q   the end",
  "Anything else is SQL, up to a semicolon at the end of a line.",
].join("\n");

/**
 * A small psql for machines without it: a prompt, or the statements of -c, -f or standard input, printed as psql does.
 *
 * @throws {StackError} USAGE for an option of psql that is not known here
 */
export async function sqlPrompt(settings: Settings, database: string, args: readonly string[]): Promise<void> {
  const { scripts, format } = await readArguments(args);
  const client = new pg.Client({
    ...settings.postgres,
    database,
    application_name: "tripline psql",
    // As PostgreSQL writes them: JavaScript's dates have no microseconds.
    types: { getTypeParser: () => (value: string) => value },
  });
  await client.connect().catch((cause) => {
    throw new StackError(
      "USAGE",
      `PostgreSQL says: ${reasonOf(cause)}. 'npx tripline psql -c "\\l"' lists the databases.`,
      { cause },
    );
  });
  const session = new Session(client, format);
  try {
    if (scripts === undefined) await session.prompt(database);
    // psql's exit code for an error in a script is 3, and for one of -c 1.
    else for (const script of scripts) if (!(await session.run(script))) process.exitCode = 1;
  } finally {
    await client.end();
  }
}

async function readArguments(
  args: readonly string[],
): Promise<{ scripts: string[] | undefined; format: SqlTableOptions }> {
  let values: { command?: string[]; file?: string[]; "tuples-only"?: boolean; "no-align"?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        command: { type: "string", short: "c", multiple: true },
        file: { type: "string", short: "f", multiple: true },
        "tuples-only": { type: "boolean", short: "t" },
        "no-align": { type: "boolean", short: "A" },
      },
    }));
  } catch (cause) {
    throw new StackError(
      "USAGE",
      `${reasonOf(cause)}. Without psql itself there are -c, -f, -t and -A; Debian or Ubuntu: 'apt-get install postgresql-client', macOS: 'brew install libpq'.`,
      { cause },
    );
  }
  const format = { tuplesOnly: values["tuples-only"] ?? false, unaligned: values["no-align"] ?? false };
  const files = await Promise.all((values.file ?? []).map((file) => readFile(file, "utf8")));
  const scripts = [...(values.command ?? []), ...files];
  if (scripts.length > 0) return { scripts, format };
  if (process.stdin.isTTY) return { scripts: undefined, format };
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return { scripts: [Buffer.concat(chunks).toString()], format };
}

/** What pg knows of a statement's end and gives away on its connection only: `CREATE TABLE`, `INSERT 0 1`. */
interface Connection {
  on(event: "commandComplete", listener: (message: { text: string }) => void): void;
}

class Session {
  readonly #client: pg.Client;
  readonly #format: SqlTableOptions;
  readonly #tags: string[] = [];

  constructor(client: pg.Client, format: SqlTableOptions) {
    this.#client = client;
    this.#format = format;
    const { connection } = client as unknown as { connection: Connection };
    connection.on("commandComplete", ({ text }) => this.#tags.push(text));
    client.on("notice", (notice) => console.error(`${notice.severity}:  ${notice.message}`));
  }

  /** Prints what the statements give. False when one of them failed. */
  async run(text: string): Promise<boolean> {
    const [, letters = "", argument = ""] = /^\s*(\\\w+)\s*(.*?)\s*;?\s*$/s.exec(text) ?? [];
    const sql = letters === "" ? text : commands[letters]?.sql(argument);
    if (sql === undefined) {
      console.error(`${letters} is not known here.\n${helpText}`);
      return false;
    }
    this.#tags.length = 0;
    try {
      // Several statements give several results.
      const answered = await this.#client.query<(string | null)[]>({ text: sql, rowMode: "array" });
      for (const [i, { fields, rows }] of [answered].flat().entries()) {
        const isTable = fields.length > 0;
        if (isTable) console.log(sqlTable(fields, rows, this.#format));
        else if (this.#tags[i] !== undefined) console.log(this.#tags[i]);
      }
      return true;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      console.error(`${red("ERROR:")}  ${error.message}`);
      if (error.hint) console.error(`HINT:  ${error.hint}`);
      return false;
    }
  }

  async prompt(database: string): Promise<void> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    let text = "";
    const ask = () => {
      terminal.setPrompt(text === "" ? `${database}=# ` : `${database}-# `);
      terminal.prompt();
    };
    // Ctrl-C gives up the statement, Ctrl-D the session.
    terminal.on("SIGINT", () => {
      text = "";
      console.log();
      ask();
    });
    ask();
    for await (const line of terminal) {
      if (text === "" && /^\s*(\\q|exit|quit)\s*$/.test(line)) break;
      if (text === "" && /^\s*\\\?/.test(line)) console.log(helpText);
      else text += `${line}\n`;
      if (isComplete(text)) {
        await this.run(text);
        text = "";
      }
      ask();
    }
    terminal.close();
  }
}

/** Whether a statement has come to its end: a command of letters at once, SQL at a semicolon that is in no quotes. */
export function isComplete(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed === "") return false;
  if (trimmed.startsWith("\\")) return true;
  return trimmed.endsWith(";") && (trimmed.split("'").length - 1) % 2 === 0;
}
