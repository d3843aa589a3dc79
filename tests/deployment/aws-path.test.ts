import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { administratorPassword } from "../../functions/prepareDatabase/administrator.ts";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { readDatabaseSecret } from "../../shared/aws/database-secret.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { administrator, users } from "../../shared/postgres/users.ts";
import { eventually, TestStack } from "../integration/stack.ts";
import { invoke, provision } from "./bundle.ts";
import { type Identity, makeAuthority, makeIdentity } from "./certificates.ts";
import { ConnectWorker } from "./connect-worker.ts";
import { Impostor } from "./impostor.ts";
import { Packaged } from "./packaged.ts";
import { WatchedAws } from "./watched-aws.ts";

// What is deployed, as it is packaged, on the real PostgreSQL, Kafka and Connect: functions as users with the rights that they get on
// AWS, Debezium from the archive for MSK Connect.

const minute = 60_000;
jest.setTimeout(5 * minute);

const stack = new TestStack(14_000);
const { postgres } = stack.settings;
const packaged = new Packaged("prod");
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const aws = { endpoint: stack.settings.awsUrl, region: "us-east-1", credentials };
const secrets = new SecretsManagerClient(aws);
const folders = new Map<string, string>();

/** What Lambda has in the environment of every function, and the address of the AWS that answers here. */
const lambdaEnvironment: Record<string, string> = {
  AWS_ENDPOINT_URL: stack.settings.awsUrl,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  PGHOST: postgres.host,
  PGPORT: String(postgres.port),
};

const testPassword = "of-the-test";
let alertsTopicArn = "";

const as = (user: string): Record<string, string> => ({
  ...lambdaEnvironment,
  PGUSER: user,
  PGPASSWORD: testPassword,
  PGDATABASE: "mydb",
});

async function folderOf(functionName: string): Promise<string> {
  const folder = folders.get(functionName) ?? (await packaged.unpack(functionName));
  folders.set(functionName, folder);
  return folder;
}

const call = async (functionName: string, event: unknown, environment: Record<string, string>) =>
  invoke(await folderOf(functionName), functionName, event, environment);

/** A statement as one of the users. */
async function query(user: string, password: string, database: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ host: postgres.host, port: postgres.port, user, password, database });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  const [up] = await Promise.all([stack.run("up", "--json"), packaged.make()]);
  if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
  // RDS has these, and no superuser for us. The stack's databases were made by postgres.
  await stack.query(
    "postgres",
    `create role ${administrator} login createrole createdb password '${testPassword}' in role ${postgres.user}`,
  );
  for (const role of ["rds_iam", "rds_replication"]) {
    await stack.query("postgres", `create role ${role}`);
    await stack.query("postgres", `grant ${role} to ${administrator} with admin true, inherit false, set false`);
  }
  const secret = (Name: string, value: object) =>
    secrets.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }));
  await secret("administrator", { username: administrator, password: testPassword });
  await secret("capture", { username: users.capture, password: "first-password" });
  const sns = new SNSClient(aws);
  alertsTopicArn = (await sns.send(new CreateTopicCommand({ Name: "deployed-alerts" }))).TopicArn ?? "";
  sns.destroy();
}, 10 * minute);

afterAll(async () => {
  secrets.destroy();
  packaged.remove();
  await stack.remove();
}, 2 * minute);

const prepare = async () =>
  provision(
    await folderOf("prepareDatabase"),
    "prepareDatabase",
    { AdministratorSecret: "administrator", CaptureSecret: "capture", Revision: "1" },
    lambdaEnvironment,
  );

describe("prepareDatabase", () => {
  test("makes users and publications, and may come again", async () => {
    for (let time = 0; time < 2; time++) {
      expect(await prepare()).toMatchObject({ Status: "SUCCESS", Data: { Revision: "1" } });
    }
    const roles = await stack.query<{ name: string; member: string }>(
      "mydb",
      `select member.rolname as name, role.rolname as member from pg_auth_members
       join pg_roles member on member.oid = pg_auth_members.member
       join pg_roles role on role.oid = pg_auth_members.roleid where member.rolname like 'tripline%' order by 1`,
    );
    expect(roles.filter(({ name }) => name !== administrator)).toEqual([
      { name: users.agents, member: "rds_iam" },
      { name: users.capture, member: "rds_replication" },
      { name: users.console, member: "rds_iam" },
      { name: users.forwarder, member: "rds_iam" },
      { name: users.temperature, member: "rds_iam" },
    ]);
    expect(
      await query(users.capture, "first-password", "mydb", "select count(*)::int as n from transactions"),
    ).toHaveLength(1);
    const publications = await stack.query("mydb", "select pubname from pg_publication order by 1");
    expect(publications).toEqual([
      { pubname: "fraud_alerts_publication" },
      { pubname: "fraud_transactions_publication" },
    ]);
    // RDS gives this by rds_replication. Elsewhere it is an attribute, which cannot be inherited.
    await stack.query("mydb", `alter role ${users.capture} replication`);
    for (const user of [users.agents, users.forwarder, users.temperature, users.console]) {
      await stack.query("mydb", `alter role ${user} password '${testPassword}'`);
    }
  });

  test("signs in with a token where the administrator's password is refused", async () => {
    const { host, port } = postgres;
    const sent = { username: administrator, password: "refused" };
    const asked: unknown[] = [];
    const token = async (user: unknown) => {
      asked.push(user);
      return testPassword;
    };
    expect(await administratorPassword({ host, port, ssl: false }, sent, token)()).toBe(testPassword);
    expect(asked).toEqual([{ host, port, user: administrator }]);
    const taken = { username: administrator, password: testPassword };
    expect(await administratorPassword({ host, port, ssl: false }, taken, token)()).toBe(testPassword);
    expect(asked).toHaveLength(1);
  });

  test("says what is wrong, and no password", async () => {
    const folder = await folderOf("prepareDatabase");
    const answer = await provision(
      folder,
      "prepareDatabase",
      { AdministratorSecret: "nobody", CaptureSecret: "capture", Revision: "1" },
      lambdaEnvironment,
    );
    expect(answer).toMatchObject({ Status: "FAILED", Reason: expect.stringMatching(/secret/i) });
    expect(JSON.stringify(answer)).not.toContain("first-password");
  });

  test("gives a user nothing that is another's", async () => {
    const refused = (user: string, database: string, sql: string) =>
      expect(query(user, testPassword, database, sql)).rejects.toThrow(/permission denied/);
    await refused(users.agents, "mydb", "select * from transactions");
    await refused(users.agents, "mydb", "delete from fraud.alerts");
    await refused(users.agents, "mydb", "insert into fraud.forwarded values ('x', 'y')");
    await refused(users.forwarder, "mydb", "select * from fraud.alerts");
    await refused(users.temperature, "mydb", "select * from fraud.progress");
    await refused(users.agents, "activity", "select 1");
    await refused(users.console, "mydb", "insert into transactions (user_id) values (1)");
    await refused(users.console, "mydb", "update fraud.progress set next_offset = 0");
    await refused(users.console, "mydb", "delete from fraud.alerts");
    // Who did what stays as it was noted.
    await refused(users.console, "mydb", "update console.audit set actor = 'nobody'");
    await refused(users.console, "mydb", "delete from console.audit");
    await refused(users.console, "mydb", "select pg_drop_replication_slot('fraud_transactions_slot')");
  });
});

describe("the functions, from their archives and as their users", () => {
  const recorded = JSON.parse(
    readFileSync(join(projectRoot, "shared/change-events/samples/string-no-schema.json"), "utf8"),
  ) as { records: Record<string, { partition: number; topic: string }[]> };

  test.each(["profileAgent", "velocityAgent"])("%s judges a recorded event", async (agent) => {
    const { result, error } = await call(agent, recorded, as(users.agents));
    expect({ result, error }).toEqual({ result: { batchItemFailures: expect.any(Array) }, error: undefined });
    const name = agent.replace("Agent", "");
    const rows = await stack.query<{ judged: number }>(
      "mydb",
      "select judged::int from fraud.progress where agent = $1 and topic = $2",
      [name, Object.values(recorded.records)[0]?.[0]?.topic],
    );
    expect(rows[0]?.judged).toBeGreaterThan(0);
  });

  test("the sensor writes a reading and the reporter reports it", async () => {
    const reading = await call("recordTemperature", {}, as(users.temperature));
    expect(reading).toMatchObject({ result: expect.objectContaining({ temperature: expect.any(Number) }) });
    const report = await call("reportTemperature", {}, as(users.temperature));
    expect(report.error).toBeUndefined();
    expect(report.result).toBeDefined();
  });

  const envelope = {
    eventSource: "aws:kafka",
    eventSourceArn: "arn:aws:kafka:us-east-1:123456789012:cluster/tripline-prod/0a1b2c3d-1",
    bootstrapServers: "b-1.example.com:9098",
  };

  test("an alert goes to SNS, once", async () => {
    const after = {
      alert_id: "profile-1-1-77",
      agent: "profile",
      rule: "ratio",
      rule_version: 1,
      transaction_id: 77,
      user_id: 1234,
      amount_cents: 99_900,
      reason: JSON.stringify({ amountCents: 99_900, meanCents: 1_000, n: 3 }),
      historical: false,
      topic: topics.transactions.name,
      partition: 0,
      kafka_offset: 1,
      committed_at: "2026-11-24T12:00:00.000000Z",
      created_at: "2026-11-24T12:00:00.000000Z",
    };
    const value = Buffer.from(
      JSON.stringify({
        before: null,
        after,
        source: { ts_us: 1, db: "mydb", schema: "fraud", table: "alerts" },
        op: "c",
      }),
    ).toString("base64");
    const event = {
      ...envelope,
      records: {
        [`${topics.alerts.name}-0`]: [
          {
            topic: topics.alerts.name,
            partition: 0,
            offset: 0,
            timestamp: 1,
            timestampType: "CREATE_TIME",
            key: null,
            value,
            headers: [],
          },
        ],
      },
    };
    const environment = { ...as(users.forwarder), ALERTS_TOPIC_ARN: alertsTopicArn };
    for (let time = 0; time < 2; time++) {
      expect(await call("forwardAlerts", event, environment)).toMatchObject({ result: { batchItemFailures: [] } });
    }
    const forwarded = await stack.query("mydb", "select channel from fraud.forwarded where alert_id = $1 order by 1", [
      after.alert_id,
    ]);
    expect(forwarded).toContainEqual({ channel: "sns" });
  });

  test("the console shows and notes as its user, to whom API Gateway has let in", async () => {
    const userArn = "arn:aws:sts::123456789012:assumed-role/Operators/jane";
    const environment = {
      ...as(users.console),
      CONSOLE_AUTHENTICATION: "iam",
      CONSOLE_STAGE: "prod",
      CONSOLE_NAME: "tripline-prod",
      CONSOLE_CLUSTER_ARN: envelope.eventSourceArn,
      BOOTSTRAP_SERVERS: stack.settings.bootstrapServers,
    };
    const ask = async (method: string, rawPath: string, body?: unknown, authorizer: unknown = { iam: { userArn } }) => {
      const { result, error } = await call(
        "console",
        {
          rawPath,
          rawQueryString: "",
          headers: { "content-type": "application/json", "x-tripline-action": "1", "sec-fetch-site": "same-origin" },
          requestContext: { http: { method }, authorizer },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        environment,
      );
      expect(error).toBeUndefined();
      const answer = result as { statusCode: number; body: string };
      return { status: answer.statusCode, body: JSON.parse(answer.body) as Record<string, unknown> };
    };
    expect(await ask("GET", "/api/session")).toEqual({
      status: 200,
      body: { actor: userArn, readOnly: false, stage: "prod" },
    });
    expect(await ask("GET", "/api/session", undefined, null)).toMatchObject({ status: 403 });
    const alertId = "profile-1-1-77";
    await stack.query(
      "mydb",
      `insert into fraud.alerts (alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical,
         topic, partition, kafka_offset, committed_at)
       values ($1, 'profile', 'ratio', 1, 77, 1234, 99900, '{"amountCents": 99900, "meanCents": 1000, "n": 3}', false, 'x', 0, 1, now())`,
      [alertId],
    );
    expect(await ask("GET", "/api/alerts")).toMatchObject({ status: 200, body: { alerts: [{ alertId }] } });
    const change = { status: "acknowledged", note: "looked at", seen: null };
    expect(await ask("POST", `/api/alerts/${alertId}/case`, change)).toMatchObject({ status: 200 });
    expect(await ask("GET", "/api/audit")).toMatchObject({
      status: 200,
      body: { entries: [{ actor: userArn, action: "alert.case", target: alertId, outcome: "done" }] },
    });
    expect(await ask("GET", "/api/temperature")).toMatchObject({ status: 200 });
  });

  test("an event of the demo is shown", async () => {
    const shown = await call("showActivity", { ...envelope, records: {} }, lambdaEnvironment);
    expect(shown).toMatchObject({ result: { batchItemFailures: [] }, loadedMs: expect.any(Number) });
  });
});

describe("Debezium, from the archive for MSK Connect", () => {
  const topic = "aws.public.activity";
  const authority = makeAuthority("An authority of RDS");
  const authorityOfOthers = makeAuthority("An authority that Java trusts");
  let watchedAws: WatchedAws;
  let worker: ConnectWorker;

  beforeAll(async () => {
    await serveTls(makeIdentity("localhost", authority));
    watchedAws = await WatchedAws.start(stack.settings.awsUrl);
    worker = await ConnectWorker.start(
      stack.settings,
      { ...lambdaEnvironment, AWS_ENDPOINT_URL: watchedAws.url },
      { besideRds: authority.certificate, byJava: authorityOfOthers.certificate },
    );
    const admin = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "test" }).admin();
    await admin.connect();
    // Nothing makes topics by writing to them; these are those of another prefix.
    await admin.createTopics({
      topics: [topic, "__debezium-heartbeat.aws"].map((name) => ({ topic: name, numPartitions: 1 })),
    });
    await admin.disconnect();
  }, 5 * minute);

  afterAll(async () => {
    await worker?.stop();
    watchedAws?.stop();
  });

  /** RDS offers TLS from the start; PostgreSQL on a laptop does not. */
  async function serveTls({ key, cert }: Identity): Promise<void> {
    const [{ data } = { data: "" }] = await stack.query<{ data: string }>(
      "postgres",
      "select current_setting('data_directory') as data",
    );
    const { uid, gid } = await stat(data);
    for (const [name, text] of Object.entries({ "server.key": key, "server.crt": cert })) {
      await writeFile(join(data, name), text, { mode: 0o600 });
      await chown(join(data, name), uid, gid);
    }
    await stack.query("postgres", "alter system set ssl = on");
    await stack.query("postgres", "select pg_reload_conf()");
  }

  /** The configuration that is deployed, with what CloudFormation would fill in. */
  function deployed(port = postgres.port): Record<string, string> {
    const resource = packaged.template.Resources["ActivityConnector"];
    const filledIn: Record<string, string> = {
      '{"Fn::GetAtt":["Database","Endpoint.Address"]}': "localhost",
      '{"Fn::GetAtt":["Database","Endpoint.Port"]}': String(port),
      '{"Ref":"CaptureSecret"}': "capture",
      '{"Ref":"AWS::Region"}': "us-east-1",
    };
    const config = resource?.Properties["ConnectorConfiguration"] as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(config).map(([name, value]) => {
        const text = typeof value === "string" ? value : filledIn[JSON.stringify(value)];
        if (text === undefined) throw new Error(`${name} has ${JSON.stringify(value)}`);
        return [name, text];
      }),
    );
  }

  /** Beside the connector of the stack. */
  const beside = { "topic.prefix": "aws", "slot.name": "aws_slot" };

  describe("sent to somebody else than RDS", () => {
    /** What Connect says when a connector is sent there, what the impostor can read, and which secrets were asked for. */
    async function sendTo(identity: Identity | undefined, changes: Record<string, string> = {}) {
      const impostor = await Impostor.start(identity);
      watchedAws.secretsAskedFor.length = 0;
      try {
        const reason = await worker.register("lost", { ...deployed(impostor.port), ...beside, ...changes }).then(
          () => "it runs",
          (error: Error) => error.message,
        );
        const { heard, onTheWire } = impostor;
        return { reason, heard, onTheWire, secrets: [...watchedAws.secretsAskedFor] };
      } finally {
        impostor.stop();
      }
    }

    /** TLS greets before it knows whom. */
    const nothing = { heard: "", onTheWire: expect.not.stringContaining(users.capture), secrets: [] };

    test("tells it everything if it trusts whom Java trusts", async () => {
      const lost = await sendTo(makeIdentity("localhost", authorityOfOthers), {
        "database.sslfactory": "org.postgresql.ssl.DefaultJavaSSLFactory",
      });
      expect(lost.heard).toContain(users.capture);
      expect(lost.heard).toContain("first-password");
      expect(lost.secrets).toContain("capture");
    });

    test("refuses a certificate of an authority that is not RDS's, and says nothing", async () => {
      const lost = await sendTo(makeIdentity("localhost", authorityOfOthers));
      expect(lost).toEqual({ ...nothing, reason: expect.stringMatching(/PKIX path building failed/) });
    });

    test("refuses a certificate of RDS for another name, and says nothing", async () => {
      const lost = await sendTo(makeIdentity("another.example.com", authority));
      expect(lost).toEqual({ ...nothing, reason: expect.stringMatching(/localhost could not be verified/) });
    });

    test("refuses a server without TLS, and says nothing", async () => {
      const lost = await sendTo(undefined);
      expect(lost).toEqual({ ...nothing, reason: expect.stringMatching(/does not support SSL/) });
    });
  });

  const capturedNames = async (): Promise<string[]> => {
    const consumer = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "test" }).consumer({
      groupId: `test-${randomUUID()}`,
    });
    const names: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        const event = JSON.parse(String(message.value ?? "null")) as { payload?: { after?: { name?: string } } } | null;
        names.push(event?.payload?.after?.name ?? "");
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await consumer.disconnect();
    return names;
  };

  const insert = (name: string) => stack.query("activity", "insert into activity (name) values ($1)", [name]);

  const rotate = async (Step: string, ClientRequestToken: string) =>
    call("rotatePassword", { Step, SecretId: "capture", ClientRequestToken }, lambdaEnvironment);

  test("signs in with the password of the secret, and captures", async () => {
    await insert("before");
    await worker.register("deployed", { ...deployed(), ...beside });
    await eventually(
      async () => ((await capturedNames()).includes("before") ? true : undefined),
      "a change event of the row",
      2 * minute,
    );
    expect(JSON.stringify(await worker.status("deployed"))).not.toContain("first-password");
    const connections = await stack.query(
      "postgres",
      "select distinct ssl, version from pg_stat_ssl join pg_stat_activity using (pid) where usename = $1",
      [users.capture],
    );
    expect(connections).toEqual([{ ssl: true, version: "TLSv1.3" }]);
  });

  test("goes on when the password is changed", async () => {
    // A schedule is set up; the local Secrets Manager calls nobody.
    const RotationLambdaARN = "arn:aws:lambda:us-east-1:000000000000:function:tripline-prod-rotatePassword";
    await secrets.send(
      new RotateSecretCommand({
        SecretId: "capture",
        RotationLambdaARN,
        RotationRules: { AutomaticallyAfterDays: 30 },
      }),
    );
    // What it then does before each rotation, with a value that the function is free to replace.
    const token = randomUUID();
    await secrets.send(
      new PutSecretValueCommand({
        SecretId: "capture",
        ClientRequestToken: token,
        SecretString: JSON.stringify({ username: users.capture, password: `second-${token}` }),
        VersionStages: ["AWSPENDING"],
      }),
    );
    for (const step of ["createSecret", "setSecret", "testSecret", "finishSecret", "finishSecret"]) {
      expect(await rotate(step, token)).toEqual({ result: null, loadedMs: expect.any(Number) });
    }
    const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId: "capture" }));
    expect(VersionIdsToStages[token]).toEqual(["AWSCURRENT"]);
    expect(await readDatabaseSecret(secrets, "capture")).toMatchObject({ password: `second-${token}` });
    await expect(query(users.capture, "first-password", "activity", "select 1")).rejects.toThrow(/password/);

    await stack.query("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [
      users.capture,
    ]);
    await insert("after");
    await eventually(
      async () => ((await capturedNames()).includes("after") ? true : undefined),
      "a change event after the change of the password",
      2 * minute,
    ).catch(async (error: Error) => {
      throw new Error(
        `${error.message}: ${JSON.stringify(await worker.status("deployed"))} ${worker.log.slice(-6_000)}`,
      );
    });
  });
});
