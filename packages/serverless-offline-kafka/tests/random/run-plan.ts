import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Admin, Kafka, Producer } from "kafkajs";
import type { LocalAws } from "../support/aws.ts";
import {
  type Broker,
  connectAdmin,
  connectKafka,
  connectProducer,
  createTopic,
  uniqueName,
} from "../support/broker.ts";
import { type DeadEnd, openQueueDeadEnd, openTopicDeadEnd } from "./dead-ends.ts";
import { readCommits, readLogs } from "./ground-truth.ts";
import { Group } from "./group.ts";
import { type Violation, violationsOf } from "./invariants.ts";
import type { Action, DestinationState, Plan, Step } from "./plan.ts";
import { recordsOf, SESSION_TIMEOUT_MS } from "./plan.ts";
import { type Disturbance, type MemberLine, silencesOf, type Trace } from "./trace.ts";

/** The longest backoff, a few times, and a session: a plan leaves nothing that takes longer. */
const HEAL_MS_MAX = 120_000;
const PROBE_INTERVAL_MS = 250;
/** A silence this long may have cost a member its session: heartbeats come every second, with some delay. */
const LONG_SILENCE_MS = SESSION_TIMEOUT_MS - 1_500;
/** After a broker is back its clients have to find that out, and sessions begin anew. */
const BROKER_AFTERMATH_MS = SESSION_TIMEOUT_MS + 2_000;
const RECORDS_AT_START = 40;
const MEMBERS_MAX = 3;

export interface Environment {
  readonly broker: Broker;
  readonly aws: LocalAws;
  readonly sqs: SQSClient;
}

export interface Report {
  readonly violations: readonly Violation[];
  readonly mishaps: readonly string[];
  readonly trace: Trace;
  /** The story of the run, in order. */
  readonly lines: ReadonlyArray<{
    readonly atMs: number;
    readonly text: string;
    readonly partitions?: readonly number[];
  }>;
}

/** Plays a plan against the broker, lets everything heal, and says what was wrong. */
export async function runPlan(plan: Plan, environment: Environment): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "sok-random-"));
  const run = await Run.open(plan, environment, folder);
  try {
    await run.play();
    await run.heal();
    return await run.report();
  } finally {
    await run.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly plan: Plan;
  readonly environment: Environment;
  readonly topic: string;
  readonly groupId: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly deadEnd: DeadEnd;
  readonly group: Group;
  readonly notes: Array<{ readonly atMs: number; readonly text: string }>;
}

class Run {
  readonly #parts: Parts;
  readonly #disturbances: Disturbance[] = [];
  readonly #mishaps: string[] = [];
  /** What a step began and did not wait for. */
  readonly #background = new Set<Promise<void>>();
  #broker: Promise<void> = Promise.resolve();
  #destinationDownMs: number | undefined;
  #nextId = 0;
  #probing = true;
  readonly #probe: Promise<void>;
  /** When the last probe began that found everything committed. */
  #caughtUpAtMs = Number.NEGATIVE_INFINITY;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#probe = this.#probeBroker();
  }

  static async open(plan: Plan, environment: Environment, folder: string): Promise<Run> {
    const { aws, broker, sqs } = environment;
    const kafka = connectKafka(broker);
    const [admin, producer] = await Promise.all([connectAdmin(broker), connectProducer(broker)]);
    const topic = uniqueName("random");
    const groupId = uniqueName("group");
    const notes: Parts["notes"] = [];
    const note = (text: string) => void notes.push({ atMs: Date.now(), text });
    await createTopic(admin, topic, plan.partitions);
    const deadEnd =
      plan.destination === "kafka"
        ? await openTopicDeadEnd({ admin, kafka }, uniqueName("failed"), topic)
        : await openQueueDeadEnd(aws, sqs, uniqueName("failed"));
    const { retryAttemptsMax, recordAgeMsMax } = plan.config;
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    const group = new Group({
      task: {
        planConfig: plan.config,
        limits: { retryAttemptsMax: finite(retryAttemptsMax), recordAgeMsMax: finite(recordAgeMsMax) },
        topic,
        groupId,
        bootstrapServers: broker.bootstrapServers,
        onFailure: deadEnd.config,
        folder,
      },
      environment: deadEnd.environment,
      note,
    });
    return new Run({ plan, environment, topic, groupId, kafka, admin, producer, deadEnd, group, notes });
  }

  async play(): Promise<void> {
    const { group, plan } = this.#parts;
    await this.#produce({ do: "produce", count: RECORDS_AT_START, seed: 1, rare: undefined });
    for (let i = 0; i < plan.members; i += 1) group.start();
    for (const step of plan.steps) {
      await sleep(step.afterMs);
      await this.#take(step);
    }
  }

  /** Everything works again; waits until the group is at the end of the topic, and its members leave. */
  async heal(): Promise<void> {
    const { group } = this.#parts;
    await Promise.all(this.#background);
    await this.#setDestination("up");
    this.#note("healing");
    const fromMs = Date.now();
    const isCaughtUp = () => this.#caughtUpAtMs >= fromMs;
    while (!isCaughtUp() && Date.now() < fromMs + HEAL_MS_MAX) {
      if (group.alive === 0) group.start();
      await sleep(PROBE_INTERVAL_MS);
    }
    if (!isCaughtUp()) this.#mishaps.push(`the group was not at the end after ${HEAL_MS_MAX / 1_000} s`);
    await group.end();
  }

  async report(): Promise<Report> {
    const { deadEnd, group, groupId, kafka, notes, plan, topic } = this.#parts;
    const logs = await readLogs(kafka, topic, plan.config.filterPatterns.length > 0);
    const lines = group.lines();
    const stalls = silencesOf(lines, LONG_SILENCE_MS);
    const trace: Trace = {
      batchSize: plan.config.batchSize,
      retryAttemptsMax: plan.config.retryAttemptsMax,
      recordAgeMsMax: plan.config.recordAgeMsMax,
      logs,
      joins: group.joins(),
      invocations: group.invocations(),
      commits: await readCommits(kafka, groupId, topic),
      deliveries: await deadEnd.deliveries(topic),
      disturbances: [...this.#disturbances, ...group.disturbances, ...stalls],
    };
    return {
      violations: violationsOf(trace),
      mishaps: [...this.#mishaps, ...group.mishaps],
      trace,
      lines: tell(trace, lines, notes),
    };
  }

  async close(): Promise<void> {
    const { admin, deadEnd, group, producer, topic } = this.#parts;
    await Promise.all(this.#background);
    this.#probing = false;
    await this.#probe;
    await group.end();
    await deadEnd.close();
    await admin.deleteTopics({ topics: [topic] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }

  #note(text: string): void {
    this.#parts.notes.push({ atMs: Date.now(), text });
  }

  async #take(step: Step): Promise<void> {
    const { broker } = this.#parts.environment;
    const { group } = this.#parts;
    switch (step.do) {
      case "produce":
        this.#inBackground(this.#produce(step));
        return;
      case "start":
        if (group.alive < MEMBERS_MAX) group.start();
        return;
      case "stop":
        group.stop(step.which);
        return;
      case "kill":
        group.kill(step.which);
        return;
      case "freeze":
        this.#inBackground(group.freeze(step.which, step.ms, step.moment, step.ms >= LONG_SILENCE_MS));
        return;
      case "killBroker":
        this.#disturbBroker("killed", async () => {
          broker.kill("SIGKILL");
          await sleep(step.ms);
          await broker.start();
        });
        return;
      case "freezeBroker":
        this.#disturbBroker("frozen", async () => {
          broker.kill("SIGSTOP");
          await sleep(step.ms);
          broker.kill("SIGCONT");
        });
        return;
      case "destination":
        this.#inBackground(this.#setDestination(step.state));
        return;
    }
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => void this.#mishaps.push(`the test itself: ${String(error)}`))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** What needs the broker, and what disturbs it, one after the other. */
  async #withBroker(work: () => Promise<void>): Promise<void> {
    const run = this.#broker.then(work);
    this.#broker = run.catch(() => {});
    await run;
  }

  async #produce(action: Extract<Action, { do: "produce" }>): Promise<void> {
    const { plan, producer, topic } = this.#parts;
    const records = recordsOf(action, plan.partitions, this.#nextId);
    this.#nextId += records.length;
    const messages = records.map(({ partition, value }) => ({ partition, value: JSON.stringify(value) }));
    // What is there in the end is read from the topic: a broker that is away may have taken these, or not.
    const outcome = await producer.send({ topic, messages }).then(
      () => `produced ${messages.length} records`,
      (error: unknown) => `could not produce: ${String(error)}`,
    );
    this.#note(outcome);
  }

  #disturbBroker(how: string, work: () => Promise<void>): void {
    this.#inBackground(
      this.#withBroker(async () => {
        this.#note(`broker ${how}`);
        const fromMs = Date.now();
        await work();
        this.#note("broker is back");
        this.#disturbances.push({ kind: "broker", fromMs, toMs: Date.now() + BROKER_AFTERMATH_MS });
      }),
    );
  }

  async #setDestination(state: DestinationState): Promise<void> {
    await this.#withBroker(async () => {
      this.#note(`destination: ${state}`);
      const fromMs = Date.now();
      await this.#parts.deadEnd.set(state);
      if (this.#destinationDownMs !== undefined) {
        this.#disturbances.push({ kind: "destination", fromMs: this.#destinationDownMs, toMs: Date.now() });
      }
      this.#destinationDownMs = state === "up" ? undefined : fromMs;
    });
  }

  /** Looks at the group all the time; a broker that takes long to answer is a disturbance too. */
  async #probeBroker(): Promise<void> {
    const { admin, groupId, topic } = this.#parts;
    while (this.#probing) {
      const fromMs = Date.now();
      try {
        const [ends, groups] = await Promise.all([
          admin.fetchTopicOffsets(topic),
          admin.fetchOffsets({ groupId, topics: [topic] }),
        ]);
        const committed = new Map(groups[0]?.partitions.map(({ offset, partition }) => [partition, Number(offset)]));
        const isCaughtUp = ends.every(
          ({ high, partition }) => Math.max(0, committed.get(partition) ?? 0) === Number(high),
        );
        if (isCaughtUp) this.#caughtUpAtMs = fromMs;
      } catch {
        // It was killed: its disturbance is noted.
      }
      const toMs = Date.now();
      if (toMs - fromMs >= LONG_SILENCE_MS) {
        this.#disturbances.push({ kind: "broker", fromMs, toMs: toMs + BROKER_AFTERMATH_MS });
      }
      await sleep(PROBE_INTERVAL_MS);
    }
  }
}

/** Everything that is known, in its order, for a person who looks for a cause. */
function tell(
  trace: Trace,
  lines: ReadonlyArray<readonly [string, MemberLine]>,
  notes: Parts["notes"],
): Report["lines"] {
  const told: Array<Report["lines"][number]> = [...notes];
  for (const [member, line] of lines) {
    const { atMs } = line;
    if (line.kind === "note") told.push({ atMs, text: `${member}: ${line.text}` });
    if (line.kind === "join") told.push({ atMs, text: `${member}: is given partitions ${line.partitions.join(" ")}` });
    if (line.kind === "stall") told.push({ atMs, text: `${member}: nothing ran for ${atMs - line.fromMs} ms` });
    if (line.kind === "block")
      told.push({ atMs, text: `${member}: its handler lets nothing run for ${line.untilMs - atMs} ms` });
    if (line.kind === "end") {
      told.push({ atMs, text: `${member}: ${line.invocation} ends, ${JSON.stringify(line.outcome)}` });
    }
    if (line.kind !== "start") continue;
    const slices = Object.entries(line.records).map(
      ([key, list]) => `${key}: ${list.map(([offset]) => offset).join(" ")}`,
    );
    told.push({
      atMs,
      text: `${member}: ${line.invocation} begins, ${slices.join("; ")}`,
      partitions: Object.keys(line.records).map(Number),
    });
  }
  for (const { atMs, offset, partition } of trace.commits) {
    told.push({ atMs, text: `broker: partition ${partition} committed ${offset}`, partitions: [partition] });
  }
  for (const { atMs, condition, firstOffset, lastOffset, partition } of trace.deliveries) {
    const text = `destination: partition ${partition} offsets ${firstOffset}-${lastOffset}, ${condition}`;
    told.push({ atMs, text, partitions: [partition] });
  }
  return told.sort((a, b) => a.atMs - b.atMs);
}
