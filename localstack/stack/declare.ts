import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateTopicCommand, ListTopicsCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { declaredConnectors } from "../../shared/connectors/index.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { reasonOf, StackError } from "./errors.ts";
import { paths, projectRoot, type Settings } from "./settings.ts";

/** What must exist once the servers answer. Every function here may run again and again. */

export const databases = ["mydb", "activity"] as const;

/** Makes the databases and brings each to the last migration in migrations/NAME. */
export async function declareDatabases(settings: Settings, log: (line: string) => void): Promise<void> {
  const client = new pg.Client({ ...settings.postgres, database: "postgres" });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
    for (const name of databases) {
      if (rows.some((row) => row.datname === name)) continue;
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      log(`database ${name}: created`);
    }
  } finally {
    await client.end();
  }
  for (const name of databases) {
    try {
      const done = await runner({
        databaseUrl: { ...settings.postgres, database: name },
        dir: join(projectRoot, "migrations", name),
        migrationsTable: "migrations",
        migrationsSchema: "tripline",
        createMigrationsSchema: true,
        direction: "up",
        log: () => {},
      });
      for (const migration of done) log(`database ${name}: migration ${migration.name} applied`);
    } catch (cause) {
      throw new StackError("DECLARATION", `A migration of database ${name} failed: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** Makes the topics, and gives one that has fewer partitions than declared the missing ones. */
export async function declareTopics(settings: Settings, log: (line: string) => void): Promise<void> {
  const admin = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-declare" }).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = Object.values(topics).filter((topic) => !existing.has(topic.name));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: 1,
        configEntries: Object.entries("config" in topic ? topic.config : {}).map(([name, value]) => ({ name, value })),
      })),
    });
    for (const topic of missing) log(`topic ${topic.name}: created, partitions: ${topic.partitions}`);
    const present = Object.values(topics).filter((topic) => existing.has(topic.name));
    const metadata = await admin.fetchTopicMetadata({ topics: present.map((topic) => topic.name) });
    for (const { name, partitions } of metadata.topics) {
      const declared = present.find((topic) => topic.name === name);
      if (declared !== undefined && partitions.length !== declared.partitions) {
        // A user's history would be in one partition and its next transaction in another: not to be done in passing.
        throw new StackError(
          "DECLARATION",
          `Topic ${name} has ${partitions.length} partitions and shared/kafka/topics.ts says ${declared.partitions}. Changing it moves users between partitions: run 'npx tripline reset' to start afresh.`,
        );
      }
    }
  } finally {
    await admin.disconnect();
  }
}

/** What the functions need to know of this stack; serverless.yml reads it from outputs.json. */
export interface Outputs {
  postgresPort: string;
  /** Where `sls offline kafka` finds the event source mappings. */
  functionsAdminPort: string;
  bootstrapServers: string;
  awsUrl: string;
  /** Empty without the local AWS. */
  alertsTopicArn: string;
}

const awsClient = (settings: Settings) => ({
  endpoint: settings.awsUrl,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});

const alertsTopicName = "fraud-alerts";

/** Does the local AWS still know what declareAws made? An AWS that cannot be asked counts as one that does not. */
export async function hasAwsResources(settings: Settings): Promise<boolean> {
  const sns = new SNSClient({ ...awsClient(settings), maxAttempts: 1 });
  try {
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    return Topics.some(({ TopicArn }) => TopicArn?.endsWith(`:${alertsTopicName}`));
  } catch {
    return false;
  } finally {
    sns.destroy();
  }
}

/** Makes the SNS topic, and a queue for each downstream system that listens to it; in MiniStack and LocalStack alike. */
export async function declareAws(settings: Settings, log: (line: string) => void): Promise<void> {
  const client = awsClient(settings);
  const [sns, sqs] = [new SNSClient(client), new SQSClient(client)];
  try {
    const { TopicArn: alertsTopicArn } = await sns.send(new CreateTopicCommand({ Name: alertsTopicName }));
    if (alertsTopicArn === undefined) throw new Error("CreateTopic answered without an ARN");
    for (const name of ["fraud-alerts-dashboard", "fraud-alerts-case-management"]) {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
      await sns.send(
        new SubscribeCommand({
          TopicArn: alertsTopicArn,
          Protocol: "sqs",
          Endpoint: Attributes?.["QueueArn"],
          Attributes: { RawMessageDelivery: "true" },
        }),
      );
    }
    await writeOutputs(settings, alertsTopicArn);
    log(`SNS topic ${alertsTopicName} with queues fraud-alerts-dashboard and fraud-alerts-case-management: ready`);
  } finally {
    sns.destroy();
    sqs.destroy();
  }
}

/** Without the local AWS the functions are told so: alerts go to the log and the webhook. */
export async function declareNoAws(settings: Settings): Promise<void> {
  await writeOutputs(settings, "");
}

async function writeOutputs(settings: Settings, alertsTopicArn: string): Promise<void> {
  const outputs: Outputs = {
    postgresPort: String(settings.ports.postgres),
    functionsAdminPort: String(settings.ports.functionsAdmin),
    bootstrapServers: settings.bootstrapServers,
    awsUrl: settings.awsUrl,
    alertsTopicArn,
  };
  await writeFile(paths(settings).outputs, `${JSON.stringify(outputs, undefined, 2)}\n`);
}

/** The connectors as this environment registers them; `postgres` is the database as Connect sees it. */
export async function connectorsFor(settings: Settings, postgres: { host: string; port: number }) {
  return declaredConnectors({
    "postgres.host": postgres.host,
    "postgres.port": String(postgres.port),
    "postgres.user": settings.postgres.user,
    "postgres.password": settings.postgres.password,
    "topics.transactions.partitions": String(topics.transactions.partitions),
  });
}
