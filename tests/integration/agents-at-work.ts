import { connectTo } from "../../localstack/run/database.ts";
import { FunctionHost, functionEnvironment } from "../../localstack/run/functions.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { type AgentName, FailedRecords } from "./failed-records.ts";
import { Ledger } from "./ledger.ts";
import { eventually, TestStack } from "./stack.ts";

/** The stack with the functions of `sls offline`, and what tells whether every record was judged or put aside as it must be. */
export class AgentsAtWork {
  readonly stack = new TestStack();
  readonly pool: Pool = connectTo(this.stack.settings, "mydb");
  readonly ledger = new Ledger(this.stack.settings, this.pool);
  readonly failed = new FailedRecords(this.stack.settings.bootstrapServers);
  readonly #host = new FunctionHost(
    this.stack.settings,
    { ...this.stack.environment, ...functionEnvironment(this.stack.settings, "") },
    (trouble) => console.error(trouble),
  );

  async start(): Promise<void> {
    const up = await this.stack.run("up", "--json");
    if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
    await this.ledger.create();
    await this.failed.start();
    await this.#host.start();
    await this.#host.ready(AbortSignal.timeout(readyTimeoutMs));
  }

  async stop(): Promise<void> {
    await this.#host.stop();
    await this.failed.stop();
    await this.ledger.close();
    await this.pool.end();
    await this.stack.remove();
  }

  /** Waits until each agent has judged as many as it must; fails when it stops short of that, or goes beyond. */
  async allJudged(timeoutMs: number): Promise<void> {
    const left = async () => {
      const { profile, velocity } = await this.ledger.left();
      return profile === 0 && velocity === 0 ? true : undefined;
    };
    await eventually(left, "an end of judging", timeoutMs).catch(async (cause) => {
      throw new Error(`left to judge: ${JSON.stringify(await this.ledger.left())}`, { cause });
    });
  }

  /** The codes of the errors that an agent has logged about a record, each once. */
  causes(agent: AgentName, partition: number, offset: number): string[] {
    const codes = new Set<string>();
    for (const line of this.stack.log("functions").split("\n")) {
      if (!line.startsWith("{") || !line.includes(`"offset":${offset},`)) continue;
      const entry = JSON.parse(line) as { function_name: string; partition: number; offset: number; code: string };
      const isIts = entry.partition === partition && entry.offset === offset;
      if (isIts && entry.function_name.endsWith(`-${agent}Agent`)) codes.add(entry.code);
    }
    return [...codes];
  }

  /** The alerts that each agent has raised about these transactions. */
  async alertsSince(transactionId: number): Promise<{ profile: number; velocity: number }> {
    const { rows } = await this.pool.query<{ profile: number; velocity: number }>(
      `select count(*) filter (where agent = 'profile') as profile, count(*) filter (where agent = 'velocity') as velocity
       from fraud.alerts where transaction_id >= $1`,
      [transactionId],
    );
    return rows[0] ?? { profile: 0, velocity: 0 };
  }
}

const readyTimeoutMs = 90_000;
