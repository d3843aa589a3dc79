/** A topic that the system needs. */
export interface Topic {
  name: string;
  partitions: number;
  config?: Record<string, string>;
}

/**
 * The topics, made before anything writes to them: a topic that Connect made on its own would have one partition, and
 * a user's transactions would move between partitions when it grew.
 */
export const topics = {
  /** Partitioned by user (see the connector's PartitionRouting), so that one agent instance sees all of a user. */
  transactions: { name: "dbserver1.public.transactions", partitions: 8 },
  /** Keyed by alert. */
  alerts: { name: "dbserver1.fraud.alerts", partitions: 4 },
  activity: { name: "dbserver1.public.activity", partitions: 1 },
  /** Records that an agent cannot judge, with what became of them: each is a third larger here, and has its metadata. */
  failedRecords: {
    name: "fraud.failed-records",
    partitions: 1,
    config: { "max.message.bytes": "8388608", "retention.ms": "2592000000" },
  },
  /** Debezium writes here so that a slot whose table is quiet still moves on. Only the last hour is of interest. */
  heartbeat: {
    name: "__debezium-heartbeat.dbserver1",
    partitions: 1,
    config: { "retention.ms": "3600000" },
  },
} as const satisfies Record<string, Topic>;

export const groups = {
  profile: "fraud-profile-agent",
  velocity: "fraud-velocity-agent",
  forwarder: "alert-forwarder",
  activity: "activity-viewer",
} as const;
