import * as v from "valibot";

/** More than `threshold` times the mean of the `count` amounts before; exact in cents: amount × count > threshold × sumCents. */
const RatioReason = v.object({
  rule: v.literal("ratio"),
  count: v.number(),
  sumCents: v.number(),
  /** Rounded, for reading. */
  meanCents: v.number(),
  threshold: v.number(),
});

/** More than `threshold` sample standard deviations above the mean of the `count` amounts before. */
const SigmaReason = v.object({
  rule: v.literal("sigma"),
  count: v.number(),
  meanCents: v.number(),
  deviationCents: v.number(),
  threshold: v.number(),
});

/** `windowCount` transactions within `windowSeconds`, this one included, and what each part added to the score. */
const VelocityReason = v.object({
  rule: v.literal("velocity"),
  score: v.number(),
  windowCount: v.number(),
  windowSeconds: v.number(),
  parts: v.object({ velocity: v.number(), amount: v.number(), amex: v.number() }),
});

export const AlertReason = v.variant("rule", [RatioReason, SigmaReason, VelocityReason]);

export type RatioReason = v.InferOutput<typeof RatioReason>;
export type SigmaReason = v.InferOutput<typeof SigmaReason>;
export type VelocityReason = v.InferOutput<typeof VelocityReason>;
/** Why an alert was raised, in figures: fraud.alerts.reason. */
export type AlertReason = v.InferOutput<typeof AlertReason>;

/** An alert as an agent raises it: a row of fraud.alerts, but for created_at, which PostgreSQL fills in. */
export interface Alert {
  /** The same for the same rule, rule version and transaction, however often the transaction is judged. */
  readonly alertId: string;
  readonly agent: string;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly transactionId: number;
  readonly userId: number;
  readonly amountCents: number;
  /** An AlertReason for the two agents that come along; an agent of somebody else has its own. */
  readonly reason: object;
  /** Of a transaction that was read by a snapshot, not as it happened. */
  readonly historical: boolean;
  /** Where the transaction was in Kafka. */
  readonly topic: string;
  readonly partition: number;
  readonly kafkaOffset: number;
  /** When the transaction was committed in PostgreSQL, microseconds since 1970. */
  readonly committedAtMicros: number;
}

/**
 * An alert as it is read back from fraud.alerts. Who forwards alerts may be older than who raised them: an agent or a rule that it
 * has not heard of (a model that scores in place of the rules) must pass through, not block the rest.
 */
export interface StoredAlert extends Omit<Alert, "reason"> {
  readonly reason: unknown;
  /** When PostgreSQL stored the alert, microseconds since 1970. */
  readonly createdAtMicros: number;
}
