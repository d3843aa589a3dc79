import { topics } from "../shared/kafka/topics.ts";
import { isAskedByHttp, mappingsOf, type Service } from "./service.ts";
import { attribute, type Deployment, logicalId, type Resource, type Resources, ref } from "./template.ts";

/** What is measured, when it is too much, and for how long. */
interface Alarm {
  /** The same heading is in docs/deploy.md, with what to do. */
  readonly title: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
  readonly statistic: "Sum" | "Maximum" | "Minimum" | "Average";
  readonly periodSeconds: number;
  /** In a row. */
  readonly periods: number;
  readonly is: ">" | "<";
  readonly threshold: unknown;
  /** Silence is what an error counter does when all is well, and what a connector does when it is gone. */
  readonly silenceIs: "fine" | "alarming";
  /** What it looks at is not there in an emulator. */
  readonly awsOnly?: boolean;
  /** What it looks at, where its dimensions name it only: an alarm that is made before would ring. */
  readonly after?: string;
}

const minutes = 60;

/** Of what is counted only when something went wrong. */
const anyAtAll = { statistic: "Sum", is: ">", threshold: 0, silenceIs: "fine" } as const;

/** As many as resources/kafka.yml asks for. */
const brokers = 3;

export interface Limits {
  /** How much write-ahead log a slot may hold back before it is lost, in MB (max_slot_wal_keep_size). */
  readonly slotLogMB: number;
  readonly storageGiB: number;
}

function alarms(
  { name, connectors }: Deployment,
  service: Service,
  { slotLogMB, storageGiB }: Limits,
): Readonly<Record<string, Alarm>> {
  const database = { DBInstanceIdentifier: ref("Database") };
  const cluster = { "Cluster Name": name };
  /** Which of its two metrics a version of RDS has differs. */
  const slotBehind = {
    title: "Replication slot behind",
    namespace: "AWS/RDS",
    dimensions: database,
    statistic: "Maximum",
    periodSeconds: minutes,
    periods: 5,
    is: ">",
    // Half of what a slot may hold back: as long again until it is lost.
    threshold: (slotLogMB * 1024 ** 2) / 2,
    silenceIs: "fine",
  } as const;
  const all: Record<string, Alarm> = {
    SlotBehind: { ...slotBehind, metric: "OldestReplicationSlotLag" },
    LogicalSlotBehind: { ...slotBehind, metric: "OldestLogicalReplicationSlotLag" },
    DatabaseStorageLow: {
      title: "Database storage low",
      namespace: "AWS/RDS",
      metric: "FreeStorageSpace",
      dimensions: database,
      statistic: "Minimum",
      periodSeconds: 5 * minutes,
      periods: 2,
      is: "<",
      // Less than a slot may still hold back: the disk could be full before the slot is given up.
      threshold: Math.max((storageGiB * 1024 ** 3) / 5, slotLogMB * 1024 ** 2),
      silenceIs: "alarming",
    },
    DatabaseMemoryLow: {
      title: "Database memory low",
      namespace: "AWS/RDS",
      metric: "FreeableMemory",
      dimensions: database,
      statistic: "Minimum",
      periodSeconds: 5 * minutes,
      periods: 3,
      is: "<",
      threshold: 256 * 1024 ** 2,
      silenceIs: "alarming",
    },
    DatabaseLogLarge: {
      title: "Write-ahead log large",
      namespace: "AWS/RDS",
      metric: "TransactionLogsDiskUsage",
      dimensions: database,
      statistic: "Maximum",
      periodSeconds: 5 * minutes,
      periods: 2,
      is: ">",
      // Should the metrics of slots be silent.
      threshold: (slotLogMB * 1024 ** 2 * 3) / 4,
      silenceIs: "fine",
    },
    DatabaseBusy: {
      title: "Database busy",
      namespace: "AWS/RDS",
      metric: "CPUUtilization",
      dimensions: database,
      statistic: "Average",
      periodSeconds: 5 * minutes,
      periods: 3,
      is: ">",
      threshold: 85,
      silenceIs: "alarming",
    },
    KafkaWithoutController: {
      title: "Kafka without controller",
      namespace: "AWS/Kafka",
      metric: "ActiveControllerCount",
      dimensions: cluster,
      statistic: "Maximum",
      periodSeconds: minutes,
      periods: 5,
      is: "<",
      threshold: 1,
      // Not every kind of cluster reports it. Without Kafka, mappings and connectors ring.
      silenceIs: "fine",
      awsOnly: true,
    },
    KafkaPartitionsOffline: {
      title: "Kafka partitions offline",
      namespace: "AWS/Kafka",
      metric: "OfflinePartitionsCount",
      dimensions: cluster,
      statistic: "Maximum",
      periodSeconds: minutes,
      periods: 3,
      is: ">",
      threshold: 0,
      silenceIs: "fine",
      awsOnly: true,
    },
    RecordsSkipped: {
      title: "Records skipped",
      namespace: "Tripline",
      metric: "RecordsSkipped",
      dimensions: { service: name },
      ...anyAtAll,
      periodSeconds: minutes,
      periods: 1,
    },
    FlowsRejected: {
      title: "Connections turned away",
      namespace: name,
      metric: "RejectedFlows",
      dimensions: {},
      ...anyAtAll,
      periodSeconds: 5 * minutes,
      // A connection that ended while a packet was on its way is noted as well: once, and not for a quarter of an hour.
      periods: 3,
      awsOnly: true,
    },
    PasswordNotChanged: {
      title: "Password not changed",
      namespace: "AWS/Lambda",
      metric: "Invocations",
      dimensions: { FunctionName: ref("RotatePasswordLambdaFunction") },
      statistic: "Sum",
      // Every three days, says resources/database.yml. An alarm looks back for seven.
      periodSeconds: 24 * 60 * minutes,
      periods: 7,
      is: "<",
      threshold: 1,
      silenceIs: "alarming",
      awsOnly: true,
      // Which begins with one.
      after: "CaptureSecretRotation",
    },
    AlertsNotPublished: {
      title: "Alerts undelivered",
      namespace: "AWS/SNS",
      metric: "NumberOfNotificationsFailed",
      dimensions: { TopicName: attribute("AlertsTopic", "TopicName") },
      ...anyAtAll,
      periodSeconds: minutes,
      periods: 1,
    },
    AlertsUndelivered: {
      title: "Alerts undelivered",
      namespace: "AWS/SQS",
      metric: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: attribute("UndeliveredAlerts", "QueueName") },
      statistic: "Maximum",
      periodSeconds: minutes,
      periods: 1,
      is: ">",
      threshold: 0,
      silenceIs: "fine",
    },
  };
  for (const queue of ["DashboardQueue", "CaseManagementQueue"]) {
    all[`${queue}Old`] = {
      title: "Alerts not collected",
      namespace: "AWS/SQS",
      metric: "ApproximateAgeOfOldestMessage",
      dimensions: { QueueName: attribute(queue, "QueueName") },
      statistic: "Maximum",
      periodSeconds: 5 * minutes,
      periods: 3,
      is: ">",
      threshold: 60 * minutes,
      silenceIs: "fine",
    };
  }
  for (let broker = 1; broker <= brokers; broker++) {
    const common = {
      namespace: "AWS/Kafka",
      dimensions: { ...cluster, "Broker ID": String(broker) },
      statistic: "Maximum",
      is: ">",
      silenceIs: "fine",
      awsOnly: true,
    } as const;
    all[`Kafka${broker}StorageLow`] = {
      ...common,
      title: "Kafka storage low",
      metric: "KafkaDataLogsDiskUsed",
      periodSeconds: 5 * minutes,
      periods: 2,
      threshold: 80,
    };
    all[`Kafka${broker}BelowMinimum`] = {
      ...common,
      title: "Kafka below its replicas",
      metric: "UnderMinIsrPartitionCount",
      periodSeconds: minutes,
      periods: 5,
      threshold: 0,
    };
  }
  for (const [connector, deployedName] of connectors) {
    const dimensions = { ConnectorName: deployedName };
    const common = { namespace: "AWS/KafkaConnect", dimensions, periodSeconds: minutes, awsOnly: true } as const;
    all[`${logicalId(connector)}Failed`] = {
      ...common,
      title: "Connector failed",
      metric: "ErroredTaskCount",
      statistic: "Maximum",
      periods: 2,
      is: ">",
      threshold: 0,
      silenceIs: "fine",
    };
    all[`${logicalId(connector)}Stopped`] = {
      ...common,
      title: "Connector stopped",
      after: logicalId(connector),
      metric: "RunningTaskCount",
      statistic: "Maximum",
      periods: 5,
      is: "<",
      threshold: 1,
      silenceIs: "alarming",
    };
  }
  for (const { functionName, id, topic, failedRecords } of mappingsOf(service)) {
    const common = {
      namespace: "AWS/Lambda",
      dimensions: { EventSourceMappingUUID: ref(id) },
      awsOnly: true,
    } as const;
    const prefix = logicalId(functionName);
    all[`${prefix}Behind`] = {
      ...common,
      title: "Function behind its topic",
      metric: "MaxOffsetLag",
      statistic: "Maximum",
      periodSeconds: minutes,
      periods: 10,
      is: ">",
      // Alerts are few, and each waits for somebody.
      threshold: topic === topics.alerts.name ? 500 : 100_000,
      silenceIs: "fine",
    };
    all[`${prefix}NotPolled`] = {
      ...common,
      title: "Mapping does not poll",
      metric: "PolledEventCount",
      // Zero is reported when there was nothing to read: only silence is less than that.
      statistic: "Sum",
      periodSeconds: 5 * minutes,
      periods: 3,
      is: "<",
      threshold: 0,
      silenceIs: "alarming",
    };
    const lost = [
      ["Dropped", "Records lost", "DroppedEventCount"],
      ["NotPutAside", "Records lost", "OnFailureDestinationDeliveryErrorCount"],
    ] as const;
    const putAside = ["PutAside", "Records put aside", "OnFailureDestinationDeliveredEventCount"] as const;
    for (const [suffix, title, metric] of failedRecords === undefined ? lost : [...lost, putAside]) {
      all[`${prefix}${suffix}`] = {
        ...common,
        title,
        metric,
        ...anyAtAll,
        periodSeconds: minutes,
        periods: 1,
      };
    }
  }
  if (Object.values(service.functions).some(isAskedByHttp)) {
    all["ConsoleRefused"] = {
      title: "Console refuses",
      namespace: "AWS/ApiGateway",
      metric: "4xx",
      dimensions: { ApiId: ref("HttpApi") },
      statistic: "Sum",
      periodSeconds: 5 * minutes,
      // A page that somebody has left open while his credentials expired is refused as well: not as often, nor for as long.
      periods: 3,
      is: ">",
      threshold: 1_000,
      silenceIs: "fine",
      awsOnly: true,
    };
  }
  const readers = new Set(mappingsOf(service).map(({ functionName }) => functionName));
  for (const functionName of Object.keys(service.functions)) {
    const prefix = logicalId(functionName);
    const common = { namespace: "AWS/Lambda", dimensions: { FunctionName: ref(`${prefix}LambdaFunction`) } } as const;
    const isReader = readers.has(functionName);
    all[`${prefix}Failing`] = {
      ...common,
      ...anyAtAll,
      title: "Function fails",
      metric: "Errors",
      periodSeconds: 5 * minutes,
      // A mapping tries again by itself. The others run seldom: the first failure is worth knowing.
      periods: isReader ? 2 : 1,
    };
    const schedule = scheduleSeconds(service, functionName);
    if (schedule !== undefined) {
      all[`${prefix}Idle`] = {
        ...common,
        title: "Schedule stopped",
        metric: "Invocations",
        statistic: "Sum",
        // Time for a few calls.
        periodSeconds: schedule * 3,
        periods: 1,
        is: "<",
        threshold: 1,
        silenceIs: "alarming",
        awsOnly: true,
      };
    }
    all[`${prefix}Throttled`] = {
      ...common,
      ...anyAtAll,
      title: "Function throttled",
      metric: "Throttles",
      periodSeconds: 5 * minutes,
      // A mapping and a page ask again by themselves: a few are turned away when several people open one at once.
      periods: isReader || isAskedByHttp(service.functions[functionName] ?? {}) ? 3 : 1,
    };
  }
  return all;
}

/** How often a function is called by its schedule, such as rate(10 minutes). */
function scheduleSeconds(service: Service, functionName: string): number | undefined {
  const schedule = service.functions[functionName]?.events?.find((event) => event.schedule !== undefined)?.schedule;
  if (schedule === undefined) return undefined;
  const [, count, unit = ""] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  const seconds = { minute: 60, hour: 3_600, day: 86_400 }[unit];
  if (seconds === undefined) throw new Error(`${functionName}: an alarm knows rate(…) schedules only, not ${schedule}`);
  return Number(count) * seconds;
}

export function alarmResources(deployment: Deployment, service: Service, limits: Limits): Resources {
  const resources: Resources = {};
  for (const [id, alarm] of Object.entries(alarms(deployment, service, limits)))
    resources[`${id}Alarm`] = alarmResource(alarm);
  return resources;
}

function alarmResource(alarm: Alarm): Resource {
  return {
    Type: "AWS::CloudWatch::Alarm",
    ...(alarm.awsOnly ? { Condition: "IsAws" } : {}),
    ...(alarm.after === undefined ? {} : { DependsOn: [alarm.after] }),
    Properties: {
      AlarmDescription: `${alarm.title}: see this heading in docs/deploy.md`,
      Namespace: alarm.namespace,
      MetricName: alarm.metric,
      Dimensions: Object.entries(alarm.dimensions).map(([Name, Value]) => ({ Name, Value })),
      Statistic: alarm.statistic,
      Period: alarm.periodSeconds,
      EvaluationPeriods: alarm.periods,
      DatapointsToAlarm: alarm.periods,
      ComparisonOperator: alarm.is === ">" ? "GreaterThanThreshold" : "LessThanThreshold",
      Threshold: alarm.threshold,
      TreatMissingData: alarm.silenceIs === "fine" ? "notBreaching" : "breaching",
      AlarmActions: [ref("AlarmsTopic")],
      OKActions: [ref("AlarmsTopic")],
    },
  };
}
