import { randomUUID } from "node:crypto";
import type { CommandName } from "./admin/commands.ts";
import { COMMANDS, runCommand } from "./admin/commands.ts";
import type { AdminEndpoint } from "./admin/server.ts";
import { openAdmin } from "./admin/server.ts";
import { paintFor } from "./admin/table.ts";
import type { MappingConfig, ServiceDescription } from "./config/mappings.ts";
import { readMappings } from "./config/mappings.ts";
import { readSettings } from "./config/settings.ts";
import type { Mapping } from "./delivery/mapping.ts";
import { MappingError } from "./errors.ts";
import { ConcurrencyLimit, InvokerPool } from "./host/invoker-pool.ts";
import { isDebugging, LambdaInvoker } from "./host/lambda-invoker.ts";
import type { Log } from "./open-mapping.ts";
import { openMapping } from "./open-mapping.ts";

/** AWS's default for a function's timeout, and osls's. */
const FUNCTION_TIMEOUT_SECONDS_DEFAULT = 6;
/** How long Ctrl-C waits for a running batch. A second one does not wait. */
const DRAIN_MS_MAX = 30_000;
/**
 * In process, a breakpoint stops the heartbeats too; after a session the batch would come again. As long as every broker
 * allows (Redpanda's most; Kafka's is half an hour).
 */
const DEBUG_SESSION_TIMEOUT_MS = 300_000;

interface FunctionDefinition {
  /** On AWS. The framework sets it for every function. */
  readonly name?: string;
  readonly timeout?: number;
  readonly reservedConcurrency?: number;
}

/** The part of the framework that is used here. */
interface Serverless {
  readonly service: {
    /** Its name. */
    readonly service: string;
    readonly provider: { readonly region?: string; readonly timeout?: number };
    readonly custom?: Readonly<Record<string, unknown>>;
    readonly resources?: unknown;
    getAllFunctions(): readonly string[];
    getFunction(key: string): FunctionDefinition;
    getAllEventsInFunction(key: string): readonly unknown[] | undefined;
  };
  readonly pluginManager: { readonly plugins: readonly object[] };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  getProvider(name: "aws"): {
    readonly naming: {
      getMSKEventLogicalId(functionKey: string, clusterToken: string, topic: string): string;
      getKafkaEventLogicalId(functionKey: string, topic: string): string;
      getLambdaLogicalId(functionKey: string): string;
      getStackName(): string;
    };
  };
}

type Options = Readonly<Record<string, unknown>>;

interface RunningMapping {
  readonly config: MappingConfig;
  readonly mapping: Mapping;
  readonly invoker: InvokerPool;
}

/** Runs the Kafka event source mappings of a service for as long as serverless-offline runs. */
export default class ServerlessOfflineKafka {
  readonly commands = COMMANDS;
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #cliOptions: Options;
  readonly #log: Log;
  #mappings: readonly MappingConfig[] = [];
  #admin: AdminEndpoint | undefined;
  #running: readonly RunningMapping[] = [];

  constructor(serverless: Serverless, cliOptions: Options, { log }: { readonly log: Log }) {
    this.#serverless = serverless;
    this.#cliOptions = cliOptions;
    this.#log = log;
    // Before and after, so that the order of the plugins in serverless.yml does not matter: serverless-offline's own
    // `end` hook leaves the process.
    this.hooks = {
      "before:offline:start:init": async () => this.#prepare(),
      "after:offline:start:init": () => this.#start(),
      "before:offline:start:end": () => this.#stop(),
      "before:offline:start": async () => {
        this.#prepare();
        this.#followPlainOffline();
      },
      "offline:functionsUpdated:cleanup": () => this.#reload(),
      ...Object.fromEntries(
        Object.keys(COMMANDS.offline.commands.kafka.commands).map((name) => [
          `offline:kafka:${name}:run`,
          () => this.#runCommand(name as CommandName),
        ]),
      ),
    };
  }

  /** Plain `offline` starts, waits and leaves the process within one hook, by these two methods of its plugin. */
  #followPlainOffline(): void {
    const offline = this.#serverless.pluginManager.plugins.find(
      (plugin): plugin is OfflinePlugin => plugin.constructor.name === "ServerlessOffline" && "end" in plugin,
    );
    if (offline === undefined) {
      this.#log.warning("Kafka: serverless-offline is not among the plugins; no mapping is started");
      return;
    }
    const start = offline.start.bind(offline);
    const end = offline.end.bind(offline);
    offline.start = async () => {
      await start();
      await this.#start();
    };
    offline.end = async (skipExit) => {
      await this.#stop();
      await end(skipExit);
    };
  }

  /** Before anything listens on a port, so that wrong configuration ends the process. */
  #prepare(): void {
    const { mappings, warnings } = this.#readMappings();
    for (const warning of warnings) this.#log.warning(`Kafka: ${warning}`);
    for (const { enabled, functionKey, topic } of mappings) {
      if (!enabled) this.#log.notice(`Kafka: ${functionKey}: ${topic}, not enabled`);
    }
    this.#mappings = mappings;
  }

  async #start(): Promise<void> {
    const enabled = this.#mappings.filter((config) => config.enabled);
    if (enabled.length === 0) return;
    // Here and not above: serverless-offline is a peer, and without mappings it is not ours to load.
    const { default: Lambda } = await import("serverless-offline/lambda");
    const { environmentsMax } = readSettings(this.#serverless.service.custom);
    const limits = new Map<string, ConcurrencyLimit>();
    const debugsInProcess = isDebugging() && Boolean(this.#lambdaOptions()["useInProcess"]);
    this.#running = enabled.map((config) => {
      const { functionKey } = config;
      const definition = this.#serverless.service.getFunction(functionKey);
      const limit =
        limits.get(functionKey) ?? new ConcurrencyLimit(definition.reservedConcurrency ?? Number.POSITIVE_INFINITY);
      limits.set(functionKey, limit);
      const environment = () => this.#environment(Lambda, functionKey, definition);
      const invoker = new InvokerPool(limit, environment, environmentsMax);
      const mapping = openMapping(config, {
        ...{ invoker, log: this.#log, region: this.#region },
        ...(debugsInProcess && { sessionTimeoutMs: DEBUG_SESSION_TIMEOUT_MS }),
      });
      return { config, invoker, mapping };
    });
    for (const { mapping } of this.#running) mapping.start();
    await this.#openAdmin();
  }

  async #openAdmin(): Promise<void> {
    const { adminPort } = readSettings(this.#serverless.service.custom);
    if (adminPort === undefined) return;
    this.#admin = await openAdmin({
      port: adminPort,
      service: this.#serverless.service.service,
      mappings: this.#mappings.map((config) => ({
        config,
        mapping: this.#running.find((running) => running.config === config)?.mapping,
      })),
      log: this.#log,
    });
  }

  async #runCommand(name: CommandName): Promise<void> {
    try {
      await runCommand(name, this.#cliOptions, {
        service: this.#serverless.service.service,
        settings: readSettings(this.#serverless.service.custom),
        readMappings: () => readMappings(this.#describeService()).mappings,
        // Until it is written: a long text to a pipe may otherwise be cut when the process ends.
        write: (text) => new Promise((resolve) => process.stdout.write(text, () => resolve())),
        paint: paintFor(process.stdout),
        sampling: { log: this.#log, region: this.#region },
      });
    } catch (error) {
      throw this.#forFramework(error);
    }
  }

  /** One execution environment of a function, by serverless-offline. */
  #environment(
    Lambda: typeof import("serverless-offline/lambda").default,
    functionKey: string,
    functionDefinition: FunctionDefinition,
  ): LambdaInvoker {
    const options = this.#lambdaOptions();
    const lambda = new Lambda(this.#serverless, { ...options, noTimeout: true });
    lambda.create([{ functionKey, functionDefinition }]);
    return new LambdaInvoker({
      lambda,
      functionKey,
      timeoutMs: options["noTimeout"] ? undefined : this.#timeoutSeconds(functionDefinition) * 1_000,
      inWorker: !options["useInProcess"] && !options["useDocker"],
      reloadHandler: Boolean(options["reloadHandler"]),
    });
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    if (running.length === 0) return;
    await this.#admin?.close();
    const busy = running.filter(({ mapping }) => !mapping.isIdle()).length;
    if (busy > 0) {
      this.#log.notice(
        `Kafka: waiting up to ${DRAIN_MS_MAX / 1_000} s for ${busy} running batches; Ctrl-C again to leave them`,
      );
    }
    const giveUp = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp.resolve, DRAIN_MS_MAX);
    process.once("SIGINT", () => giveUp.resolve());
    await Promise.all(running.map(({ mapping }) => mapping.stop(giveUp.promise)));
    clearTimeout(timer);
    await Promise.all(running.map(({ invoker }) => invoker.reset()));
    this.#log.notice("Kafka: consumers have left their groups");
  }

  /** A worker that is ended in the middle of a call loses it, so the new code waits for the running batch. */
  async #reload(): Promise<void> {
    await Promise.all(this.#running.map(({ mapping, invoker }) => mapping.whileQuiet(() => invoker.reset())));
  }

  #readMappings(): ReturnType<typeof readMappings> {
    try {
      return readMappings(this.#describeService());
    } catch (error) {
      throw this.#forFramework(error);
    }
  }

  /** The framework prints its own errors without a stack, and without their code. */
  #forFramework(error: unknown): unknown {
    if (!(error instanceof MappingError)) return error;
    return new this.#serverless.classes.Error(`${error.code}: ${error.message}`, error.code);
  }

  #describeService(): ServiceDescription {
    const { service } = this.#serverless;
    const { naming } = this.#serverless.getProvider("aws");
    return {
      functions: service.getAllFunctions().map((key) => ({
        key,
        name: service.getFunction(key).name ?? key,
        events: service.getAllEventsInFunction(key) ?? [],
        timeoutSeconds: this.#timeoutSeconds(service.getFunction(key)),
      })),
      region: this.#region,
      custom: service.custom,
      resources: service.resources,
      stackName: () => naming.getStackName(),
      lambdaLogicalId: (functionKey) => naming.getLambdaLogicalId(functionKey),
      mskLogicalId: (functionKey, clusterToken, topic) => naming.getMSKEventLogicalId(functionKey, clusterToken, topic),
      kafkaLogicalId: (functionKey, topic) => naming.getKafkaEventLogicalId(functionKey, topic),
      newGroupId: () => randomUUID(),
      nowMs: () => Date.now(),
    };
  }

  get #region(): string {
    return this.#serverless.service.provider.region ?? "us-east-1";
  }

  #timeoutSeconds(definition: FunctionDefinition): number {
    return definition.timeout ?? this.#serverless.service.provider.timeout ?? FUNCTION_TIMEOUT_SECONDS_DEFAULT;
  }

  /** As serverless-offline puts its options together; of its defaults only those that are not just `false`. */
  #lambdaOptions(): Options {
    const custom = this.#serverless.service.custom?.["serverless-offline"];
    return {
      host: "localhost",
      dockerHost: "localhost",
      dockerReadOnly: true,
      layersDir: null,
      localLayers: {},
      ...(custom as Options | undefined),
      ...this.#cliOptions,
    };
  }
}

interface OfflinePlugin {
  start(): Promise<void>;
  end(skipExit?: boolean): Promise<void>;
}
