// Tripline: the agents' own functions behind the event source mapping, with their state and alerts in PostgreSQL.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Format } from "esbuild";
import { parse } from "yaml";
import { connectTo } from "../../localstack/run/database.ts";
import { nodeOptions } from "../../localstack/run/functions.ts";
import { paths, projectRoot, type Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { Child } from "../children.ts";
import type { AgentName } from "../reference.ts";
import type { Contestant, Drain, Ground, RunningDrain } from "./contestant.ts";
import type { TriplineTask } from "./tripline-process.ts";

export interface TriplineOptions {
  /** Where a function runs: in a worker thread for each invocation at once, as `sls offline` has it, or in the mapping's thread. */
  readonly handlerIn: "worker" | "process";
  /** With several agents: a process for each, or all in one, as `sls offline` has it. */
  readonly processes: "each" | "one";
  /** Event pollers of a mapping, in place of the bounds in serverless.yml. */
  readonly pollers?: number | undefined;
  /** Where a profile of the CPU is left. */
  readonly profileFolder?: string | undefined;
}

const functionOf = { profile: "profileAgent", velocity: "velocityAgent" } as const satisfies Record<AgentName, string>;

/** What serverless.yml says of the agents, as far as it is needed. */
interface Service {
  readonly functions: Record<
    string,
    {
      readonly memorySize: number;
      readonly timeout: number;
      readonly events: [{ readonly msk: { batchSize: number } }];
    }
  >;
  readonly custom: {
    readonly agentMapping: { readonly Properties: AgentMapping };
    /** Environments that a function may have on one machine. */
    readonly "serverless-offline-kafka": { readonly environments?: number };
    readonly esbuild: {
      readonly target: string;
      readonly format: Format;
      readonly mainFields: string[];
      readonly outputFileExtension: string;
    };
  };
}

interface AgentMapping {
  readonly MaximumBatchingWindowInSeconds: number;
  readonly ProvisionedPollerConfig: { readonly MinimumPollers: number; readonly MaximumPollers: number };
}

export function tripline(options: TriplineOptions): Contestant {
  return {
    name: "tripline",
    title: "Tripline",
    prepare: bundle,
    start: (ground, drain) => start(options, ground, drain),
  };
}

const bundles = (settings: Settings) => join(settings.home, "functions");

async function readService(): Promise<Service> {
  // CloudFormation's tags (!Ref) are unknown to the parser, which takes them for what they stand on.
  return parse(await readFile(join(projectRoot, "serverless.yml"), "utf8"), { logLevel: "error" }) as Service;
}

/** Bundles the functions as serverless-esbuild does. */
async function bundle({ settings }: Ground): Promise<void> {
  const { target, format, mainFields, outputFileExtension } = (await readService()).custom.esbuild;
  await build({
    entryPoints: Object.values(functionOf).map((name) => join(projectRoot, "functions", name, "index.ts")),
    outbase: projectRoot,
    outdir: bundles(settings),
    bundle: true,
    platform: "node",
    target,
    format,
    mainFields,
    outExtension: { ".js": outputFileExtension },
    sourcemap: "linked",
    logLevel: "error",
  });
}

async function start(options: TriplineOptions, { settings }: Ground, drain: Drain): Promise<RunningDrain> {
  const pool = connectTo(settings, "mydb");
  await empty(pool);
  const { functions, custom } = await readService();
  const { Properties: mapping } = custom.agentMapping;
  const task = (agents: readonly AgentName[]): TriplineTask => ({
    bootstrapServers: settings.bootstrapServers,
    topic: drain.topic.name,
    servicePath: bundles(settings),
    handlerIn: options.handlerIn,
    environment: environment(settings),
    environmentsMax: custom["serverless-offline-kafka"].environments,
    mappings: agents.map((agent) => {
      const { timeout, events } = functions[functionOf[agent]] as Service["functions"][string];
      return {
        agent,
        functionKey: functionOf[agent],
        groupId: `${drain.id}-${agent}`,
        timeoutSeconds: timeout,
        batchSize: events[0].msk.batchSize,
        windowMs: mapping.MaximumBatchingWindowInSeconds * 1000,
        pollersMin: options.pollers ?? mapping.ProvisionedPollerConfig.MinimumPollers,
        pollersMax: options.pollers ?? mapping.ProvisionedPollerConfig.MaximumPollers,
      };
    }),
  });
  await mkdir(paths(settings).logs, { recursive: true });
  const groups = options.processes === "one" ? [drain.agents] : drain.agents.map((agent) => [agent]);
  const processes = groups.map(
    (agents) =>
      new Child(`Tripline (${agents.join(" and ")})`, {
        command: process.execPath,
        args: [
          ...(options.profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profileFolder}`]),
          ...nodeOptions,
          join(import.meta.dirname, "tripline-process.ts"),
          JSON.stringify(task(agents)),
        ],
        cwd: bundles(settings),
        logFile: paths(settings).log("tripline"),
        onEvent: drain.onEvent,
      }),
  );
  return {
    processes,
    // The watermark moves in the transaction that stores the batch's state and alerts.
    done: async () => {
      const { rows } = await pool.query<{ agent: string; done: number }>(
        "select agent, sum(next_offset)::bigint as done from fraud.progress where topic = $1 group by agent",
        [drain.topic.name],
      );
      return drain.agents.map((agent) => rows.find((row) => row.agent === agent)?.done ?? 0);
    },
    alerts: async (agent) => {
      const { rows } = await pool.query<{ ids: string | null }>(
        "select string_agg(transaction_id::text, ',') as ids from fraud.alerts where agent = $1",
        [agent],
      );
      return rows[0]?.ids?.split(",").map(Number) ?? [];
    },
    end: async () => {
      await Promise.all(processes.map((child) => child.end()));
      await pool.end();
    },
  };
}

/** As on the first day, with nothing of the run before left for PostgreSQL to write down. */
async function empty(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ tables: string }>(
    "select string_agg(format('%I.%I', schemaname, tablename), ', ') as tables from pg_tables where schemaname = 'fraud'",
  );
  await pool.query(`truncate ${rows[0]?.tables}`);
  await pool.query("checkpoint");
}

/** What serverless.yml gives the functions of the local stage. */
function environment({ postgres }: Settings): Record<string, string> {
  return {
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGUSER: postgres.user,
    PGPASSWORD: postgres.password,
    PGDATABASE: "mydb",
  };
}
