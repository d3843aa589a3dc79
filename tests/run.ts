// npm test: types, lint, and the tests, with one line of counts at the end. With a name (unit, plugin, integration, walkthrough, browser, deployment,
// chaos) that part alone.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fetchJars } from "../localstack/stack/jars.ts";
import { installAws } from "../localstack/stack/parts/aws.ts";
import { readSettings } from "../localstack/stack/settings.ts";

const projectRoot = join(import.meta.dirname, "..");
const wanted = process.argv[2];
const parts = ["unit", "plugin", "integration", "walkthrough", "browser", "deployment", "chaos"] as const;
type Part = (typeof parts)[number];
if (wanted !== undefined && !parts.some((part) => part === wanted)) {
  console.error(`'${wanted}' is none of the parts: ${parts.join(", ")}. Without a name, all run.`);
  process.exit(2);
}

const counts = { passed: 0, failed: 0 };
/** What failed, to be said once more at the end: between, there are thousands of lines, of two lanes. */
const failures: string[] = [];

interface Lane {
  /** Shows what runs as it runs; of another lane, at the end of each part. */
  readonly live: boolean;
}

/** Runs a script of node_modules to its end. True when it ended well. */
async function run(lane: Lane, title: string, script: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const heading = `\n── ${title}\n`;
  if (lane.live) process.stdout.write(heading);
  const child = spawn(process.execPath, [join(projectRoot, "node_modules", script), ...args], {
    cwd: projectRoot,
    stdio: lane.live ? "inherit" : ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", resolve);
  });
  if (!lane.live) process.stdout.write(heading + Buffer.concat(chunks).toString());
  return code === 0;
}

/** A check counts as one test. */
async function check(lane: Lane, title: string, script: string, args: string[]): Promise<void> {
  const ok = await run(lane, title, script, args);
  counts[ok ? "passed" : "failed"]++;
  if (!ok) failures.push(title);
}

async function jest(lane: Lane, project: Part, args: string[] = []): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tripline-test-"));
  const outputFile = join(folder, "result.json");
  try {
    const ok = await run(
      lane,
      `${project} tests`,
      "jest/bin/jest.js",
      ["--selectProjects", project, "--json", "--outputFile", outputFile, ...args],
      {
        NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --experimental-vm-modules --disable-warning=ExperimentalWarning`,
      },
    );
    const result = JSON.parse(readFileSync(outputFile, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numRuntimeErrorTestSuites: number;
      testResults: readonly {
        name: string;
        status: string;
        assertionResults: readonly { status: string; fullName: string }[];
      }[];
    };
    counts.passed += result.numPassedTests;
    // A suite that could not even be loaded has no tests to count as failed, but it did fail.
    counts.failed += Math.max(result.numFailedTests + result.numRuntimeErrorTestSuites, ok ? 0 : 1);
    const failed = result.testResults.flatMap(({ assertionResults, name, status }) => {
      const file = `${project} tests: ${relative(projectRoot, name)}`;
      const tests = assertionResults.filter((test) => test.status === "failed");
      if (tests.length === 0) return status === "failed" ? [file] : [];
      return tests.map(({ fullName }) => `${file}: ${fullName}`);
    });
    failures.push(...(failed.length === 0 && !ok ? [`${project} tests`] : failed));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    counts.failed++;
    failures.push(`${project} tests`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const runs = (part: Part) => wanted === undefined || wanted === part;

if (runs("unit")) {
  const lane = { live: true };
  await check(lane, "types", "typescript/bin/tsc", ["--noEmit"]);
  await check(lane, "types of the console's page", "typescript/bin/tsc", ["-p", "functions/console/page"]);
  await check(lane, "lint and format", "@biomejs/biome/bin/biome", ["check", "."]);
  await jest(lane, "unit");
}

// What both lanes need is fetched once, before them. What cannot be had fails the tests that need it, and they say why.
if (wanted === undefined) {
  const settings = readSettings();
  await fetchJars(settings).catch(() => {});
  await installAws(settings).catch(() => {});
}

/** Those of the stack one after another, for they share its ports. */
async function stackLane(): Promise<void> {
  for (const part of ["integration", "deployment", "chaos"] as const) {
    if (runs(part)) await jest({ live: true }, part, ["--runInBand"]);
  }
}
/** The plugin has brokers of its own, and the browser and the walkthrough stacks with other ports. */
async function besideLane(): Promise<void> {
  for (const part of ["plugin", "browser", "walkthrough"] as const) {
    if (runs(part)) await jest({ live: wanted === part }, part, ["--runInBand"]);
  }
}
await Promise.all([stackLane(), besideLane()]);

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
