// A process that runs one mapping with a scripted handler. It writes down what it does before anybody can hear of it,
// with writes that outlive a SIGKILL. Its only argument is its task, as JSON.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MappingConfig } from "../../src/config/types.ts";
import type { InvokeOutcome, Invoker } from "../../src/delivery/contract.ts";
import type { MappingEvent } from "../../src/delivery/event.ts";
import { openMapping } from "../../src/open-mapping.ts";
import { freezeAtHeartbeat, onAssigned } from "./kafkajs-probes.ts";
import type { Behaviour, PlanConfig, RecordValue } from "./plan.ts";
import { SESSION_TIMEOUT_MS } from "./plan.ts";
import type { MemberLine, Outcome } from "./trace.ts";

export interface MemberTask {
  readonly planConfig: PlanConfig;
  /** JSON has no Infinity. */
  readonly limits: { readonly retryAttemptsMax: number | null; readonly recordAgeMsMax: number | null };
  readonly topic: string;
  readonly groupId: string;
  readonly bootstrapServers: string;
  readonly onFailure: MappingConfig["onFailure"];
  /** What this member writes, and a folder that all members share. */
  readonly traceFile: string;
  readonly folder: string;
}

/** Its exit codes, as the test knows them. */
export const EXIT = { stopped: 0, crashed: 17, orphaned: 18 } as const;

/** Asks a member to freeze when its next heartbeat has been sent and not been answered. */
export const FREEZE_AT_HEARTBEAT = "freeze at heartbeat";

const REGION = "eu-central-1";
const SLOW_MS_MAX = 900;
const BLOCK_MS = SESSION_TIMEOUT_MS + 1_500;
/** What a mapping that tries for ever needs to get past a poisonous record. */
const POISON_FAILURES = 2;
/** A batch that takes this long to end is left. */
const STOP_MS_MAX = 20_000;
const STALL_LOOK_MS = 100;
const STALL_MS_MIN = 500;

function run(task: MemberTask): void {
  const file = openSync(task.traceFile, "a");
  const write = (line: Record<string, unknown>) => void writeSync(file, `${JSON.stringify(line)}\n`);
  const note = (line: Omit<MemberLine & { kind: "note" }, "atMs">) => write({ atMs: Date.now(), ...line });
  const log = (level: string) => (text: string) => note({ kind: "note", text: `${level} ${text}` });

  const { bootstrapServers, groupId, onFailure, planConfig, topic } = task;
  const config: MappingConfig = {
    ...planConfig,
    retryAttemptsMax: task.limits.retryAttemptsMax ?? Number.POSITIVE_INFINITY,
    recordAgeMsMax: task.limits.recordAgeMsMax ?? Number.POSITIVE_INFINITY,
    logicalId: "Random",
    functionKey: "random",
    functionArn: `arn:aws:lambda:${REGION}:000000000000:function:random`,
    topic,
    groupId,
    enabled: true,
    startingPosition: { kind: "TRIM_HORIZON" },
    onFailure,
    schemaRegistry: undefined,
    access: [],
    tls: undefined,
    bootstrapServers: [bootstrapServers],
    envelope: { eventSource: "SelfManagedKafka", bootstrapServers },
  };
  const mapping = openMapping(config, {
    invoker: new ScriptedHandler(config, task.folder, write),
    log: { notice: log("notice"), warning: log("warning"), error: log("error"), debug: log("debug") },
    region: REGION,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
  });

  onAssigned((partitions) => write({ atMs: Date.now(), kind: "join", partitions }));
  let lookedAtMs = Date.now();
  setInterval(() => {
    const atMs = Date.now();
    if (atMs - lookedAtMs > STALL_MS_MIN) write({ atMs, kind: "stall", fromMs: lookedAtMs });
    lookedAtMs = atMs;
  }, STALL_LOOK_MS);
  process.once("SIGTERM", () => {
    note({ kind: "note", text: "stopping" });
    void mapping.stop(sleep(STOP_MS_MAX)).then(() => {
      note({ kind: "note", text: "stopped" });
      closeSync(file);
      process.exit(EXIT.stopped);
    });
  });
  process.on("message", (message) => {
    if (message === FREEZE_AT_HEARTBEAT) freezeAtHeartbeat();
  });
  // Whoever made this process is gone.
  process.once("disconnect", () => process.exit(EXIT.orphaned));
  mapping.start();
}

/** Does with a batch what its records say. */
class ScriptedHandler implements Invoker {
  readonly #config: MappingConfig;
  readonly #folder: string;
  readonly #write: (line: Record<string, unknown>) => void;
  readonly #failures = new Map<number, number>();
  #invocations = 0;

  constructor(config: MappingConfig, folder: string, write: (line: Record<string, unknown>) => void) {
    this.#config = config;
    this.#folder = folder;
    this.#write = write;
  }

  async invoke(event: MappingEvent): Promise<InvokeOutcome> {
    this.#invocations += 1;
    const invocation = this.#invocations;
    const records = Object.values(event.records).flatMap((list) =>
      list.map(({ offset, partition, value }) => {
        const { behaviour, id } = JSON.parse(Buffer.from(value ?? "", "base64").toString()) as RecordValue;
        return { offset, partition, id, behaviour };
      }),
    );
    const byPartition = Object.groupBy(records, ({ partition }) => partition);
    this.#write({
      atMs: Date.now(),
      kind: "start",
      invocation,
      records: Object.fromEntries(
        Object.entries(byPartition).map(([key, list]) => [key, list?.map(({ id, offset }) => [offset, id])]),
      ),
    });
    const end = (outcome: Outcome, said: InvokeOutcome): InvokeOutcome => {
      this.#write({ atMs: Date.now(), kind: "end", invocation, outcome });
      return said;
    };

    if (this.#fails(records, "throttle", 1)) return end({ kind: "throttled" }, { kind: "throttled" });
    const rare = records.find(
      ({ behaviour, id }) => (behaviour === "exit" || behaviour === "block") && this.#isFirst(id),
    );
    if (rare?.behaviour === "exit") process.exit(EXIT.crashed);
    if (rare?.behaviour === "block") {
      const atMs = Date.now();
      this.#write({ atMs, kind: "block", untilMs: atMs + BLOCK_MS });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
    }
    const slow = records.find(({ behaviour }) => behaviour === "slow");
    await sleep(slow === undefined ? 1 : (slow.id * 131) % SLOW_MS_MAX);

    const forEver = this.#config.retryAttemptsMax === Number.POSITIVE_INFINITY;
    const poisonFailures = forEver ? POISON_FAILURES : Number.POSITIVE_INFINITY;
    if (this.#fails(records, "throw", 1) || this.#fails(records, "poison", poisonFailures)) {
      return end({ kind: "failed" }, { kind: "failed", code: "SOK_FUNCTION_FAILED", reason: "scripted" });
    }
    return this.#report(records, poisonFailures, end);
  }

  /** What a handler says that returns; without ReportBatchItemFailures nobody listens. */
  #report(
    records: ReadonlyArray<{ offset: number; partition: number; id: number; behaviour: Behaviour }>,
    poisonFailures: number,
    end: (outcome: Outcome, said: InvokeOutcome) => InvokeOutcome,
  ): InvokeOutcome {
    const { reportBatchItemFailures, topic } = this.#config;
    const identify = (partition: number, offset: number) => ({
      itemIdentifier: { partition: `${topic}-${partition}`, offset },
    });
    const respond = (outcome: Outcome, batchItemFailures: readonly unknown[]) =>
      end(reportBatchItemFailures ? outcome : { kind: "succeeded" }, {
        kind: "returned",
        response: { batchItemFailures },
      });
    if (this.#fails(records, "malformed", 1)) return respond({ kind: "failed" }, [identify(0, -1)]);
    const failed = records.filter(
      (one) => this.#fails([one], "partial", 1) || this.#fails([one], "partialPoison", poisonFailures),
    );
    if (failed.length === 0) return end({ kind: "succeeded" }, { kind: "returned", response: null });
    const lowestFailed: Record<number, number> = {};
    for (const { offset, partition } of failed) {
      lowestFailed[partition] = Math.min(offset, lowestFailed[partition] ?? offset);
    }
    return respond(
      { kind: "partial", lowestFailed },
      failed.map(({ offset, partition }) => identify(partition, offset)),
    );
  }

  /** Whether a record of this behaviour has not failed often enough yet; each one that has not does so once more. */
  #fails(
    records: ReadonlyArray<{ readonly id: number; readonly behaviour: Behaviour }>,
    wanted: Behaviour,
    times: number,
  ): boolean {
    const failing = records.filter(
      ({ behaviour, id }) => behaviour === wanted && (this.#failures.get(id) ?? 0) < times,
    );
    for (const { id } of failing) this.#failures.set(id, (this.#failures.get(id) ?? 0) + 1);
    return failing.length > 0;
  }

  /** The first time in any process: the file is made by one of them only. */
  #isFirst(id: number): boolean {
    try {
      closeSync(openSync(join(this.#folder, `rare-${id}`), "wx"));
      return true;
    } catch {
      return false;
    }
  }
}

const [, script, task] = process.argv;
if (script === import.meta.filename && task !== undefined) run(JSON.parse(task) as MemberTask);
