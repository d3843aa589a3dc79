import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import type { Case } from "../harness.ts";
import type { RunningService } from "../service.ts";
import { until } from "../wait.ts";

const topicOf = { throws: "throws", rejects: "rejects", exits: "exits", timesOut: "times-out" } as const;

/**
 * A record that makes the function fail in its way, and one that does not. With one retry the bad one is tried twice and
 * given up. Results in the threads that got the records.
 */
async function failAndGoOn(t: Case, name: keyof typeof topicOf, code: string): Promise<readonly string[]> {
  const service = await t.stage.service();
  await t.produce(topicOf[name], { 0: ["bad", "good"] });
  await service.says(`${name} got good`);
  const got = service.lines(`${name} got`);
  expect(got.map((line) => / got (\w+) in/.exec(line)?.[1])).toEqual(["bad", "bad", "good"]);
  expect(service.lines(`${code}: ${topicOf[name]}-0 offsets 0-0`)).toHaveLength(2);
  return got.map((line) => /thread (\d+)/.exec(line)?.[1] ?? "");
}

conformance("function-error", "a handler that throws has failed, and keeps its environment", async (t) => {
  const threads = await failAndGoOn(t, "throws", "SOK_FUNCTION_FAILED");
  expect(new Set(threads).size).toBe(1);
});

conformance(
  "function-error",
  "an error outside of the handler has failed the batch, and ends the environment",
  async (t) => {
    const threads = await failAndGoOn(t, "rejects", "SOK_FUNCTION_CRASHED");
    expect(new Set(threads).size).toBe(3);
  },
);

conformance("function-error", "a process.exit has failed the batch, and ends the environment", async (t) => {
  const threads = await failAndGoOn(t, "exits", "SOK_FUNCTION_CRASHED");
  expect(new Set(threads).size).toBe(3);
});

conformance(
  "function-error",
  "a function that takes longer than its timeout has failed, and its environment ends",
  async (t) => {
    const threads = await failAndGoOn(t, "timesOut", "SOK_FUNCTION_TIMED_OUT");
    expect(new Set(threads).size).toBe(3);
  },
);

conformance("throttle", "a function with reserved concurrency throttles what is more", async (t) => {
  const service: RunningService = await t.stage.service();
  const folder = await mkdtemp(join(tmpdir(), "sok-conformance-"));
  try {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    await writeFile(second, "");
    await t.produce("throttled", { 0: [first] });
    await service.says(`throttled got ${first}`);
    await t.produce("throttled-too", { 0: [second] });
    await service.says("SOK_FUNCTION_THROTTLED: throttled-too-0 offsets 0-0");
    expect(service.lines(`throttled got ${second}`)).toEqual([]);
    await writeFile(first, "");
    await service.says(`throttled got ${second}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

conformance("enabled", "a mapping that is not enabled reads nothing", async (t) => {
  const service = await t.stage.service();
  await service.says("not enabled");
  const stateOf = async (groupId: string) => (await t.stage.admin.describeGroups([groupId])).groups[0]?.state;
  // The others of the same service are there.
  await until("the enabled mapping is in its group", async () => (await stateOf("throws")) === "Stable" || undefined);
  expect(await stateOf("disabled")).toBe("Dead");
});
