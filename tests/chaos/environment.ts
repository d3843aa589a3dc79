import type { Agent } from "../../shared/agents/agent.ts";
import { agentHandler } from "../../shared/agents/handler.ts";
import type { KafkaBatchResponse, LambdaHandler } from "../../shared/lambda/index.ts";
import { connectPostgres, type Pool } from "../../shared/postgres/index.ts";
import type { Database } from "./database.ts";
import { type Fate, TcpProxy } from "./proxy.ts";

/** What happens to an environment during an invocation. */
export type Trouble =
  /** At the n-th piece of what it says to PostgreSQL. */
  | ({ at: number } & (
      | { kind: Exclude<Fate, "pass"> }
      /** The server ends its session. */
      | { kind: "terminate" }
      /** It stands still, with its transaction open and its locks held. */
      | { kind: "freeze"; ms: number }
    ))
  /** PostgreSQL refuses a row in the middle of a statement, or the transaction at its COMMIT. */
  | { kind: "refuse"; what: "alert" | "change" | "commit" };

/** Triggers that refuse what `chaos.refusals` names, by the session's application_name. */
export async function installRefusals(control: Pool): Promise<void> {
  await control.query(`
    create schema chaos;
    create table chaos.refusals (session text, what text);
    create function chaos.refuse() returns trigger language plpgsql as $$
      begin
        if exists (select from chaos.refusals where session = current_setting('application_name') and what = tg_argv[0]) then
          raise 'no %', tg_argv[0] using errcode = 'disk_full';
        end if;
        return new;
      end $$;
    create trigger refuse_alert before insert on fraud.alerts
      for each row when (new.transaction_id % 3 = 0) execute function chaos.refuse('alert');
    create trigger refuse_change before insert on fraud.changes for each row execute function chaos.refuse('change');
    create constraint trigger refuse_commit after update on fraud.progress deferrable initially deferred
      for each row execute function chaos.refuse('commit');
  `);
}

let environments = 0;

/** An execution environment of an agent: the handler, its one connection, and a network between them that can fail. */
export class Environment {
  readonly #name = `environment-${++environments}`;
  readonly #proxy: TcpProxy;
  readonly #pool: Pool;
  readonly #control: Pool;
  readonly #handler: LambdaHandler<KafkaBatchResponse>;
  /** Lambda gives an environment one event at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #trouble: Trouble | undefined;
  #said = 0;
  #terminated: Promise<unknown> = Promise.resolve();

  /** @param control a connection that does not go through the proxy */
  static async open(agent: Agent, { settings }: Database, control: Pool): Promise<Environment> {
    let environment: Environment | undefined;
    const proxy = await TcpProxy.open({
      targetPort: settings.postgres.port,
      fate: () => environment?.fateOfNext() ?? "pass",
    });
    environment = new Environment(agent, proxy, settings.postgres, control);
    return environment;
  }

  private constructor(agent: Agent, proxy: TcpProxy, server: { user: string; password: string }, control: Pool) {
    this.#proxy = proxy;
    this.#control = control;
    this.#pool = connectPostgres({
      ...server,
      host: "127.0.0.1",
      port: proxy.port,
      database: "mydb",
      tls: false,
      applicationName: this.#name,
    });
    this.#handler = agentHandler(agent, { pool: this.#pool });
  }

  /** Rejects with what the trouble made of it; whether the batch was judged is then unknown, as in Lambda. */
  invoke(event: unknown, trouble?: Trouble): Promise<KafkaBatchResponse> {
    const answer = this.#last.then(async () => {
      if (trouble?.kind === "refuse") {
        await this.#control.query("insert into chaos.refusals values ($1, $2)", [this.#name, trouble.what]);
      }
      this.#trouble = trouble;
      this.#said = 0;
      try {
        // Without time left it does not wait for the end of an outage, but fails.
        return await this.#handler(event, { getRemainingTimeInMillis: () => 0 });
      } finally {
        this.#trouble = undefined;
        this.#proxy.flow();
        await this.#terminated;
        if (trouble?.kind === "refuse") {
          await this.#control.query("delete from chaos.refusals where session = $1", [this.#name]);
        }
      }
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#pool.end();
    await this.#proxy.close();
  }

  fateOfNext(): Fate {
    const trouble = this.#trouble;
    if (trouble === undefined || trouble.kind === "refuse" || this.#said++ !== trouble.at) return "pass";
    if (trouble.kind === "freeze") {
      this.#proxy.stall();
      setTimeout(() => this.#proxy.flow(), trouble.ms);
    } else if (trouble.kind === "terminate") {
      // Waits for the end of the session, so that it is not the next invocation that is hit.
      this.#terminated = this.#control.query(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1",
        [this.#name],
      );
    } else return trouble.kind;
    return "pass";
  }
}
