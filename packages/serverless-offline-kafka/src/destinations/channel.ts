import type { FailedBatch } from "./invocation-record.ts";

/** A way to hand a failed batch on, without any care for time or for what its errors look like. */
export interface Channel {
  /** What a person calls it: its ARN or `kafka://topic`. */
  readonly name: string;
  /** How long `send` may take. */
  limitMs(batch: FailedBatch): number;
  /** Resolves when the other side has acknowledged, with what it is known by there. */
  send(batch: FailedBatch, signal: AbortSignal): Promise<string>;
  /** An error of `send` in words. */
  explain(error: unknown): string;
  close(): Promise<void>;
}
