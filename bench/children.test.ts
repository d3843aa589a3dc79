import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { identify, until } from "../localstack/stack/processes.ts";
import { Child, type ChildEvent } from "./children.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tripline-bench-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("Child", () => {
  test("hands on what is an event and nothing else", async () => {
    const events: ChildEvent[] = [];
    const script = `console.log("hello"); console.log('{"event":"first","agent":"profile"}'); console.log('{"event":');`;
    const child = new Child("talker", {
      command: process.execPath,
      args: ["-e", script],
      logFile: join(folder, "log"),
      onEvent: (event) => events.push(event),
    });
    expect(await child.ended).toBe("ended with code 0");
    expect(events).toEqual([{ event: "first", agent: "profile" }]);
    await expect(child.throwIfEnded()).rejects.toMatchObject({ code: "CONTESTANT_FAILED" });
  });

  test("is asked to end by the end of its input", async () => {
    const child = new Child("cat", { command: "cat", args: [], logFile: join(folder, "log") });
    await child.end();
    expect(await child.ended).toBe("ended with code 0");
  });

  test("says with its last words why it ended", async () => {
    const child = new Child("broken", {
      command: "sh",
      args: ["-c", "echo no such topic >&2; exit 3"],
      logFile: join(folder, "log"),
    });
    await child.ended;
    await expect(child.throwIfEnded()).rejects.toThrow(/ended with code 3:\nno such topic/);
  });

  test("does not outlive a benchmark that is killed", async () => {
    const pidFile = join(folder, "pid");
    const script = `
      import { writeFileSync } from "node:fs";
      import { Child } from ${JSON.stringify(join(import.meta.dirname, "children.ts"))};
      const child = new Child("sleeper", { command: "sleep", args: ["300"], logFile: ${JSON.stringify(join(folder, "log"))} });
      writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
      setInterval(() => {}, 1_000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: "ignore",
    });
    const pid = () => {
      try {
        return Number(readFileSync(pidFile, "utf8"));
      } catch {
        return 0;
      }
    };
    expect(await until(() => pid() > 0, 20_000)).toBe(true);
    expect(identify(pid())).toBeDefined();
    parent.kill("SIGKILL");
    expect(await until(() => identify(pid()) === undefined, 10_000)).toBe(true);
  }, 40_000);
});
