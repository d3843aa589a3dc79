// npm test: types, lint, and the tests, with one line of counts at the end. With a name (unit, plugin, integration, deployment, chaos)
// that part alone.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");
const wanted = process.argv[2];
const parts = ["unit", "plugin", "integration", "deployment", "chaos"] as const;
if (wanted !== undefined && !parts.some((part) => part === wanted)) {
  console.error(`'${wanted}' is none of the parts: ${parts.join(", ")}. Without a name, all run.`);
  process.exit(2);
}

const counts = { passed: 0, failed: 0 };

function run(title: string, script: string, args: string[], env: NodeJS.ProcessEnv = {}): boolean {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(process.execPath, [join(projectRoot, "node_modules", script), ...args], {
    cwd: projectRoot,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status === 0;
}

/** A check counts as one test. */
function check(title: string, script: string, args: string[]): void {
  counts[run(title, script, args) ? "passed" : "failed"]++;
}

function jest(project: string, args: string[] = []): void {
  const folder = mkdtempSync(join(tmpdir(), "tripline-test-"));
  const outputFile = join(folder, "result.json");
  try {
    const ok = run(
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
    };
    counts.passed += result.numPassedTests;
    // A suite that could not even be loaded has no tests to count as failed, but it did fail.
    counts.failed += Math.max(result.numFailedTests + result.numRuntimeErrorTestSuites, ok ? 0 : 1);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    counts.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const runs = (part: (typeof parts)[number]) => wanted === undefined || wanted === part;

if (runs("unit")) {
  check("types", "typescript/bin/tsc", ["--noEmit"]);
  check("lint and format", "@biomejs/biome/bin/biome", ["check", "."]);
  jest("unit");
}
// One after another: they share the machine's ports and cores.
if (runs("plugin")) jest("plugin", ["--runInBand"]);
if (runs("integration")) jest("integration", ["--runInBand"]);
if (runs("deployment")) jest("deployment", ["--runInBand"]);
if (runs("chaos")) jest("chaos", ["--runInBand"]);

console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
