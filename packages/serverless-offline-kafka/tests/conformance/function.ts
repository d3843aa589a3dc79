import type { InvokeOutcome, Invoker } from "../../src/delivery/contract.ts";
import type { MappingEvent } from "../../src/delivery/event.ts";
import { untilTrue } from "./wait.ts";

/** What a function does with an event. */
export type Reply = (event: MappingEvent) => InvokeOutcome | Promise<InvokeOutcome>;

/** By partition, the offsets of an event's records. */
export type Offsets = Readonly<Record<number, readonly number[]>>;

export const returns =
  (response: unknown): Reply =>
  () => ({ kind: "returned", response });
export const succeeds = returns(null);
export const throws: Reply = () => ({ kind: "failed", code: "SOK_FUNCTION_FAILED", reason: "Error: boom" });
export const isThrottled: Reply = () => ({ kind: "throttled" });

/** ReportBatchItemFailures' response: the records from these offsets on, by partition, have failed. */
export const reports =
  (failed: Readonly<Record<number, number>>): Reply =>
  (event) => ({
    kind: "returned",
    response: {
      batchItemFailures: Object.entries(failed).map(([partition, offset]) => ({
        itemIdentifier: { partition: partitionNamed(event, Number(partition)), offset },
      })),
    },
  });

/** Fails whenever the event has a record with this value. */
export const throwsOn =
  (...values: readonly string[]): Reply =>
  (event) =>
    valuesOf(event).some((value) => value !== null && values.includes(value)) ? throws(event) : succeeds(event);

/** Runs until the case lets it end. */
export class Held {
  readonly #ended = Promise.withResolvers<Reply>();
  readonly reply: Reply = async (event) => (await this.#ended.promise)(event);

  end(reply: Reply = succeeds): void {
    this.#ended.resolve(reply);
  }
}

function partitionNamed(event: MappingEvent, partition: number): string {
  return Object.keys(event.records).find((key) => key.endsWith(`-${partition}`)) ?? `none-${partition}`;
}

export function offsetsOf(event: MappingEvent): Offsets {
  return Object.fromEntries(
    Object.values(event.records).map((records) => [records[0]?.partition, records.map(({ offset }) => offset)]),
  );
}

/** Of all records, partition by partition. */
export function valuesOf(event: MappingEvent): ReadonlyArray<string | null> {
  return Object.values(event.records)
    .flat()
    .map(({ value }) => (value === null ? null : Buffer.from(value, "base64").toString()));
}

/** A function that does what a case says, one reply for each invocation, the last one for all further ones. */
export class TestFunction implements Invoker {
  readonly events: MappingEvent[] = [];
  /** Invocations that run now. */
  running = 0;
  /** The most that ran at once. */
  runningMax = 0;
  replies: readonly Reply[];

  constructor(replies: readonly Reply[]) {
    this.replies = replies;
  }

  async invoke(event: MappingEvent): Promise<InvokeOutcome> {
    const reply = this.replies[Math.min(this.events.length, this.replies.length - 1)] ?? succeeds;
    this.events.push(event);
    this.running += 1;
    this.runningMax = Math.max(this.runningMax, this.running);
    try {
      return await reply(event);
    } finally {
      this.running -= 1;
    }
  }

  get offsets(): readonly Offsets[] {
    return this.events.map(offsetsOf);
  }

  /** Of all records of all invocations, in their order. */
  get values(): ReadonlyArray<string | null> {
    return this.events.flatMap(valuesOf);
  }

  /** Resolves when there were so many invocations, with the last of these. */
  async invoked(count: number): Promise<MappingEvent> {
    await untilTrue(
      `the function was invoked ${count} times`,
      () => this.events.length >= count,
      () => this.offsets,
    );
    return this.events[count - 1] as MappingEvent;
  }
}
