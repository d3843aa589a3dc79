import { auditTimeoutMs, hintOf, isGood, type Verification, verifyAlerts, waitUntilJudged } from "../audit/verify.ts";
import { connectTo } from "../run/database.ts";
import { StackError } from "../stack/errors.ts";
import { readSettings } from "../stack/settings.ts";
import { dim, green, printJson, red, yellow } from "./output.ts";

/** The agents have this long without any progress before their backlog counts as what it is. */
const patienceMs = 5_000;

/** `tripline verify`: ends with 1 when an alert is missing, unexpected or there twice. */
export async function verify(options: { json?: boolean }): Promise<void> {
  const pool = connectTo(readSettings(), "mydb", { statementTimeoutMs: auditTimeoutMs });
  try {
    await pool.query("select 1").catch((cause) => {
      throw new StackError("NOT_RUNNING", "PostgreSQL does not answer: 'npx tripline up' starts the stack.", { cause });
    });
    const notJudged = await waitUntilJudged(pool, { patienceMs });
    const result = await verifyAlerts(pool);
    if (!isGood(result)) process.exitCode = 1;
    if (options.json) printJson({ ok: isGood(result), notJudged, ...result });
    else print(result, notJudged);
  } finally {
    await pool.end();
  }
}

const count = new Intl.NumberFormat("en-US");

function print(result: Verification, notJudged: number): void {
  const mark = isGood(result) ? green("✔") : red("✖");
  console.log(
    `${mark} ${count.format(result.transactions)} transactions must give ${count.format(result.expected)} alerts, and there are ${count.format(result.found)}: ` +
      `${count.format(result.missing)} missing, ${count.format(result.unexpected)} unexpected, ${count.format(result.duplicated)} duplicated`,
  );
  for (const { verdict, alertId, userId, amountCents } of result.examples) {
    console.log(
      `  ${red(verdict.padEnd("unexpected".length))}  ${alertId}  user ${userId}  ${(amountCents / 100).toFixed(2)}`,
    );
  }
  const hint = hintOf(result);
  if (hint) console.log(`${yellow("!")} ${hint}`);
  if (notJudged > 0) {
    console.log(
      `${yellow("!")} ${count.format(notJudged)} transactions are not judged yet: do the functions run ('npx sls offline', 'npm start')?`,
    );
  }
  console.log(
    dim(
      "  Computed in SQL from public.transactions alone; assumes that a user's rows were committed in the order of their ids, and that the rules' settings have not changed since.",
    ),
  );
}
