import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateTopicCommand, ListTopicsCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { declaredConnectors } from "../../shared/connectors/index.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { declareTopics as declareTopicsOf, TopicError } from "../../shared/kafka/declare.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { PostgresError } from "../../shared/postgres/errors.ts";
import { migrateDatabases } from "../../shared/postgres/migrate.ts";
import { StackError } from "./errors.ts";
import { consolePort, paths, projectRoot, type Settings } from "./settings.ts";
import type { StackState } from "./state.ts";

/** What must exist once the servers answer. Every function here may run again and again. */

/** Makes the databases and brings each to the last migration in migrations/NAME. */
export async function declareDatabases(settings: Settings, log: (line: string) => void): Promise<void> {
  await migrateDatabases({ connection: settings.postgres, folder: join(projectRoot, "migrations"), log }).catch(
    asStackError,
  );
}

/** Makes the topics. */
export async function declareTopics(settings: Settings, log: (line: string) => void): Promise<void> {
  const kafka = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-declare" });
  await declareTopicsOf(kafka, log).catch(asStackError);
}

/** What is declared otherwise than it is stays so until somebody decides; a server that is away is tried again. */
function asStackError(cause: unknown): never {
  if (cause instanceof TopicError) {
    throw new StackError("DECLARATION", `${cause.message} Run 'npx tripline reset' to start afresh.`, { cause });
  }
  if (cause instanceof PostgresError) throw new StackError("DECLARATION", cause.message, { cause });
  throw cause;
}

/** What the functions need to know of this stack; serverless.yml reads it from outputs.json. */
export interface Outputs {
  postgresPort: string;
  /** Where `sls offline` listens: for the console, for calls of functions, and for `sls offline kafka`. */
  functionsHttpPort: string;
  functionsLambdaPort: string;
  functionsAdminPort: string;
  bootstrapServers: string;
  connectUrl: string;
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
export async function declareAws(
  settings: Settings,
  mode: StackState["mode"],
  log: (line: string) => void,
): Promise<void> {
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
    await writeOutputs(settings, mode, alertsTopicArn);
    log(`SNS topic ${alertsTopicName} with queues fraud-alerts-dashboard and fraud-alerts-case-management: ready`);
  } finally {
    sns.destroy();
    sqs.destroy();
  }
}

/** Without the local AWS the functions are told so: alerts go to the log and the webhook. */
export async function declareNoAws(settings: Settings, mode: StackState["mode"]): Promise<void> {
  await writeOutputs(settings, mode, "");
}

/** The ports of one `sls offline`. */
export function functionPorts(
  settings: Pick<Settings, "ports">,
  mode: StackState["mode"] = "native",
): Pick<Outputs, "functionsHttpPort" | "functionsLambdaPort" | "functionsAdminPort"> {
  return {
    functionsHttpPort: String(consolePort(settings, mode)),
    functionsLambdaPort: String(settings.ports.functionsLambda),
    functionsAdminPort: String(settings.ports.functionsAdmin),
  };
}

async function writeOutputs(settings: Settings, mode: StackState["mode"], alertsTopicArn: string): Promise<void> {
  const outputs: Outputs = {
    postgresPort: String(settings.ports.postgres),
    ...functionPorts(settings, mode),
    bootstrapServers: settings.bootstrapServers,
    connectUrl: settings.connectUrl,
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
