import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { startAws } from "../support/aws.ts";
import { startBroker, uniqueName } from "../support/broker.ts";
import { describePlan, type Plan, plans } from "./plan.ts";
import { REGRESSIONS } from "./regressions.ts";
import { type Environment, type Report, runPlan } from "./run-plan.ts";

/** SEED repeats the plans of a run, SEED and PLAN_PATH (as printed) one of them. Processes do not repeat to the millisecond. */
const SEED = Number(process.env["SEED"] ?? randomInt(2 ** 31));
const PLAN_PATH = process.env["PLAN_PATH"];
/** Plans are played for as long as this, in place of a number of them. */
const SOAK_SECONDS = Number(process.env["SOAK_SECONDS"] ?? 0);
const PLANS = Number(process.env["PLANS"] ?? 6);
/** A plan takes some 15 s, and until all has healed at the most the deadline in run-plan.ts. */
const PLAN_MS_MAX = 240_000;
/** Of the story around a violation. */
const EXCERPT_MS = 12_000;
const EXCERPT_LINES_MAX = 80;

let environment: Environment;

beforeAll(async () => {
  const [broker, aws] = await Promise.all([startBroker(), startAws()]);
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  environment = { broker, aws, sqs: new SQSClient({ region: "eu-central-1", endpoint: aws.endpoint, credentials }) };
}, 180_000);

afterAll(async () => {
  environment.sqs.destroy();
  await Promise.all([environment.broker.stop(), environment.aws.stop()]);
});

test.each(REGRESSIONS)("$name", async ({ plan }) => check(plan), PLAN_MS_MAX);

test(
  "kills, freezes, rebalances, outages: in order, nothing skipped, all done or at the destination, nothing committed early",
  async () => {
    console.info(`SEED=${SEED}`);
    const endMs = SOAK_SECONDS > 0 ? Date.now() + SOAK_SECONDS * 1_000 : Number.POSITIVE_INFINITY;
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        if (Date.now() < endMs) await check(plan);
      }),
      {
        seed: SEED,
        ...(PLAN_PATH !== undefined && { path: PLAN_PATH }),
        // A smaller plan would be a run of half a minute for each try, and may fail or not by chance.
        endOnFailure: true,
        // fast-check's own limits would leave a plan in the middle; those that come too late are over at once.
        numRuns: SOAK_SECONDS > 0 ? SOAK_SECONDS : PLANS,
        reporter: ({ counterexamplePath, errorInstance, failed, seed }) => {
          if (!failed) return;
          const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
          throw new Error(`SEED=${seed} PLAN_PATH=${counterexamplePath}\n${reason}`);
        },
      },
    );
  },
  SOAK_SECONDS * 1_000 + PLANS * PLAN_MS_MAX,
);

async function check(plan: Plan): Promise<void> {
  const report = await runPlan(plan, environment);
  summarise(report);
  const problems = [...report.mishaps, ...report.violations.map(({ rule, text }) => `${rule}: ${text}`)];
  if (problems.length > 0) throw new Error(`${problems.join("\n")}\n\n${describePlan(plan)}\n\n${story(report)}`);
  // Records that grow too old while the broker is away are given up without any.
  expect(report.trace.invocations.length + report.trace.deliveries.length).toBeGreaterThan(0);
}

function summarise({ trace }: Report): void {
  const { commits, deliveries, disturbances, invocations, logs } = trace;
  const records = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
  const excuses = disturbances.map(({ kind }) => kind).sort();
  console.info(
    `${records} records, ${invocations.length} invocations, ${deliveries.length} deliveries, ${commits.length} commits; ${excuses.join(" ")}`,
  );
}

/** What happened around the first violation, to its partition; all of it goes to a file. */
function story({ lines, violations }: Report): string {
  const first = violations[0];
  const show = ({ atMs, text }: Report["lines"][number]) => `${new Date(atMs).toISOString().slice(11, 23)} ${text}`;
  const file = join(tmpdir(), `${uniqueName("sok-random-story")}.txt`);
  writeFileSync(file, lines.map(show).join("\n"));
  const endMs = Math.min(first?.atMs ?? Number.POSITIVE_INFINITY, lines.at(-1)?.atMs ?? 0);
  const near = lines.filter(
    ({ atMs, partitions, text }) =>
      atMs > endMs - EXCERPT_MS &&
      atMs < endMs + 1_000 &&
      (first === undefined || partitions === undefined || partitions.includes(first.partition)) &&
      !text.includes(": debug "),
  );
  return [...near.slice(-EXCERPT_LINES_MAX).map(show), `the whole story: ${file}`].join("\n");
}
