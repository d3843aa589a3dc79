import type { Scaling } from "../config/types.ts";

/** "At one-minute intervals Lambda evaluates the offset lag" [with-kafka-scaling]. */
const ON_DEMAND_LOOK_MS = 60_000;
/** Provisioned pollers follow the traffic faster; how much AWS does not say. */
const PROVISIONED_LOOK_MS = 15_000;
/** Provisioned: an event poller makes at most 5 invocations at once [with-kafka-scaling]. */
const PROVISIONED_INVOCATIONS_PER_POLLER = 5;
/** On demand: one (AWS does not say). */
const ON_DEMAND_INVOCATIONS_PER_POLLER = 1;

export interface Load {
  /** The event pollers there are. */
  readonly pollers: number;
  /** Of the partitions of this process: never more pollers than these. */
  readonly partitions: number;
  /** Records behind the end, over all partitions. */
  readonly lag: number;
  /** Records done since the last look. */
  readonly done: number;
  /** Invocations that were throttled since the last look. */
  readonly throttled: number;
}

export function lookEveryMs(scaling: Scaling): number {
  return scaling.kind === "onDemand" ? ON_DEMAND_LOOK_MS : PROVISIONED_LOOK_MS;
}

/**
 * How many invocations each of these event pollers may have at once.
 *
 * @param invocationsMax of all of them together, as far as each can have one
 */
export function invocationsPerPoller(scaling: Scaling, pollers: number, invocationsMax: number): number {
  const most = scaling.kind === "onDemand" ? ON_DEMAND_INVOCATIONS_PER_POLLER : PROVISIONED_INVOCATIONS_PER_POLLER;
  return Math.min(most, Math.max(1, Math.floor(invocationsMax / pollers)));
}

/** The event pollers that a mapping begins with. */
export function pollersAtStart(scaling: Scaling): number {
  return scaling.kind === "onDemand" ? 1 : scaling.pollersMin;
}

/**
 * How many event pollers a mapping should have. AWS says when it looks and what it looks at, not how it decides: here
 * pollers double while what has come up takes longer than the time since the last look, and become one fewer when
 * nothing is left behind. A throttled function halves them.
 */
export function pollersFor(scaling: Scaling, { pollers, partitions, lag, done, throttled }: Load): number {
  const min = scaling.kind === "onDemand" ? 1 : scaling.pollersMin;
  const max = Math.max(1, Math.min(partitions, scaling.kind === "onDemand" ? partitions : scaling.pollersMax));
  let wanted = pollers;
  if (throttled > 0) wanted = Math.ceil(pollers / 2);
  else if (lag > done) wanted = pollers * 2;
  else if (lag === 0) wanted = pollers - 1;
  return Math.min(max, Math.max(min, wanted));
}
