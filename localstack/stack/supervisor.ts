// The process that keeps the local stack running: it starts the servers, brings back one that ends, makes what must
// exist, and keeps the connectors registered. `tripline up` starts it in the background, `tripline down` ends it.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectClient } from "../../shared/connectors/connect-client.ts";
import { ConnectorReconciler, causeOf, connectorsReport } from "../../shared/connectors/reconciler.ts";
import {
  connectorsFor,
  declareAws,
  declareDatabases,
  declareNoAws,
  declareTopics,
  hasAwsResources,
} from "./declare.ts";
import { reasonOf } from "./errors.ts";
import { isLock, tryLock } from "./lock.ts";
import { awsIsInstalled } from "./parts/aws.ts";
import { nativeParts, type Part, type PartName } from "./parts/index.ts";
import type { Command } from "./parts/part.ts";
import { endProcess, identify, isAlive, type ProcessIdentity } from "./processes.ts";
import { loopback, paths, readSettings, type Settings } from "./settings.ts";
import { type DeclarationName, declarations, type PartReport, type StackState, writeState } from "./state.ts";

/** A server that ends by itself is started again after this long, doubled each time up to the maximum. */
const restartDelayMsMin = 500;
const restartDelayMsMax = 15_000;
/** A server that ran this long starts again with the shortest delay. */
const stableAfterMs = 60_000;
/** How often a healthy server is asked whether it still is. */
const checkIntervalMs = 5_000;
/** While a server starts it is asked this often. */
const startingCheckIntervalMs = 100;
/** How often the connectors are compared with what is declared: a deleted one is back within seconds. */
const reconcileIntervalMs = 3_000;
/** Until they run they are looked at this often. */
const startingReconcileIntervalMs = 250;
/** A log above this size is set aside when its server starts, one generation. */
const logBytesMax = 50_000_000;

class Supervisor {
  readonly #settings: Settings;
  readonly #state: StackState;
  readonly #children = new Map<PartName, ChildProcess>();
  readonly #parts: readonly Part[];
  readonly #stopped = new AbortController();
  readonly #preparing = new Map<PartName, Promise<Command>>();
  #ended: Promise<void> | undefined;

  constructor(settings: Settings, mode: StackState["mode"]) {
    this.#settings = settings;
    this.#parts = nativeParts;
    this.#state = {
      supervisor: identify(process.pid) as ProcessIdentity,
      mode,
      portOffset: settings.portOffset,
      parts: Object.fromEntries(this.#parts.map(({ name }) => [name, { state: "waiting", restarts: 0 }])),
      declared: Object.fromEntries(declarations.map((name) => [name, { state: "waiting" }])),
      ready: false,
      stopping: false,
    };
    this.#save();
  }

  async run(): Promise<void> {
    const hasAws = this.#state.mode === "containers" || (await awsIsInstalled(this.#settings));
    if (!hasAws) {
      this.#report("aws", { state: "absent", detail: "needs Python: 'npx tripline doctor' says what to install" });
      this.#declare("aws resources", { state: "absent" });
      await declareNoAws(this.#settings, this.#state.mode);
    }
    const parts = this.#parts.filter((part) => hasAws || part.name !== "aws");
    await Promise.all([
      ...parts.map((part) => this.#keep(part)),
      this.#declareWhen("databases", ["postgres"], () => declareDatabases(this.#settings, log)),
      this.#declareWhen("topics", ["kafka"], () => declareTopics(this.#settings, log)),
      ...(hasAws ? [this.#keepAws()] : []),
      this.#keepConnectors(),
    ]);
  }

  /** Ends every server, those that need others first. Asked again, it waits for the same end. */
  stop(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#state.stopping = true;
    this.#state.ready = false;
    this.#stopped.abort();
    this.#save();
    // What formats a data folder would go on without us, and into a folder that the next start removes.
    await Promise.allSettled(this.#preparing.values());
    const dependents = this.#parts.filter((part) => part.needs.length > 0);
    const others = this.#parts.filter((part) => part.needs.length === 0);
    for (const group of [dependents, others]) {
      await Promise.all(
        group.map(async (part) => {
          const identity = this.#state.parts[part.name]?.process;
          if (isAlive(identity)) await endProcess(identity, part.stopSignal);
          this.#report(part.name, { state: "stopped" });
        }),
      );
    }
  }

  /** Starts a server and starts it again whenever it ends, until the stack stops. */
  async #keep(part: Part): Promise<void> {
    if (!(await this.#waitFor(part.needs))) return;
    if (this.#state.mode === "containers") return this.#watch(part);
    let delayMs = restartDelayMsMin;
    while (!this.#isStopping()) {
      const startedAtMs = Date.now();
      this.#report(part.name, { state: "starting", startedAtMs });
      const reason = await this.#runOnce(part);
      if (this.#isStopping()) return;
      const ranLong = Date.now() - startedAtMs > stableAfterMs;
      delayMs = ranLong ? restartDelayMsMin : Math.min(delayMs * 2, restartDelayMsMax);
      const restarts = (this.#state.parts[part.name]?.restarts ?? 0) + 1;
      log(`${part.name}: ${reason}; starting it again in ${delayMs} ms (restart ${restarts})`);
      this.#report(part.name, { state: "restarting", detail: reason, restarts });
      await this.#pause(delayMs);
    }
  }

  /** One life of a server, from its start to its end. Returns why it ended. */
  async #runOnce(part: Part): Promise<string> {
    let child: ChildProcess;
    const logFile = paths(this.#settings).log(part.name);
    try {
      const preparing = part.prepare(this.#settings);
      this.#preparing.set(part.name, preparing);
      const command = await preparing;
      if (this.#isStopping()) return "stopping";
      setAside(logFile);
      // The log is a file of the server's own, not a pipe: it goes on being written if this process is killed.
      const output = openSync(logFile, "a");
      child = spawn(command.file, command.args, {
        cwd: command.cwd,
        env: { ...process.env, ...command.env },
        ...(command.uid === undefined ? {} : { uid: command.uid }),
        ...(command.gid === undefined ? {} : { gid: command.gid }),
        stdio: ["ignore", output, output],
        // Its own group: Ctrl-C in a terminal is not for it.
        detached: true,
      });
      closeSync(output);
    } catch (error) {
      return reasonOf(error);
    }
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
    });
    if (child.pid === undefined) return ended;
    const identity = identify(child.pid);
    this.#children.set(part.name, child);
    this.#report(part.name, identity === undefined ? {} : { process: identity });
    log(`${part.name}: started as pid ${child.pid}`);
    let over = false;
    const end = ended.then((reason) => {
      over = true;
      return reason;
    });
    await Promise.race([end, this.#watch(part, () => over)]);
    const reason = await end;
    return `${reason}, see ${logFile}`;
  }

  /** Follows a server's health while it lives. */
  async #watch(part: Part, isOver: () => boolean = () => false): Promise<void> {
    while (!isOver() && !this.#isStopping()) {
      const healthyBefore = this.#state.parts[part.name]?.state === "healthy";
      try {
        await part.check(this.#settings);
        if (isOver() || this.#isStopping()) return;
        if (!healthyBefore) {
          log(`${part.name}: answers`);
          this.#report(part.name, { state: "healthy" }, ["detail"]);
        }
      } catch (error) {
        if (isOver() || this.#isStopping()) return;
        if (healthyBefore) {
          log(`${part.name}: does not answer: ${reasonOf(error)}`);
          this.#report(part.name, { state: "starting", detail: reasonOf(error) });
        }
      }
      await this.#pause(this.#state.parts[part.name]?.state === "healthy" ? checkIntervalMs : startingCheckIntervalMs);
    }
  }

  async #declareWhen(name: DeclarationName, needs: PartName[], action: () => Promise<void>): Promise<void> {
    while (await this.#waitFor(needs)) {
      try {
        await action();
        this.#declare(name, { state: "done" });
        return;
      } catch (error) {
        if (this.#isStopping()) return;
        log(`${name}: ${reasonOf(error)}`);
        this.#declare(name, { state: "failed", detail: reasonOf(error) });
        await this.#pause(2_000);
      }
    }
  }

  /** The local AWS forgets everything when it ends, so what it has to hold is made again whenever it is missing. */
  async #keepAws(): Promise<void> {
    while (await this.#waitFor(["aws"])) {
      if (!(await hasAwsResources(this.#settings))) {
        this.#declare("aws resources", { state: "waiting" });
        await this.#declareWhen("aws resources", ["aws"], () => declareAws(this.#settings, this.#state.mode, log));
      }
      await this.#pause(reconcileIntervalMs);
    }
  }

  async #keepConnectors(): Promise<void> {
    const isDeclared = () =>
      (["databases", "topics"] as const).every((name) => this.#state.declared[name]?.state === "done");
    while (!isDeclared() && !this.#isStopping()) await this.#pause(50);
    if (!(await this.#waitFor(["connect"]))) return;
    // In containers Connect sees PostgreSQL by its name there.
    const postgres =
      this.#state.mode === "containers"
        ? { host: "postgres", port: 5432 }
        : { host: loopback, port: this.#settings.ports.postgres };
    const declared = await connectorsFor(this.#settings, postgres);
    const client = new ConnectClient(this.#settings.connectUrl);
    const reconciler = new ConnectorReconciler(declared);
    while (!this.#isStopping()) {
      let pauseMs = reconcileIntervalMs;
      try {
        const outcomes = await reconciler.run(client, Date.now());
        for (const { action, error } of outcomes) {
          if (error !== undefined) continue;
          log(
            action.kind === "register"
              ? `connector ${action.name}: ${action.because}, registered`
              : `connector ${action.name}: failed, restarted (attempt ${action.failures}): ${causeOf(action.trace)}`,
          );
        }
        const refused = outcomes.find(({ error }) => error !== undefined);
        if (refused !== undefined) throw refused.error;
        const report = connectorsReport([...declared.keys()], await client.list());
        if (report.state !== "done") pauseMs = startingReconcileIntervalMs;
        this.#declare("connectors", report);
      } catch (error) {
        if (this.#isStopping()) return;
        const detail = reasonOf(error);
        if (this.#state.declared.connectors?.detail !== detail) log(`connectors: ${detail}`);
        this.#declare("connectors", { state: "failed", detail });
      }
      await this.#pause(pauseMs);
    }
  }

  /** True when all of them are healthy; false when the stack stops first. */
  async #waitFor(needs: readonly PartName[]): Promise<boolean> {
    while (!this.#isStopping()) {
      if (needs.every((name) => this.#state.parts[name]?.state === "healthy")) return true;
      await this.#pause(50);
    }
    return false;
  }

  #isStopping(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => {});
  }

  #report(name: PartName, change: Partial<PartReport>, remove: (keyof PartReport)[] = []): void {
    const report = { restarts: 0, state: "waiting" as const, ...this.#state.parts[name], ...change };
    for (const key of remove) delete report[key];
    this.#state.parts[name] = report;
    this.#save();
  }

  #declare(name: DeclarationName, report: NonNullable<StackState["declared"][DeclarationName]>): void {
    const before = JSON.stringify(this.#state.declared[name]);
    this.#state.declared[name] = report;
    if (before !== JSON.stringify(report)) this.#save();
  }

  #save(): void {
    const parts = Object.values(this.#state.parts).every((part) => part.state === "healthy" || part.state === "absent");
    const declared = Object.values(this.#state.declared).every(({ state }) => state === "done" || state === "absent");
    this.#state.ready = !this.#state.stopping && parts && declared;
    try {
      writeState(this.#settings, this.#state);
    } catch (error) {
      // A full disk must not take the stack down; the next change is written again.
      log(`stack.json could not be written: ${reasonOf(error)}`);
    }
  }
}

function setAside(file: string): void {
  try {
    if (statSync(file).size > logBytesMax) renameSync(file, `${file}.1`);
  } catch {
    // Not there yet.
  }
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
}

const settings = readSettings();
mkdirSync(paths(settings).logs, { recursive: true });
const lock = tryLock(settings, "supervisor");
if (!isLock(lock)) {
  log(`another supervisor (pid ${lock.pid}) runs this stack already`);
  process.exit(0);
}
const supervisor = new Supervisor(settings, process.argv.includes("--containers") ? "containers" : "native");
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    log(`${signal}: stopping`);
    void supervisor.stop().then(() => {
      log("stopped");
      process.exit(0);
    });
  });
}
process.on("unhandledRejection", (error) => log(`unexpected: ${error instanceof Error ? error.stack : String(error)}`));
try {
  await supervisor.run();
} catch (error) {
  // Nothing in there is meant to throw. Servers that nobody looks after are worse than none.
  log(`unexpected: ${error instanceof Error ? error.stack : String(error)}`);
  await supervisor.stop();
  log(`ended: ${reasonOf(error)}`);
  process.exit(1);
}
await supervisor.stop();
