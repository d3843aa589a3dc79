import { expect, test } from "@jest/globals";
import { withDeadline } from "./deadline.ts";

test("gives what the work gives, or its error", async () => {
  await expect(withDeadline(1_000, async () => "done")).resolves.toBe("done");
  await expect(withDeadline(1_000, () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});

test("ends work that never does, and tells it", async () => {
  let told: AbortSignal | undefined;

  const work = withDeadline(20, (signal) => {
    told = signal;
    return new Promise(() => {});
  });

  await expect(work).rejects.toThrow("no answer within 0.02 s");
  expect(told?.aborted).toBe(true);
});
