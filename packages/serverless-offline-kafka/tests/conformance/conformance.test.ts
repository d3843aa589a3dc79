import { afterAll, beforeAll, describe, test } from "@jest/globals";
import "./cases/all.ts";
import { declaredCases } from "./conformance.ts";
import { FEATURES } from "./features.ts";
import { Case, Stage } from "./harness.ts";
import { caseTitle } from "./table.ts";

/** For Kafka and a local AWS, the first time that this machine starts them. */
const START_MS_MAX = 180_000;
const CASE_MS_MAX = 120_000;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start();
}, START_MS_MAX);

afterAll(() => stage?.stop(), START_MS_MAX);

describe.each(FEATURES.map(({ id }) => id))("%s", (feature) => {
  for (const { isFailing, run, sentence } of declaredCases.filter((declared) => declared.feature === feature)) {
    const runCase = async () => {
      const t = new Case(stage);
      try {
        await run(t);
      } finally {
        await t.close();
      }
    };
    (isFailing ? test.failing : test)(caseTitle(sentence, isFailing), runCase, CASE_MS_MAX);
  }
});
