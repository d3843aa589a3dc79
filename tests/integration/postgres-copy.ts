import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually, type TestStack } from "./stack.ts";

const run = promisify(execFile);

/** A backup of a stack's PostgreSQL: its data folder, copied while the server was stopped. It stands beside it, and goes with the stack. */
export class PostgresCopy {
  readonly #stack: TestStack;
  #data = "";

  constructor(stack: TestStack) {
    this.#stack = stack;
  }

  async take(): Promise<void> {
    const [row] = await this.#stack.query<{ data_directory: string }>("postgres", "show data_directory");
    this.#data = row?.data_directory ?? "";
    await this.#whileStopped("SIGINT", () => copyFolder(this.#data, `${this.#data}.backup`));
  }

  /** Ends PostgreSQL as a power cut would, and puts the copy in the place of its data. */
  async putBack(): Promise<void> {
    await this.#whileStopped("SIGQUIT", async () => {
      await rename(this.#data, `${this.#data}.damaged`);
      await copyFolder(`${this.#data}.backup`, this.#data);
    });
  }

  /** The supervisor, which would start PostgreSQL again at once, looks away meanwhile. */
  async #whileStopped(signal: NodeJS.Signals, work: () => Promise<unknown>): Promise<void> {
    const supervisor = this.#stack.supervisorPid();
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(this.#stack.partPid("postgres"), signal);
      await eventually(() => !existsSync(join(this.#data, "postmaster.pid")) || undefined, "PostgreSQL's end");
      await work();
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await eventually(() => this.#stack.query("mydb", "select 1"), "PostgreSQL after its end");
  }
}

/** With owners and modes: where the tests run as root, PostgreSQL does not. */
async function copyFolder(from: string, to: string): Promise<void> {
  await run("cp", ["-a", from, to]);
}
