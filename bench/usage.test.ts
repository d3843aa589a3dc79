import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { cpuSeconds, cpuSecondsWithoutChildren, memoryPeakBytes } from "./usage.ts";

/** Burns 0.3 s of CPU in a child of its own, says so, and stays. */
const burner = `
  const { spawnSync } = require("node:child_process");
  const burn = "while (process.cpuUsage().user < 300_000);";
  spawnSync(process.execPath, ["-e", burn]);
  console.log("burnt");
  setInterval(() => {}, 1000);`;

// What is read is in Linux's /proc, and the benchmark says that it needs that.
(process.platform === "linux" ? describe : describe.skip)("what a process used", () => {
  test("is counted with its children, those that have ended as well", async () => {
    const child = spawn(process.execPath, ["-e", burner], { stdio: ["ignore", "pipe", "ignore"] });
    const pid = child.pid ?? 0;
    await once(child.stdout, "data");
    const [all, own] = [cpuSeconds(pid), cpuSecondsWithoutChildren(pid)];
    child.kill();

    expect(all - own).toBeGreaterThan(0.25);
    expect(own).toBeLessThan(all);
  }, 60_000);

  test("has a peak of memory", () => {
    expect(memoryPeakBytes(process.pid)).toBeGreaterThan(10e6);
  });

  test("is nothing for a process that is not there", () => {
    expect([cpuSeconds(0), cpuSecondsWithoutChildren(0), memoryPeakBytes(0)]).toEqual([0, 0, 0]);
  });
});
