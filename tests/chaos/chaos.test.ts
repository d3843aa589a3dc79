import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Dice } from "./dice.ts";
import { faults } from "./faults/index.ts";
import { each, nameOf, random } from "./plan.ts";
import { play } from "./run.ts";
import { System } from "./system.ts";

// The short form. `npm run chaos` has every fault, and goes on for as long as it is told to.

const minute = 60_000;
jest.setTimeout(5 * minute);

const seed = Number(process.env["SEED"] ?? randomInt(2 ** 31));
/** The ones that are over soonest; together they break each thing that the fold must survive. */
const quick = ["lose-answers", "cut-kafka", "refuse-commits", "refuse-alerts", "kill-session", "clocks"].map((name) => {
  const found = faults.find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`there is no fault ${name}`);
  return found;
});
const first = ["lose-answers", "refuse-commits", "clocks"];
/** Enough for users to have histories, so that there are alerts to lose from the first step on. */
const rowsBefore = 60_000;
const dice = new Dice(seed);
const steps = [
  ...each(
    quick.filter(({ name }) => first.includes(name)),
    dice,
  ),
  random(quick, dice),
];

const system = new System({ dice: new Dice(seed), rowsPerSecond: 500, rowsBefore, onTrouble: () => {} });
let failed = false;

beforeAll(async () => {
  console.info(`SEED=${seed}`);
  await system.start();
}, 5 * minute);

afterAll(async () => {
  await system.stop({ keep: failed });
  if (failed) console.info(`SEED=${seed}; logs in ${system.stack.home}/logs`);
}, 2 * minute);

test.each(steps.map((step) => ({ name: nameOf(step), step })))(
  "nothing is lost or doubled by $name",
  async ({ step }) => {
    try {
      const result = await play(system, step);
      expect(result?.problems).toEqual([]);
      expect(result?.alerts).toBeGreaterThan(0);
    } catch (error) {
      failed = true;
      throw error;
    }
  },
);
