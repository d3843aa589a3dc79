import { type AgentName, agentNames } from "./failed-records.ts";
import type { Judges } from "./ledger.ts";
import { type Columns, declaredColumns } from "./transaction-stream.ts";

const without = (columns: Columns, ...names: string[]): Columns =>
  Object.fromEntries(Object.entries(columns).filter(([name]) => !names.includes(name)));

/** A change that takes nothing away that a rule needs. */
interface Step {
  readonly change: string;
  readonly sql: string;
  /** What the table's columns get from then on. */
  readonly columns: Columns;
}

/** In this order: each finds the table as the one before has left it. */
export const steps: Step[] = [];
let columns: Columns = declaredColumns;
const step = (change: string, sql: string, next: Columns = columns) => {
  columns = next;
  steps.push({ change, sql: `alter table public.transactions ${sql}`, columns });
};
step("a column is added", "add note text", { ...columns, note: "null" });
step("a column with a default is added", "add currency char(3) not null default 'EUR'");
step(
  "columns are added whose names and texts look like parts of a change event",
  `add op text, add payload text, add "after" jsonb, add "Notiz 💳" text`,
  {
    ...columns,
    op: "'d'",
    after: `'{"id": 1, "user_id": 1, "amount": "0.01", "created_at": 0}'`,
    "Notiz 💳": `E'Grüße, "zitiert" \\\\ 💳"},"amount":"0.01","user_id":1,"x":{"y":"\\n'`,
  },
);
step("a column is renamed that no rule needs", "rename merchant_id to shop", {
  ...without(columns, "merchant_id"),
  shop: "merchant_id",
});
step("a column is dropped that no rule needs", "drop shop", without(columns, "shop"));
step("card_type is dropped, which AMEX alone needs", "drop card_type", without(columns, "card_type"));
step("card_type is there again", "add card_type varchar", { ...columns, card_type: "card_type" });
step("amount becomes decimal(14,2)", "alter amount type decimal(14, 2)");
step("user_id becomes bigint", "alter user_id type bigint");
step("created_at becomes timestamptz", "alter created_at type timestamptz");
step("card_type becomes text", "alter card_type type text");

/** A row that is written while the change holds. */
export interface BrokenRow {
  /** Columns that this row gets something else in than usual. */
  readonly columns?: Columns;
  readonly judges: Judges;
  /** Why those who do not judge it put it aside. */
  readonly code?: string;
}
/** A change that takes away what a rule needs, and what undoes it. They find the table as `steps` have left it. */
export interface Break {
  readonly change: string;
  readonly broken: string;
  readonly columns: (usual: Columns) => Columns;
  readonly rows: readonly BrokenRow[];
  readonly mended: string;
}
const missing = (judges: Judges): BrokenRow => ({ judges, code: "CHANGE_EVENT_COLUMN_MISSING" });
const renamed = (column: string, judges: Judges): Break => ({
  change: `${column} renamed`,
  broken: `rename ${column} to renamed`,
  columns: (usual) => ({ ...without(usual, column), renamed: usual[column] ?? "null" }),
  rows: [missing(judges)],
  mended: `rename renamed to ${column}`,
});
const dropped = (column: string, type: string, judges: Judges): Break => ({
  change: `${column} dropped`,
  broken: `drop ${column}`,
  columns: (usual) => without(usual, column),
  rows: [missing(judges)],
  mended: `add ${column} ${type}`,
});
export const breaks: readonly Break[] = [
  renamed("user_id", "nobody"),
  dropped("user_id", "bigint", "nobody"),
  renamed("amount", "nobody"),
  dropped("amount", "decimal(14, 2)", "nobody"),
  renamed("created_at", "profile"),
  dropped("created_at", "timestamptz default current_timestamp", "profile"),
  {
    change: "amount as text, with garbage in it",
    broken: "alter amount type text",
    columns: (usual) => usual,
    rows: [
      { columns: { amount: "'a dozen'" }, judges: "nobody", code: "CHANGE_EVENT_COLUMN_TYPE" },
      { columns: { amount: "'12,50'" }, judges: "nobody", code: "CHANGE_EVENT_COLUMN_TYPE" },
      { columns: { amount: "(cents / 100.0)::decimal(14, 2)::text" }, judges: "both" },
      { columns: { amount: "'NaN'" }, judges: "nobody", code: "CHANGE_EVENT_VALUE_OUT_OF_RANGE" },
    ],
    mended: "alter amount type decimal(14, 2) using case when amount ~ '^[0-9.]+$' then amount::numeric end",
  },
  {
    change: "amount as decimal(12,4), with fractions of cents",
    broken: "alter amount type decimal(12, 4)",
    columns: (usual) => usual,
    rows: [
      { columns: { amount: "cents / 100.0 + 0.0001" }, judges: "nobody", code: "CHANGE_EVENT_VALUE_NOT_WHOLE_CENTS" },
      { judges: "both" },
    ],
    mended: "alter amount type decimal(14, 2)",
  },
  {
    change: "user_id as bigint, with a user beyond int",
    broken: "alter user_id type bigint",
    columns: (usual) => usual,
    rows: [
      { columns: { user_id: "1099511627776" }, judges: "nobody", code: "CHANGE_EVENT_VALUE_OUT_OF_RANGE" },
      { judges: "both" },
    ],
    mended: "alter user_id type bigint",
  },
  {
    change: "user_id as text",
    broken: "alter user_id type text",
    columns: (usual) => usual,
    rows: [{ judges: "nobody", code: "CHANGE_EVENT_COLUMN_TYPE" }],
    mended: "alter user_id type bigint using user_id::bigint",
  },
  {
    change: "created_at as date",
    broken: "alter created_at type date",
    columns: (usual) => usual,
    rows: [{ judges: "profile", code: "CHANGE_EVENT_VALUE_AMBIGUOUS" }],
    mended: "alter created_at type timestamptz",
  },
];

/** The agents that cannot judge the row. */
export function putAsideBy({ judges }: BrokenRow): AgentName[] {
  return agentNames.filter((agent) => judges !== "both" && judges !== agent);
}
