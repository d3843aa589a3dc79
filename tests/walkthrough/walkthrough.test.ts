import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { inContainer } from "../../localstack/cli/kafka/run-tool.ts";
import { toolNamed } from "../../localstack/cli/kafka/tools.ts";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { eventually, TestStack } from "../integration/stack.ts";
import { endOf, type Step, showsAll, stepsOf } from "./document.ts";

// docs/walkthrough.md is done from top to bottom, as a student would, on a stack of its own.

const minute = 60_000;
jest.setTimeout(4 * minute);

// It runs while the other suites do.
const stack = new TestStack(18_000);
const steps = stepsOf(readFileSync(join(projectRoot, "docs/walkthrough.md"), "utf8"));

/** The page has the standard ports; this stack has others. */
const here = (command: string) => command.replaceAll("127.0.0.1:8083", `127.0.0.1:${stack.settings.ports.connect}`);

class Terminal {
  readonly #child: ChildProcess;
  /** Up to where it has been compared. */
  #seen = 0;
  output = "";

  constructor(command: string) {
    // A terminal shows standard output and errors together, and gives Ctrl-C to all that run in it.
    this.#child = spawn("bash", ["-c", `exec 2>&1\n${here(command)}`], {
      cwd: projectRoot,
      env: { ...stack.environment, PATH: `${join(projectRoot, "node_modules/.bin")}:${process.env["PATH"]}` },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    this.#child.stdout?.on("data", (chunk) => {
      this.output += stripVTControlCharacters(String(chunk));
    });
  }

  async end(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
    return this.#child.exitCode;
  }

  async interrupt(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return;
    process.kill(-this.#child.pid, "SIGINT");
    await this.end();
  }

  async shows(shown: string): Promise<void> {
    await eventually(() => {
      const end = endOf(this.output, this.#seen, shown);
      if (end !== undefined) this.#seen = end;
      return end;
    }, "what the second terminal is to show").catch(() => {
      throw new Error(`The second terminal is to show\n${shown}\n\nand has shown\n${this.output.slice(this.#seen)}`);
    });
  }
}

let second: Terminal | undefined;

afterAll(async () => {
  await second?.interrupt();
  await stack.remove();
}, 2 * minute);

/** A step that did not go well makes those after it pointless. */
let hasFailed = false;
beforeAll(() => {
  expect(steps.length).toBeGreaterThan(30);
});

describe("docs/walkthrough.md", () => {
  test.each(steps.map((step) => [`line ${step.line}: ${titleOf(step)}`, step] as const))("%s", async (_, step) => {
    if (hasFailed) throw new Error("A step before it failed.");
    hasFailed = true;
    await carryOut(step);
    hasFailed = false;
  });
});

async function carryOut(step: Step): Promise<void> {
  if (step.kind === "interrupt") {
    await second?.interrupt();
    second = undefined;
  } else if (step.kind === "watch") {
    await second?.shows(step.shows);
  } else if (step.background) {
    second = new Terminal(step.command);
    if (step.shows !== undefined) await second.shows(step.shows);
  } else {
    const terminal = new Terminal(step.command);
    const code = await terminal.end();
    const isAsShown = showsAll(terminal.output, step.shows ?? "");
    if (!isAsShown) {
      throw new Error(`It printed\n${terminal.output}\n\nand the page shows\n${step.shows ?? "(nothing)"}`);
    }
    expect(code).toBe(0);
  }
}

function titleOf(step: Step): string {
  if (step.kind === "interrupt") return "Ctrl-C in the second terminal";
  if (step.kind === "watch") return "the second terminal";
  return step.command.split("\n").at(-1) ?? "";
}

/** What one would type where the stack runs in containers, from what one types here. */
function byHandOf(command: string): string | undefined {
  const [, piped, word = "", rest = ""] = /^(.* \| )?npx tripline (\S+) ?(.*)$/s.exec(command) ?? [];
  const tool = toolNamed(word);
  if (tool !== undefined) {
    const words = inContainer(tool, rest === "" ? [] : rest.split(" "));
    return ["docker compose exec", ...(piped === undefined ? [] : ["--no-TTY"]), "kafka", ...words].join(" ");
  }
  if (word !== "psql") return undefined;
  const [, database = "mydb", options] = /^(\w+ )?(-.*)$/s.exec(rest) ?? [];
  return `docker compose exec postgres psql --username=postgres --dbname=${database.trim()} ${options}`;
}

test("every step has beside it what it is in containers", () => {
  for (const step of steps) {
    if (step.kind !== "run" || step.command.includes("\n")) continue;
    expect([step.line, step.byHand]).toEqual([step.line, byHandOf(step.command)]);
  }
});
