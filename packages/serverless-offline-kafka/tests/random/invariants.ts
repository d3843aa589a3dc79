import type { Delivery, Disturbance, Invocation, LogRecord, Trace } from "./trace.ts";

export interface Violation {
  readonly rule:
    | "batch"
    | "in order"
    | "nothing skipped"
    | "nothing repeated without a reason"
    | "nothing delivered that is committed"
    | "begun by the owner only"
    | "one invocation of a partition at a time"
    | "nothing committed early"
    | "commits never go back"
    | "nothing given up early"
    | "everything is done"
    | "everything is committed";
  readonly text: string;
  readonly partition: number;
  readonly atMs: number;
}

/** The first time a record was done. */
interface Done {
  readonly atMs: number;
  /** undefined: a record that was too old was given up by nobody knows whom. */
  readonly member: string | undefined;
  readonly how: "invocation" | "destination";
}

/** Two clocks of one machine, each cut to a millisecond. */
const CLOCK_SLACK_MS = 1;
/**
 * A batch is done and its commit is under way when something happens to its owner: what happened up to this long before
 * the batch was done may be why it was lost, for a member that was silent hears only later that it is out.
 */
const AFTERMATH_MS = 5_000;
/** How long a delivery that nobody acknowledged may be under way: the SDK's deadline, and a second. */
const DELIVERY_MS_MAX = 11_000;

/** What is wrong with a run. Times are compared as the members, the broker and the destination noted them: one clock. */
export function violationsOf(trace: Trace): readonly Violation[] {
  const partitions = [...trace.logs].map(([partition, log]) => new PartitionCheck(trace, partition, log));
  const found = partitions.flatMap((one) => one.run());
  for (const { member, records, startMs } of trace.invocations) {
    const count = [...records.values()].reduce((sum, list) => sum + list.length, 0);
    if (count === 0 || count > trace.batchSize) {
      const partition = [...records.keys()][0] ?? -1;
      found.push({ rule: "batch", text: `${member} was given ${count} records`, partition, atMs: startMs });
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

class PartitionCheck {
  readonly #trace: Trace;
  readonly #partition: number;
  readonly #log: readonly LogRecord[];
  readonly #wanted: readonly LogRecord[];
  readonly #invocations: readonly Invocation[];
  readonly #deliveries: readonly Delivery[];
  readonly #done = new Map<number, Done>();
  readonly #found: Violation[] = [];

  constructor(trace: Trace, partition: number, log: readonly LogRecord[]) {
    this.#trace = trace;
    this.#partition = partition;
    this.#log = log;
    this.#wanted = log.filter(({ wanted }) => wanted);
    this.#invocations = trace.invocations
      .filter(({ records }) => records.has(partition))
      .sort((a, b) => a.startMs - b.startMs);
    this.#deliveries = trace.deliveries.filter((delivery) => delivery.partition === partition);
    this.#noteDone();
  }

  run(): readonly Violation[] {
    this.#invocations.forEach((invocation, i) => {
      this.#checkRecords(invocation);
      this.#checkOwner(invocation);
      this.#checkAlone(invocation, this.#invocations.slice(i + 1));
    });
    this.#checkCommits();
    this.#checkDeliveries();
    this.#checkEnd();
    return this.#found;
  }

  #add(rule: Violation["rule"], atMs: number, text: string): void {
    this.#found.push({ rule, text: `partition ${this.#partition}: ${text}`, partition: this.#partition, atMs });
  }

  #offsetsOf({ records }: Invocation): readonly number[] {
    return (records.get(this.#partition) ?? []).map(({ offset }) => offset);
  }

  #noteDone(): void {
    const note = (offset: number, done: Done) => {
      if (done.atMs < (this.#done.get(offset)?.atMs ?? Number.POSITIVE_INFINITY)) this.#done.set(offset, done);
    };
    for (const invocation of this.#invocations) {
      const { endMs, member } = invocation;
      for (const offset of this.#offsetsOf(invocation)) {
        if (this.#succeeded(invocation, offset)) note(offset, { atMs: endMs, member, how: "invocation" });
      }
    }
    for (const delivery of this.#deliveries) {
      for (const offset of this.#offsetsIn(delivery)) {
        const last = this.#invocations.findLast(
          (one) => one.endMs <= delivery.atMs + CLOCK_SLACK_MS && this.#offsetsOf(one).includes(offset),
        );
        note(offset, { atMs: delivery.atMs, member: last?.member, how: "destination" });
      }
    }
  }

  #succeeded({ outcome }: Invocation, offset: number): boolean {
    if (outcome?.kind === "succeeded") return true;
    return outcome?.kind === "partial" && offset < (outcome.lowestFailed[this.#partition] ?? Number.POSITIVE_INFINITY);
  }

  #offsetsIn({ firstOffset, lastOffset }: Delivery): readonly number[] {
    return this.#wanted.map(({ offset }) => offset).filter((offset) => offset >= firstOffset && offset <= lastOffset);
  }

  #firstUndone(atMs: number): number {
    const undone = this.#wanted.find(
      ({ offset }) => (this.#done.get(offset)?.atMs ?? Number.POSITIVE_INFINITY) > atMs + CLOCK_SLACK_MS,
    );
    return undone?.offset ?? Number.POSITIVE_INFINITY;
  }

  #checkRecords(invocation: Invocation): void {
    const { member, startMs } = invocation;
    const given = invocation.records.get(this.#partition) ?? [];
    const offsets = given.map(({ offset }) => offset);
    const [first] = offsets;
    if (first === undefined) return;
    const from = this.#wanted.findIndex(({ offset }) => offset === first);
    const expected = from < 0 ? [] : this.#wanted.slice(from, from + given.length);
    if (
      expected.length !== given.length ||
      !expected.every(({ id, offset }, i) => offset === offsets[i] && id === given[i]?.id)
    ) {
      const should = expected.map(({ offset }) => offset).join(" ");
      this.#add("in order", startMs, `${member} was given ${offsets.join(" ")}, in the topic are ${should}`);
    }
    const undone = this.#firstUndone(startMs);
    if (first > undone) {
      this.#add("nothing skipped", startMs, `${member} was given ${first} while ${undone} was not done`);
    }
    const committed = this.#committedAt(startMs - CLOCK_SLACK_MS);
    if (first < committed) {
      const text = `${member} was given ${first} although everything up to ${committed} was committed`;
      this.#add("nothing delivered that is committed", startMs, text);
    }
    const repeated = offsets.find((offset) => this.#isRepetition(offset, startMs));
    if (repeated !== undefined) {
      const { atMs, how, member: by } = this.#done.get(repeated) as Done;
      const text = `${member} was given ${repeated}, done by ${by ?? "age"} (${how}) ${startMs - atMs} ms before`;
      this.#add("nothing repeated without a reason", startMs, text);
    }
  }

  #committedAt(atMs: number): number {
    let committed = 0;
    for (const commit of this.#trace.commits) {
      if (commit.partition === this.#partition && commit.atMs < atMs) committed = commit.offset;
    }
    return committed;
  }

  /** Done before, and nothing has happened since (or just before) to whoever did it. */
  #isRepetition(offset: number, atMs: number): boolean {
    const done = this.#done.get(offset);
    if (done === undefined || done.atMs >= atMs) return false;
    if (this.#isExcused(done.member, done.atMs - AFTERMATH_MS, atMs)) return false;
    const outage = this.#disturbed(["destination"], undefined, done.atMs - DELIVERY_MS_MAX, atMs);
    return !(done.how === "destination" && outage);
  }

  #isExcused(member: string | undefined, fromMs: number, toMs: number): boolean {
    return this.#disturbed(["killed", "crashed", "stalled", "broker"], member, fromMs, toMs);
  }

  #disturbed(
    kinds: ReadonlyArray<Disturbance["kind"]>,
    member: string | undefined,
    fromMs: number,
    toMs: number,
  ): boolean {
    return this.#trace.disturbances.some(
      (one) =>
        kinds.includes(one.kind) &&
        one.fromMs <= toMs &&
        one.toMs >= fromMs &&
        (one.member === undefined || member === undefined || one.member === member),
    );
  }

  /**
   * The owner is whoever was given the partition last. A member that the group has forgotten cannot know that, but it
   * knows for how long it was not heard of: nothing excuses it.
   */
  #checkOwner({ member, startMs }: Invocation): void {
    const owner = this.#trace.joins
      .filter(({ atMs, partitions }) => partitions.includes(this.#partition) && atMs < startMs - CLOCK_SLACK_MS)
      .sort((a, b) => a.atMs - b.atMs)
      .at(-1);
    if (owner === undefined || owner.member === member) return;
    const text = `${member} began an invocation ${startMs - owner.atMs} ms after ${owner.member} was given it`;
    this.#add("begun by the owner only", startMs, text);
  }

  /**
   * A member that was silent for a session, or whose broker was away, may have lost the partition while its handler ran,
   * and nobody can call a handler back. A member never overlaps with itself, whatever happens.
   */
  #checkAlone(earlier: Invocation, others: readonly Invocation[]): void {
    for (const later of others) {
      if (later.startMs >= earlier.endMs) continue;
      const isSelf = later.member === earlier.member;
      if (!isSelf && this.#isExcused(earlier.member, earlier.startMs, later.startMs)) continue;
      const text = `${later.member} began ${earlier.endMs - later.startMs} ms before ${earlier.member} had ended`;
      this.#add("one invocation of a partition at a time", later.startMs, text);
    }
  }

  #checkCommits(): void {
    const end = (this.#log.at(-1)?.offset ?? -1) + 1;
    let before = 0;
    for (const { atMs, offset, partition } of this.#trace.commits) {
      if (partition !== this.#partition) continue;
      if (offset < before) this.#add("commits never go back", atMs, `committed ${offset} after ${before}`);
      const undone = Math.min(this.#firstUndone(atMs), end);
      if (offset > undone) this.#add("nothing committed early", atMs, `committed ${offset}, but ${undone} is not done`);
      before = offset;
    }
  }

  #checkDeliveries(): void {
    const { recordAgeMsMax, retryAttemptsMax } = this.#trace;
    for (const delivery of this.#deliveries) {
      const { atMs, condition } = delivery;
      for (const offset of this.#offsetsIn(delivery)) {
        if (condition === "RecordAgeExceeded") {
          const record = this.#log.find((one) => one.offset === offset);
          const ageMs = atMs - (record?.timestampMs ?? atMs);
          if (ageMs < recordAgeMsMax) this.#add("nothing given up early", atMs, `${offset} at an age of ${ageMs} ms`);
          continue;
        }
        const failures = this.#invocations.filter(
          (one) =>
            this.#offsetsOf(one).includes(offset) &&
            one.endMs <= atMs + CLOCK_SLACK_MS &&
            (one.outcome?.kind === "failed" || one.outcome?.kind === "partial") &&
            !this.#succeeded(one, offset),
        ).length;
        if (failures > retryAttemptsMax) continue;
        this.#add("nothing given up early", atMs, `${offset} after ${failures} failures: ${condition}`);
      }
      const again = this.#offsetsIn(delivery).find((offset) => {
        const done = this.#done.get(offset);
        return done?.how === "invocation" && done.atMs < atMs && this.#isRepetition(offset, atMs);
      });
      if (again !== undefined) {
        this.#add("nothing repeated without a reason", atMs, `${again} was given up after it had succeeded`);
      }
    }
  }

  #checkEnd(): void {
    const undone = this.#wanted.filter(({ offset }) => !this.#done.has(offset)).map(({ offset }) => offset);
    if (undone.length > 0) {
      this.#add("everything is done", Number.POSITIVE_INFINITY, `neither succeeded nor given up: ${undone.join(" ")}`);
    }
    const end = (this.#log.at(-1)?.offset ?? -1) + 1;
    const committed = this.#committedAt(Number.POSITIVE_INFINITY);
    if (committed !== end) {
      this.#add("everything is committed", Number.POSITIVE_INFINITY, `committed ${committed} of ${end}`);
    }
  }
}
