import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MemberTask } from "./member.ts";
import { EXIT, FREEZE_AT_HEARTBEAT } from "./member.ts";
import type { FreezeMoment } from "./plan.ts";
import type { Disturbance, Invocation, Join, MemberLine } from "./trace.ts";

const run = promisify(execFile);

/** For a shell: the process is its first argument, the seconds its second. */
const THAW = 'sleep "$1"; kill -CONT "$0"';
/** For longer than the member waits for its heartbeat. */
const AWAIT_FROZEN =
  'i=0; while [ $i -lt 50 ]; do case "$(ps -o stat= -p "$0")" in T*) break;; esac; sleep 0.1; i=$((i+1)); done';
/** The longest stop of a member, and some. */
const STOP_MS_MAX = 40_000;

interface Member {
  readonly name: string;
  readonly process: ChildProcess;
  readonly traceFile: string;
  readonly exited: Promise<unknown>;
  /** What was done to it; nothing else may be done to it then. */
  state: "running" | "frozen" | "stopping" | "killed" | "gone";
  goneMs: number | undefined;
}

export interface GroupOptions {
  readonly task: Omit<MemberTask, "traceFile">;
  readonly environment: Readonly<Record<string, string>>;
  readonly note: (text: string) => void;
}

/** Processes of one consumer group, and what is done to them. */
export class Group {
  readonly disturbances: Disturbance[] = [];
  /** Members that ended for no reason that the test knows of. */
  readonly mishaps: string[] = [];
  readonly #options: GroupOptions;
  readonly #members: Member[] = [];
  readonly #killAll = () => {
    for (const { process: child } of this.#members) child.kill("SIGKILL");
  };

  constructor(options: GroupOptions) {
    this.#options = options;
    process.once("exit", this.#killAll);
  }

  get alive(): number {
    return this.#members.filter(({ state }) => state === "running" || state === "frozen").length;
  }

  start(): void {
    const { environment, note, task } = this.#options;
    const name = `member ${this.#members.length + 1}`;
    const traceFile = join(task.folder, `${name.replace(" ", "-")}.jsonl`);
    const output = openSync(join(task.folder, `${name.replace(" ", "-")}.out`), "a");
    const memberTask: MemberTask = { ...task, traceFile };
    closeSync(openSync(traceFile, "a"));
    const child = spawn(process.execPath, [join(import.meta.dirname, "member.ts"), JSON.stringify(memberTask)], {
      env: { ...process.env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning", ...environment },
      stdio: ["ignore", output, output, "ipc"],
    });
    closeSync(output);
    const member: Member = {
      name,
      process: child,
      traceFile,
      exited: once(child, "exit"),
      state: "running",
      goneMs: undefined,
    };
    this.#members.push(member);
    note(`${name} started, process ${child.pid}`);
    child.once("exit", (code, signal) => this.#noteEnd(member, code, signal));
  }

  /** SIGTERM: it ends its invocations and leaves the group. */
  stop(which: number): void {
    const member = this.#pick(which);
    if (member === undefined) return;
    member.state = "stopping";
    this.#options.note(`${member.name}: SIGTERM`);
    member.process.kill("SIGTERM");
  }

  kill(which: number): void {
    const member = this.#pick(which);
    if (member === undefined) return;
    member.state = "killed";
    this.#options.note(`${member.name}: SIGKILL`);
    const fromMs = Date.now();
    this.disturbances.push({ kind: "killed", member: member.name, fromMs, toMs: fromMs });
    member.process.kill("SIGKILL");
  }

  /** A shell thaws the process, even if this one ends meanwhile. */
  async freeze(which: number, ms: number, moment: FreezeMoment, isLong: boolean): Promise<void> {
    const member = this.#pick(which);
    if (member === undefined) return;
    member.state = "frozen";
    this.#options.note(`${member.name}: SIGSTOP for ${ms} ms, ${moment}`);
    const fromMs = Date.now();
    if (moment === "heartbeat") member.process.send(FREEZE_AT_HEARTBEAT, () => {});
    const script = moment === "any" ? `kill -STOP "$0"; ${THAW}` : `${AWAIT_FROZEN}; ${THAW}`;
    await run("sh", ["-c", script, String(member.process.pid), String(ms / 1_000)]).catch(() => {});
    if (isLong) this.disturbances.push({ kind: "stalled", member: member.name, fromMs, toMs: Date.now() });
    this.#options.note(`${member.name}: SIGCONT`);
    if (member.state === "frozen") member.state = "running";
  }

  /** All leave in order. */
  async end(): Promise<void> {
    for (const member of this.#members) {
      if (member.state !== "running" && member.state !== "frozen") continue;
      member.state = "stopping";
      member.process.kill("SIGTERM");
    }
    await Promise.all(this.#members.map((member) => this.#awaitEnd(member)));
    process.off("exit", this.#killAll);
  }

  /** What the members wrote down. */
  lines(): ReadonlyArray<readonly [name: string, line: MemberLine]> {
    return this.#members.flatMap(({ name, traceFile }) =>
      readFileSync(traceFile, "utf8")
        .split("\n")
        // The last line of a process that was killed may be half a line.
        .flatMap((text) => parse(text))
        .map((line) => [name, line] as const),
    );
  }

  joins(): Join[] {
    return this.lines().flatMap(([member, line]) =>
      line.kind === "join" ? [{ member, atMs: line.atMs, partitions: line.partitions }] : [],
    );
  }

  invocations(): Invocation[] {
    const lines = this.lines();
    const ends = new Map(
      lines.flatMap(([name, line]) => (line.kind === "end" ? [[`${name}/${line.invocation}`, line]] : [])),
    );
    const gone = new Map(this.#members.map(({ goneMs, name }) => [name, goneMs]));
    return lines.flatMap(([name, line]) => {
      if (line.kind !== "start") return [];
      const end = ends.get(`${name}/${line.invocation}`);
      const records = Object.entries(line.records).map(
        ([partition, list]) => [Number(partition), list.map(([offset, id]) => ({ offset, id }))] as const,
      );
      return [
        {
          member: name,
          startMs: line.atMs,
          endMs: end?.atMs ?? gone.get(name) ?? Number.POSITIVE_INFINITY,
          outcome: end?.outcome,
          records: new Map(records),
        },
      ];
    });
  }

  #pick(which: number): Member | undefined {
    const candidates = this.#members.filter(({ state }) => state === "running");
    return candidates[which % Math.max(1, candidates.length)];
  }

  #noteEnd(member: Member, code: number | null, signal: NodeJS.Signals | null): void {
    const { name, state } = member;
    const atMs = Date.now();
    member.goneMs = atMs;
    member.state = "gone";
    this.#options.note(`${name} ended: ${signal ?? code}`);
    if (code === EXIT.crashed) {
      this.disturbances.push({ kind: "crashed", member: name, fromMs: atMs, toMs: atMs });
    } else if (!isExpected(state, code, signal)) {
      this.mishaps.push(`${name}, ${state}, ended with ${signal ?? code}`);
    }
  }

  async #awaitEnd(member: Member): Promise<void> {
    const timer = setTimeout(() => {
      this.mishaps.push(`${member.name} did not stop within ${STOP_MS_MAX / 1_000} s`);
      member.process.kill("SIGKILL");
    }, STOP_MS_MAX);
    await member.exited;
    clearTimeout(timer);
  }
}

function isExpected(state: Member["state"], code: number | null, signal: NodeJS.Signals | null): boolean {
  if (state === "killed") return signal === "SIGKILL";
  // A process that has only just started listens to no signal yet.
  return state === "stopping" && (code === EXIT.stopped || signal === "SIGTERM");
}

function parse(text: string): MemberLine[] {
  try {
    return [JSON.parse(text) as MemberLine];
  } catch {
    return [];
  }
}
