import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { identify, type ProcessIdentity } from "./processes.ts";
import { paths, readSettings, type Settings } from "./settings.ts";
import { readLiveState, readState, type StackState, writeState } from "./state.ts";

/** Other processes take part here, and a busy machine starts them slowly. */
jest.setTimeout(60_000);

let settings: Settings;
beforeEach(() => {
  settings = readSettings({ TRIPLINE_HOME: mkdtempSync(join(tmpdir(), "tripline-state-")) });
});
afterEach(() => rmSync(settings.home, { recursive: true, force: true }));

const state = (change: Partial<StackState> = {}): StackState => ({
  supervisor: identify(process.pid) as ProcessIdentity,
  mode: "native",
  portOffset: 0,
  parts: {},
  declared: {},
  ready: true,
  stopping: false,
  ...change,
});

test("what was written is read back", () => {
  writeState(settings, state());

  expect(readState(settings)).toEqual(state());
  expect(readdirSync(settings.home)).toEqual(["stack.json"]);
});

test("only a living supervisor's report counts as live", () => {
  expect(readLiveState(settings)).toBeUndefined();

  writeState(settings, state());
  expect(readLiveState(settings)).toEqual(state());

  writeState(settings, state({ supervisor: { pid: process.pid, startedAt: "1" } }));
  expect(readLiveState(settings)).toBeUndefined();
  expect(readState(settings)).toBeDefined();
});

test("a damaged file is as none", () => {
  writeFileSync(paths(settings).state, '{"supervisor":');

  expect(readState(settings)).toBeUndefined();
});

test("a reader never sees half of it, however often it is written", async () => {
  mkdirSync(settings.home, { recursive: true });
  writeState(settings, state());
  const module = join(import.meta.dirname, "state.ts");
  // Texts of very different lengths, so that a half-written one could not be valid JSON.
  const script = `
    import { writeState } from ${JSON.stringify(module)};
    import { paths } from ${JSON.stringify(join(import.meta.dirname, "settings.ts"))};
    for (let n = 0; n < 400; n += 1) writeState(${JSON.stringify({ home: settings.home })}, { filler: "x".repeat(n % 2 ? 10 : 100_000) });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
  const ended = once(child, "exit");
  let reads = 0;
  let failed = 0;
  while (child.exitCode === null) {
    reads += 1;
    if (readState(settings) === undefined) failed += 1;
    await new Promise(setImmediate);
  }
  await ended;

  expect(child.exitCode).toBe(0);
  expect(reads).toBeGreaterThan(10);
  expect(failed).toBe(0);
});
