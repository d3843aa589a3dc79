import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Admin } from "kafkajs";
import { auditTimeoutMs } from "../../localstack/audit/verify.ts";
import { connectTo } from "../../localstack/run/database.ts";
import { AlertReceiver } from "../../localstack/run/receiver.ts";
import { functionPorts } from "../../localstack/stack/declare.ts";
import type { PartName } from "../../localstack/stack/parts/index.ts";
import { paths, type Settings } from "../../localstack/stack/settings.ts";
import { readLiveState } from "../../localstack/stack/state.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { groups } from "../../shared/kafka/topics.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { eventually, TestStack } from "../integration/stack.ts";
import type { Dice } from "./dice.ts";
import { Host, type HostWorld } from "./host.ts";
import { Load } from "./load.ts";
import { readdress, TcpProxy } from "./proxy.ts";

const portOffset = 12_000;
/** The proxies' ports and those of the second function host are this far from what they stand for. */
const besides = 100;

/**
 * The rules as they are judged here: so that some transactions in a hundred are alerts of each agent. With the course's thresholds
 * one in a thousand is, and an agent with a wrong memory would raise the right alerts for a long time.
 */
const rules = {
  PROFILE_AMOUNT_ABOVE: "20.00",
  PROFILE_THRESHOLD: "2.2",
  VELOCITY_COUNT_ABOVE: "8",
  VELOCITY_COUNT_SCORE: "80",
};

export interface SystemOptions {
  dice: Dice;
  rowsPerSecond: number;
  /** Rows that are in the table before anything happens, so that checkpoints come about. */
  rowsBefore: number;
  /** Told of what the system says of itself while it is hurt. */
  onTrouble: (line: string) => void;
}

/** The agents' consumer groups, by function. */
export const agentGroups = { profileAgent: groups.profile, velocityAgent: groups.velocity } as const;

/** The whole system on a stack of its own: servers, functions behind proxies, and transactions. */
export class System {
  readonly stack = new TestStack(portOffset);
  readonly settings: Settings = this.stack.settings;
  /** For the rules, as verify reads them. */
  readonly ruleEnvironment: NodeJS.ProcessEnv = rules;
  /** The ids of the alerts that came out at the end. */
  readonly received = new Set<string>();
  readonly #options: SystemOptions;
  readonly #receiver = new AlertReceiver(({ alertId }) => this.received.add(alertId));
  #parts: Parts | undefined;

  constructor(options: SystemOptions) {
    this.#options = options;
  }

  get pool(): Pool {
    return this.#up.pool;
  }
  get load(): Load {
    return this.#up.load;
  }
  get hosts(): readonly [Host, Host] {
    return this.#up.hosts;
  }
  get proxies(): Parts["proxies"] {
    return this.#up.proxies;
  }

  get #up(): Parts {
    if (this.#parts === undefined) throw new Error("the system is not up");
    return this.#parts;
  }

  /** Brings everything up and waits until the agents read. */
  async start(): Promise<void> {
    const { dice, rowsBefore, rowsPerSecond } = this.#options;
    const up = await this.stack.run("up", "--json");
    if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
    const { ports } = this.settings;
    const proxies = {
      postgres: await TcpProxy.open({ targetPort: ports.postgres, port: ports.postgres + besides }),
      kafka: await TcpProxy.open({
        targetPort: ports.kafka,
        port: ports.kafka + besides,
        answers: readdress(ports.kafka, () => ports.kafka + besides),
      }),
    };
    const pool = connectTo(this.settings, "mydb", { connectionsMax: 6, statementTimeoutMs: auditTimeoutMs });
    const world: HostWorld = {
      postgresPort: proxies.postgres.port,
      kafkaPort: proxies.kafka.port,
      webhookUrl: await this.#receiver.start(),
      rules,
    };
    const hosts = [
      this.#host("functions", this.settings, world),
      this.#host("functions-2", this.#secondSettings(), world),
    ] as const;
    this.#parts = { proxies, pool, hosts, load: new Load(pool, dice, rowsPerSecond) };
    await this.load.insertPast(rowsBefore);
    await hosts[0].start();
    await hosts[0].ready();
  }

  #secondSettings(): Settings {
    const { ports } = this.settings;
    return {
      ...this.settings,
      home: join(this.settings.home, "second"),
      ports: {
        ...ports,
        console: ports.console + besides,
        functionsLambda: ports.functionsLambda + besides,
        functionsAdmin: ports.functionsAdmin + besides,
      },
    };
  }

  #host(name: string, settings: Settings, world: HostWorld): Host {
    mkdirSync(settings.home, { recursive: true });
    const host = new Host(name, settings, world, (line) => this.#options.onTrouble(line));
    const outputs = JSON.parse(readFileSync(paths(this.settings).outputs, "utf8")) as object;
    host.writeOutputs({
      ...outputs,
      postgresPort: String(world.postgresPort),
      bootstrapServers: `127.0.0.1:${world.kafkaPort}`,
      ...functionPorts(settings),
    });
    return host;
  }

  /** Everything answers and the connectors run, as the supervisor sees it. */
  isReady(): boolean {
    return readLiveState(this.settings)?.ready === true && this.hosts[0].pid() !== undefined;
  }

  /** The process of a server, once it has one. */
  async pidOf(part: Exclude<PartName, "aws">): Promise<number> {
    return eventually(() => this.stack.partPid(part), `a process for ${part}`);
  }

  /** Does it again and again while Kafka is away or a group is not yet as it has to be. */
  async withAdmin<T>(what: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    const { bootstrapServers } = this.settings;
    return eventually(
      async () => {
        const admin = connectKafka({ bootstrapServers, clientId: "tripline-chaos", retries: 2 }).admin();
        try {
          await admin.connect();
          return { result: await work(admin) };
        } finally {
          await admin.disconnect().catch(() => {});
        }
      },
      what,
      120_000,
    ).then(({ result }) => result);
  }

  /** Does it again and again while PostgreSQL is away. */
  async sql(what: string, text: string, values: unknown[] = []): Promise<void> {
    await eventually(async () => (await this.pool.query(text, values)) && true, what, 120_000);
  }

  /** A request to Connect's REST API, again and again while it is away or in the middle of a rebalance. */
  async connect(method: string, path: string): Promise<void> {
    const url = `${this.settings.connectUrl}/connectors/fraud-postgres-connector${path}`;
    await eventually(
      async () => {
        const response = await fetch(url, { method, signal: AbortSignal.timeout(10_000) });
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
        return true;
      },
      `Connect's answer to ${method} ${path}`,
      120_000,
    );
  }

  /** @param keep leaves the folder with the logs where it is */
  async stop({ keep }: { keep: boolean }): Promise<void> {
    const parts = this.#parts;
    if (parts !== undefined) {
      await parts.load.abandon();
      parts.proxies.postgres.flow();
      parts.proxies.kafka.flow();
      await Promise.all(parts.hosts.map((host) => host.stop()));
      await parts.pool.end();
      await Promise.all([parts.proxies.postgres.close(), parts.proxies.kafka.close()]);
    }
    await this.#receiver.stop();
    if (keep) await this.stack.run("down", "--json");
    else await this.stack.remove();
  }
}

interface Parts {
  proxies: { postgres: TcpProxy; kafka: TcpProxy };
  pool: Pool;
  hosts: readonly [Host, Host];
  load: Load;
}
