import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { exclusively, isLock, type Lock, tryLock } from "./lock.ts";
import { until } from "./processes.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Other processes take part here, and a busy machine starts them slowly. */
jest.setTimeout(60_000);

let settings: Settings;
const children: ChildProcess[] = [];

beforeEach(() => {
  settings = readSettings({ TRIPLINE_HOME: join(mkdtempSync(join(tmpdir(), "tripline-lock-")), "home") });
});

afterEach(() => {
  jest.restoreAllMocks();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(join(settings.home, ".."), { recursive: true, force: true });
});

const take = () => {
  const lock = tryLock(settings, "supervisor");
  if (!isLock(lock)) throw new Error(`held by ${lock.pid}`);
  return lock;
};

/** Another process that tries to take the lock and stays; what it says is "true" when it has it. */
async function contend(): Promise<string> {
  const module = join(import.meta.dirname, "lock.ts");
  const script = `
    import { tryLock, isLock } from ${JSON.stringify(module)};
    console.log(isLock(tryLock({ home: ${JSON.stringify(settings.home)} }, "supervisor")));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return line.toString().trim();
}

describe("a lock", () => {
  test("is one process's at a time, and says whose", () => {
    take();

    expect(tryLock(settings, "supervisor")).toMatchObject({ pid: process.pid });
  });

  test("is free again when it is released, any number of times, and leaves one file behind", () => {
    for (let time = 0; time < 5; time += 1) take().release();

    expect(readdirSync(settings.home)).toHaveLength(1);
  });

  test("of one name does not keep another name", () => {
    take();

    expect(isLock(tryLock(settings, "command"))).toBe(true);
  });

  test("goes to exactly one of many that come at once", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, contend));

    expect(answers.filter((answer) => answer === "true")).toHaveLength(1);
  });

  test("of a process that was killed goes to exactly one of many that come at once", async () => {
    await contend();
    const [holder] = children.splice(0) as [ChildProcess];
    holder.kill("SIGKILL");
    await once(holder, "exit");

    const answers = await Promise.all(Array.from({ length: 6 }, contend));

    expect(answers.filter((answer) => answer === "true")).toHaveLength(1);
  });

  test("does not bring back a folder that reset removed", () => {
    const lock: Lock = take();
    rmSync(settings.home, { recursive: true });

    lock.release();

    expect(existsSync(settings.home)).toBe(false);
  });
});

describe("exclusively", () => {
  test("one command after the other, and a failed one lets the next go on", async () => {
    jest.spyOn(console, "error").mockImplementation(() => {});
    const events: string[] = [];
    const command = (name: string) =>
      exclusively(settings, async () => {
        events.push(`${name} begins`);
        await until(() => false, 50);
        events.push(`${name} ends`);
        throw new Error(name);
      });

    const results = await Promise.allSettled(["a", "b", "c"].map(command));

    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected", "rejected"]);
    for (let index = 0; index < events.length; index += 2) {
      expect(events[index]?.replace("begins", "ends")).toBe(events[index + 1]);
    }
    expect(console.error).toHaveBeenCalledWith(`Waiting for another tripline command (pid ${process.pid}) to finish.`);
  });
});
