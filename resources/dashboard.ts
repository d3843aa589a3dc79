import { topics } from "../shared/kafka/topics.ts";
import { mappingsOf, type Service } from "./service.ts";
import { type Deployment, type Resources, sub } from "./template.ts";

/** A metric as a dashboard writes it: namespace, name, dimensions in turn, options. */
type Metric = readonly unknown[];

const placeholder = (name: string) => `\${${name}}`;
const region = placeholder("AWS::Region");
const columns = 24;
const height = 6;

/** The path of a transaction from left to right and top to bottom, with what is late or wrong at each step. */
export function dashboard({ name, connectors }: Deployment, service: Service, alarmIds: readonly string[]): Resources {
  const mappings = mappingsOf(service);
  const cluster = ["Cluster Name", name];
  const graphs: { title: string; metrics: Metric[]; stat?: string }[] = [
    {
      title: "Replication slots: write-ahead log that waits for Debezium (bytes)",
      metrics: [["AWS/RDS", "OldestReplicationSlotLag", "DBInstanceIdentifier", placeholder("Database")]],
      stat: "Maximum",
    },
    {
      title: "Rows captured a second",
      metrics: [...connectors].map(([connector, deployedName]) => [
        "AWS/KafkaConnect",
        "SourceRecordWriteRate",
        "ConnectorName",
        deployedName,
        { label: connector },
      ]),
    },
    {
      title: "Records behind, by function",
      metrics: mappings.map(({ functionName, id }) => [
        "AWS/Lambda",
        "SumOffsetLag",
        "EventSourceMappingUUID",
        placeholder(id),
        { label: functionName },
      ]),
      stat: "Maximum",
    },
    {
      title: "Seconds behind (transactions)",
      metrics: mappings
        .filter(({ topic }) => topic === topics.transactions.name)
        .map(({ functionName, group, topic }) => [
          "AWS/Kafka",
          "EstimatedMaxTimeLag",
          ...cluster,
          "Consumer Group",
          group,
          "Topic",
          topic,
          { label: functionName },
        ]),
      stat: "Maximum",
    },
    {
      title: "Judged and alerted",
      metrics: ["TransactionsJudged", "TransactionsRepeated", "AlertsRaised"].map((metric) => [
        "Tripline",
        metric,
        "service",
        name,
      ]),
      stat: "Sum",
    },
    {
      title: "Records put aside",
      metrics: mappings
        .filter(({ failedRecords }) => failedRecords !== undefined)
        .map(({ functionName, id }) => [
          "AWS/Lambda",
          "OnFailureDestinationDeliveredEventCount",
          "EventSourceMappingUUID",
          placeholder(id),
          { label: functionName },
        ]),
      stat: "Sum",
    },
    {
      title: "Alerts that wait for a downstream system",
      metrics: ["DashboardQueue", "CaseManagementQueue", "UndeliveredAlerts"].map((queue) => [
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "QueueName",
        placeholder(`${queue}.QueueName`),
      ]),
      stat: "Maximum",
    },
    {
      title: "Function errors",
      metrics: Object.keys(service.functions).map((functionName) => [
        "AWS/Lambda",
        "Errors",
        "FunctionName",
        `${name}-${functionName}`,
        { label: functionName },
      ]),
      stat: "Sum",
    },
    {
      title: "PostgreSQL: CPU (%)",
      metrics: [["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", placeholder("Database")]],
    },
  ];
  const widgets: unknown[] = [
    {
      type: "alarm",
      x: 0,
      y: 0,
      width: columns,
      height,
      properties: {
        title: "Alarms",
        alarms: alarmIds.map((id) => placeholder(`${id}.Arn`)),
      },
    },
    ...graphs.map(({ title, metrics, stat = "Average" }, i) => ({
      type: "metric",
      x: (i % 3) * (columns / 3),
      y: height * (1 + Math.floor(i / 3)),
      width: columns / 3,
      height,
      properties: { title, region, view: "timeSeries", stat, period: 60, metrics },
    })),
  ];
  return {
    Dashboard: {
      Type: "AWS::CloudWatch::Dashboard",
      Condition: "IsAws",
      Properties: { DashboardName: name, DashboardBody: sub(JSON.stringify({ widgets })) },
    },
  };
}
