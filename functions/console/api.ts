import type { ProfileConfig } from "../../shared/agents/profile-threshold.ts";
import type { AlertMessage } from "../../shared/alerts/message.ts";

/**
 * What the console's function and its page say to each other. Times are ISO 8601 in UTC, amounts are in cents, and what could not be
 * found out is null. A refusal is an ErrorBody with the status of HTTP that says so.
 */

export interface ErrorBody {
  readonly error: { readonly code: ConsoleErrorCode; readonly message: string };
}

export type ConsoleErrorCode =
  | "NOT_FOUND"
  | "METHOD"
  | "INVALID"
  | "FORBIDDEN"
  | "READ_ONLY"
  /** What was asked for cannot be done as things stand. */
  | "CONFLICT"
  /** A server that is needed for it does not answer. */
  | "UNAVAILABLE"
  | "INTERNAL";

/** What the page has to know before it asks for anything else: GET /api/session. */
export interface Session {
  /** Who acts, as it is noted beside each action. */
  readonly actor: string;
  /** Actions are refused. */
  readonly readOnly: boolean;
  readonly stage: string;
}

// The path -----------------------------------------------------------------------------------------------------------------

/** `attention`: it works, and somebody should look before it does not. */
export type Health = "ok" | "attention" | "fault" | "unknown";

/** A server, connector, topic or group on the way from a row to an alert. */
export interface PathItem {
  readonly name: string;
  readonly health: Health;
  /** The figure that matters: "0 B behind", "1,204/min". */
  readonly figure: string;
  /** What is wrong, in a sentence, where something is. */
  readonly problem: string | null;
  /** Where in the console its cause is seen. */
  readonly href: string;
}

export interface PathStage {
  readonly id: "database" | "connectors" | "topics" | "groups" | "alerts";
  readonly title: string;
  readonly health: Health;
  readonly items: readonly PathItem[];
}

/** GET /api/overview */
export interface Overview {
  readonly at: string;
  /** In the order in which a transaction passes. */
  readonly path: readonly PathStage[];
  /** Of each whole minute and the running one, oldest first. null: PostgreSQL does not say. */
  readonly minutes: readonly AlertMinute[] | null;
  /** Of the last minute: from commit to alert, in milliseconds. */
  readonly delay: { readonly p50Ms: number; readonly p99Ms: number } | null;
}

export interface AlertMinute {
  readonly minute: string;
  /** By agent. */
  readonly alerts: Readonly<Record<string, number>>;
}

// Alerts -------------------------------------------------------------------------------------------------------------------

export const caseStatuses = ["open", "acknowledged", "false_positive"] as const;
export type CaseStatus = (typeof caseStatuses)[number];

export interface CaseView {
  readonly status: Exclude<CaseStatus, "open">;
  readonly note: string;
  readonly actor: string;
  readonly changedAt: string;
}

/** An alert as it is handed downstream, and what a person asks of it. */
export interface AlertView extends AlertMessage {
  /** In words: "3.4 × mean of 50 (1,415.44)". */
  readonly why: string;
  /** From commit to alert. */
  readonly delayMs: number;
  /** null: the transaction is gone. */
  readonly transaction: { readonly cardType: string | null; readonly merchantId: number | null } | null;
  /** null: open. */
  readonly case: CaseView | null;
}

/** GET /api/alerts?agent&user&card&from&to&status&before&limit, newest first. */
export interface AlertPage {
  /** When it was asked for: what is known of the alerts is known up to then. */
  readonly at: string;
  readonly alerts: readonly AlertView[];
  /** `before` of the next page; null: there are no more. */
  readonly next: string | null;
  /** How far back was looked when fewer were found than asked for, and there is more to look through. */
  readonly searchedTo: string | null;
}

/** GET /api/alerts/ID */
export interface AlertDetail extends AlertView {
  readonly forwarded: readonly { readonly channel: string; readonly forwardedAt: string }[];
}

/** POST /api/alerts/ID/case */
export interface CaseChange {
  readonly status: CaseStatus;
  readonly note?: string;
  /** `changedAt` of the case that was seen, null for an open one: what somebody else has said meanwhile is not written over. */
  readonly seen: string | null;
}

/** GET /api/users/USER */
export interface UserView {
  readonly userId: number;
  /** Newest first, the last 200. */
  readonly alerts: readonly AlertView[];
  /** The profile agent's rule, as it is configured now. */
  readonly rule: ProfileConfig;
}

/** GET /api/users/USER/transactions?before: those of a part of the table, newest first. */
export interface UserTransactionPage {
  readonly transactions: readonly UserTransaction[];
  /** The ids that were looked through, both included. */
  readonly from: number;
  readonly to: number;
  /** `before` of the next page; null: there are no earlier ones, of any user. */
  readonly next: string | null;
}

export interface UserTransaction {
  readonly id: number;
  readonly at: string | null;
  readonly amountCents: number | null;
  readonly cardType: string | null;
  readonly merchantId: number | null;
  /** The agents that raised an alert. */
  readonly agents: readonly string[];
}

// Temperature --------------------------------------------------------------------------------------------------------------

/** GET /api/temperature?hours */
export interface TemperatureView {
  readonly from: string;
  readonly to: string;
  readonly sensors: readonly SensorView[];
  /** The last report, in the words of the reporter; null: there has been none. */
  readonly lastReport: { readonly message: string; readonly windowEnd: string } | null;
}

export interface SensorView {
  readonly sensorId: string;
  /** In °C, oldest first. */
  readonly readings: readonly { readonly at: string; readonly celsius: number }[];
  readonly averages: readonly {
    readonly from: string;
    readonly to: string;
    readonly average: number;
    readonly minimum: number;
    readonly maximum: number;
    readonly readings: number;
  }[];
}

// Kafka --------------------------------------------------------------------------------------------------------------------

/** GET /api/topics */
export interface TopicList {
  readonly topics: readonly TopicSummary[];
}

export interface TopicSummary {
  readonly name: string;
  /** Kafka's own, Connect's, or Debezium's. */
  readonly internal: boolean;
  readonly partitions: number;
  readonly records: number;
  /** Records that came within the last minute. */
  readonly perMinute: number;
  /** On the disks of the brokers, all replicas together. */
  readonly bytes: number | null;
}

/** GET /api/topics/NAME */
export interface TopicView extends TopicSummary {
  readonly partitionList: readonly TopicPartition[];
  readonly config: readonly { readonly name: string; readonly value: string; readonly isDefault: boolean }[];
  /** The groups that have committed offsets in it. */
  readonly groups: readonly string[];
}

export interface TopicPartition {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly bytes: number | null;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

/**
 * GET /api/topics/NAME/messages?partition&from&text&limit: `from` is `start`, `end` (the newest ones), an offset (which wants a partition),
 * or a time.
 */
export interface MessagePage {
  readonly messages: readonly MessageView[];
  /** Where each partition was read to, for the next page; null: all was read to the end. */
  readonly next: string | null;
  /** How many records were looked at, for those that hold the text. */
  readonly searched: number;
}

export interface MessageView {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string;
  readonly key: string | null;
  /** null: a tombstone. Cut where it is very long. */
  readonly value: string | null;
  readonly isCut: boolean;
  readonly bytes: number;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Where it is a change event. */
  readonly change: ChangeView | null;
}

export interface ChangeView {
  readonly op: string;
  readonly table: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly committedAt: string;
  readonly lsn: number | null;
  readonly txId: number | null;
  /** In one line. */
  readonly summary: string;
}

/** GET /api/groups */
export interface GroupList {
  readonly groups: readonly GroupView[];
}

export interface GroupView {
  readonly group: string;
  /** Kafka's word: Stable, Empty, PreparingRebalance, … */
  readonly state: string;
  readonly members: readonly {
    readonly clientId: string;
    readonly host: string;
    readonly partitions: readonly string[];
  }[];
  readonly lag: number;
  readonly partitions: readonly GroupPartition[];
  /** The mapping that reads as this group, where one does. */
  readonly mapping: string | null;
}

export interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** null before the first commit. */
  readonly committed: number | null;
  readonly end: number;
  readonly lag: number | null;
}

/** POST /api/groups/NAME/offsets */
export interface OffsetReset {
  readonly topic: string;
  /** All, when left out. */
  readonly partitions?: readonly number[];
  readonly to: "start" | "end" | { readonly time: string } | { readonly offset: number };
  /** Says what would happen, and does nothing. */
  readonly preview: boolean;
}

export interface OffsetResetResult {
  readonly applied: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly from: number | null;
    readonly to: number;
    /** Records that will be read again, or, below zero, that will never be read. */
    readonly again: number;
  }[];
  /** What it means, in sentences. */
  readonly consequences: readonly string[];
  /** Why it cannot be done now, where it cannot. */
  readonly obstacle: string | null;
}

// Connectors and mappings --------------------------------------------------------------------------------------------------

/** GET /api/connectors */
export interface ConnectorList {
  readonly connectors: readonly ConnectorView[];
}

export const connectorActions = ["restart", "pause", "resume"] as const;
/** POST /api/connectors/NAME/ACTION */
export type ConnectorAction = (typeof connectorActions)[number];

export interface ConnectorView {
  readonly name: string;
  readonly state: string;
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace: string | null }[];
  /** Secrets are masked. */
  readonly config: readonly { readonly name: string; readonly value: string }[];
  /** What can be done in its state. */
  readonly actions: readonly ConnectorAction[];
}

/** GET /api/mappings */
export interface MappingList {
  readonly mappings: readonly MappingView[];
}

export const mappingActions = ["pause", "resume"] as const;
/** POST /api/mappings/NAME/ACTION; a mapping's offsets are set as those of its group. */
export type MappingAction = (typeof mappingActions)[number];

export interface MappingView {
  readonly name: string;
  readonly functionName: string;
  readonly topic: string;
  readonly group: string;
  /** running, failing, paused, waiting, disabled; on AWS the state of the mapping. */
  readonly state: string;
  readonly lag: number | null;
  readonly pollers: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly committed: number | null;
    readonly end: number | null;
    readonly lag: number | null;
    /** The first record of a batch that failed and is tried again. */
    readonly failingFrom: number | null;
  }[];
  /** By AWS's names. */
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
  readonly actions: readonly MappingAction[];
}

/** GET /api/failed-records?before, newest first. */
export interface FailedRecordPage {
  readonly records: readonly FailedRecordView[];
  readonly next: string | null;
}

export interface FailedRecordView {
  /** Its place in the topic of failed records. */
  readonly partition: number;
  readonly offset: number;
  readonly failedAt: string;
  readonly functionName: string;
  /** AWS's word: RetryAttemptsExhausted, … */
  readonly condition: string;
  readonly attempts: number;
  /** Why it cannot be judged, as far as looking at it again says; null: nothing is wrong with it by itself. */
  readonly cause: string | null;
  /** What was put aside; more than one where a batch could not be divided. */
  readonly records: readonly (Pick<MessageView, "partition" | "offset" | "timestamp" | "key" | "value" | "isCut"> & {
    readonly topic: string;
  })[];
  readonly redriven: { readonly at: string; readonly actor: string } | null;
}

/** POST /api/failed-records/PARTITION/OFFSET/redrive: the records are written to their topic again, and get new offsets. */
export interface RedriveResult {
  readonly written: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
}

// Audit --------------------------------------------------------------------------------------------------------------------

/** GET /api/audit?before, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next: string | null;
}

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly actor: string;
  /** `connector.restart`, `group.offsets`, `alert.case`, … */
  readonly action: string;
  readonly target: string;
  readonly detail: unknown;
  /** `done`, or why it was not. */
  readonly outcome: string;
}
