import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { DeleteMessageBatchCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { findTransactions } from "../../functions/console/alerts/users.ts";
import { connectTo } from "../../localstack/run/database.ts";
import { identify } from "../../localstack/stack/processes.ts";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { readLiveState } from "../../localstack/stack/state.ts";
import { ConnectClient } from "../../shared/connectors/connect-client.ts";
import { isRunning } from "../../shared/connectors/reconciler.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { type CommandResult, eventually, type RunningCommand, TestStack } from "./stack.ts";

const minute = 60_000;
jest.setTimeout(6 * minute);

const stack = new TestStack();
const connect = new ConnectClient(stack.settings.connectUrl);

const nothingWrong = { missing: 0, unexpected: 0, duplicated: 0 };

beforeAll(async () => {
  const up = await stack.run("up", "--json");
  if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
}, 10 * minute);

afterAll(() => stack.remove(), 2 * minute);

/** Starts a run and waits until transactions flow through the agents, so that what is done to it hits it at work. */
async function startRun(...args: string[]): Promise<RunningCommand> {
  const judged = async () => {
    const [row] = await stack.query<{ judged: number }>(
      "mydb",
      "select coalesce(sum(judged), 0)::bigint as judged from fraud.progress",
    );
    return row?.judged ?? 0;
  };
  const before = await judged();
  const run = stack.launch("start", "--json", ...args);
  await Promise.race([
    eventually(async () => ((await judged()) > before + 2_000 ? true : undefined), "judging transactions", 2 * minute),
    run.done.then((result) => {
      throw new Error(`the run ended early: ${result.stdout}${result.stderr}`);
    }),
  ]);
  return run;
}

function expectExact(result: CommandResult): void {
  expect({ code: result.code, json: result.json, stderr: result.code === 0 ? "" : result.stderr }).toMatchObject({
    code: 0,
    json: { verify: nothingWrong },
  });
  const { rowsInserted, eventsProcessed, alerts, forwarded, verify } = result.json as {
    rowsInserted: number;
    eventsProcessed: { profile: number; velocity: number };
    alerts: { profile: number; velocity: number };
    forwarded: number;
    verify: { expected: number; found: number };
  };
  expect(eventsProcessed).toEqual({ profile: rowsInserted, velocity: rowsInserted });
  expect(verify.found).toBe(verify.expected);
  expect(alerts.profile).toBeGreaterThan(0);
  expect(alerts.velocity).toBeGreaterThan(0);
  expect(forwarded).toBe(alerts.profile + alerts.velocity);
}

/** All of standard output is one JSON object. */
function onlyObject({ stdout }: CommandResult): unknown {
  expect(stdout.trim().split("\n")).toHaveLength(1);
  return JSON.parse(stdout);
}

/** What a function returned: `sls invoke local` prints it, indented, after whatever the function logged. */
function returnedBy({ code, stdout, stderr }: CommandResult): Record<string, unknown> {
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const start = stdout.lastIndexOf("\n{\n");
  return JSON.parse(stdout.slice(start === -1 ? stdout.indexOf("{\n") : start)) as Record<string, unknown>;
}

/** The ids of the alerts that wait in a queue of the local AWS, which are taken out of it. */
async function alertIdsIn(queue: string): Promise<string[]> {
  const sqs = new SQSClient({
    endpoint: stack.settings.awsUrl,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  try {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: queue }));
    const ids: string[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) return ids;
      for (const { Body = "" } of Messages) ids.push((JSON.parse(Body) as { alertId: string }).alertId);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  } finally {
    sqs.destroy();
  }
}

/** What a message in the topic of failed records says. */
function failedRecordOf(value: string): { offset: number; functionArn: string } {
  const { KafkaBatchInfo, requestContext } = JSON.parse(value) as {
    KafkaBatchInfo: { recordInfo: { offset: string } };
    requestContext: { functionArn: string };
  };
  return { offset: Number(KafkaBatchInfo.recordInfo.offset), functionArn: requestContext.functionArn };
}

describe("the stack", () => {
  test("answers as the course expects it", async () => {
    const status = await stack.run("status", "--json");
    expect(status).toMatchObject({ code: 0, json: { ok: true } });
    const plugins = (await (await fetch(`${stack.settings.connectUrl}/connector-plugins`)).json()) as {
      class: string;
    }[];
    expect(plugins.map((plugin) => plugin.class)).toContain("io.debezium.connector.postgresql.PostgresConnector");
    const connectors = await connect.list();
    expect([...connectors.keys()].sort()).toEqual([
      "activity-connector",
      "fraud-alerts-connector",
      "fraud-postgres-connector",
    ]);
  });

  test("runs Kafka and Connect with the options that were asked for", () => {
    for (const part of ["kafka", "connect"] as const) {
      const commandLine = execFileSync("ps", ["-o", "args=", "-p", String(stack.partPid(part))], { encoding: "utf8" });
      expect(commandLine).toContain("-XX:TieredStopAtLevel=1");
    }
  });

  test("is brought up a second time without harm", async () => {
    const supervisor = stack.supervisorPid();
    expect(await stack.run("up", "--json")).toMatchObject({ code: 0, json: { ok: true } });
    expect(stack.supervisorPid()).toBe(supervisor);
  });

  test("registers a connector again that was deleted by hand, within 15 s", async () => {
    const response = await fetch(`${stack.settings.connectUrl}/connectors/activity-connector`, { method: "DELETE" });
    expect(response.status).toBe(204);
    await eventually(
      async () => (isRunning((await connect.list()).get("activity-connector")) ? true : undefined),
      "the connector",
      15_000,
    );
    expect(stack.log("supervisor")).toContain("connector activity-connector: missing, registered");
  });
});

describe("the temperature path", () => {
  const report = async (...args: string[]) =>
    returnedBy(await stack.sls("invoke", "local", "-f", "reportTemperature", ...args));

  test("says so when there is no data, then reports a reading", async () => {
    expect(await report()).toMatchObject({ message: "No data in last 10 minutes", sensors: [] });

    const reading = returnedBy(await stack.sls("invoke", "local", "-f", "recordTemperature"));
    const temperature = reading["temperature"] as number;
    expect(temperature).toBeGreaterThanOrEqual(18);
    expect(temperature).toBeLessThanOrEqual(30);

    const oneReading = [{ sensorId: "sensor-1", average: temperature, readings: 1 }];
    expect(await report()).toMatchObject({ sensors: oneReading });

    // The schedule's own window, and once more as AWS may deliver it.
    const windowMs = 10 * minute;
    const end = new Date((Math.floor(Date.parse(reading["recordedAt"] as string) / windowMs) + 1) * windowMs);
    for (let time = 0; time < 2; time++) {
      const scheduled = await report("--data", JSON.stringify({ time: end.toISOString() }));
      expect(scheduled).toMatchObject({ windowEnd: end.toISOString(), sensors: oneReading });
    }
    const [stored] = await stack.query(
      "mydb",
      "select count(*) as rows from temperature_reports where window_end = $1",
      [end],
    );
    expect(stored).toEqual({ rows: 1 });
  });
});

describe("the path from a row to an alert", () => {
  test("is exact, and shows an insert into activity", async () => {
    const run = await startRun("--for", "15s", "--rate", "1000", "--keep");
    await stack.query("activity", "insert into activity (name) values ('Alice')");
    await eventually(
      () => (/created: public.activity.*"name":"Alice"/.test(stack.log("functions")) ? true : undefined),
      "Alice",
    );
    expectExact(await run.done);
  });

  test("puts a record aside that no agent can judge, with the reason, and judges its neighbours", async () => {
    const kafka = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "tripline-test" });
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: "test-failed-records" });
    const putAside: { offset: number; functionArn: string }[] = [];
    try {
      const run = await startRun("--for", "25s", "--rate", "1000");
      await producer.connect();
      const [sent] = await producer.send({
        topic: topics.transactions.name,
        messages: [{ value: '{"op": "c", "after": null', partition: 3 }],
      });
      await consumer.connect();
      await consumer.subscribe({ topic: topics.failedRecords.name, fromBeginning: true });
      await consumer.run({
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) putAside.push(failedRecordOf(String(value)));
        },
      });
      await eventually(() => (putAside.length === 2 ? true : undefined), "the record put aside by both agents");
      expectExact(await run.done);
      expect(putAside.map(({ offset }) => offset)).toEqual([Number(sent?.baseOffset), Number(sent?.baseOffset)]);
      const agents = putAside.map(({ functionArn }) => /(profile|velocity)Agent/.exec(functionArn)?.[1]);
      expect(agents.sort()).toEqual(["profile", "velocity"]);
    } finally {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    }
  });

  test("is exact when the functions' process is killed", async () => {
    const run = await startRun("--for", "15s", "--rate", "1000");
    const pid = stack.functionsPid();
    process.kill(pid ?? 0, "SIGKILL");
    await eventually(() => (stack.functionsPid() === pid ? undefined : true), "another process for the functions");
    expectExact(await run.done);
  });

  test.each(["connect", "kafka", "postgres"] as const)("is exact when %s is killed", async (part) => {
    const run = await startRun("--for", "15s", "--rate", "1000");
    const pid = stack.partPid(part);
    process.kill(pid, "SIGKILL");
    await eventually(() => (stack.partPid(part) === pid ? undefined : true), `another process for ${part}`);
    expectExact(await run.done);
  });

  test("ends in the dashboard's queue, which holds each forwarded alert", async () => {
    const forwarded = await stack.query<{ alert_id: string }>(
      "mydb",
      "select alert_id from fraud.forwarded where channel = 'sns'",
    );
    if (readLiveState(stack.settings)?.parts.aws?.state === "absent") {
      // No Python on this machine: nothing may be noted down as sent there.
      expect(forwarded).toEqual([]);
      return;
    }
    expect(forwarded.length).toBeGreaterThan(0);
    // As a set: a process that was killed between sending and noting it down has sent again.
    const received = new Set(await alertIdsIn("fraud-alerts-dashboard"));
    expect([...received].sort()).toEqual(forwarded.map((row) => row.alert_id).sort());
  });

  test("is found wrong by verify when an alert is lost, invented or doubled", async () => {
    const counts = async () => (await stack.run("verify", "--json")).json;
    expect(await counts()).toMatchObject({ ok: true, ...nothingWrong });

    await stack.query(
      "mydb",
      "update fraud.alerts set alert_id = alert_id || '-x' where alert_id = (select min(alert_id) from fraud.alerts)",
    );
    expect(await counts()).toMatchObject({ ok: false, missing: 1, unexpected: 1 });
    await stack.query(
      "mydb",
      "update fraud.alerts set alert_id = regexp_replace(alert_id, '-x$', '') where alert_id like '%-x'",
    );

    await stack.query(
      "mydb",
      `insert into fraud.alerts (alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical, topic, partition, kafka_offset, committed_at)
       select alert_id || '-again', agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, true, topic, partition, kafka_offset, committed_at
       from fraud.alerts order by alert_id limit 1`,
    );
    // The row under the right id is one of two now, and the one under the other id is none that must exist.
    expect(await counts()).toMatchObject({ ok: false, missing: 0, unexpected: 1, duplicated: 1 });
    await stack.query("mydb", "delete from fraud.alerts where alert_id like '%-again'");
    expect(await counts()).toMatchObject({ ok: true, ...nothingWrong });
  });
});

describe("the console", () => {
  test("finds a user's transactions part by part, each once, whatever is asked for in between", async () => {
    const pool = connectTo(stack.settings, "mydb", { connectionsMax: 1 });
    try {
      const { rows } = await pool.query<{ user_id: number; ids: number[] }>(
        `select user_id, array_agg(id order by id desc) as ids from transactions
         group by user_id order by count(*) desc, user_id limit 1`,
      );
      const [{ user_id: userId, ids } = { user_id: 0, ids: [] }] = rows;
      expect(ids.length).toBeGreaterThan(5);
      const found: number[] = [];
      let above: number | undefined;
      for (let before: number | undefined; ; ) {
        const page = await findTransactions(pool, userId, { before }, 1_000);
        if (above !== undefined) expect(page.to).toBe(above - 1);
        above = page.from;
        found.push(...page.transactions.map(({ id }) => id));
        if (page.next === null) break;
        before = Number(page.next);
      }
      expect(found).toEqual(ids);
      expect(await findTransactions(pool, -1, { before: 1 })).toEqual({ transactions: [], from: 0, to: 0, next: null });
    } finally {
      await pool.end();
    }
  });
});

describe("tripline kafka", () => {
  const topic = topics.alerts.name;
  const consume = async (...args: string[]) => {
    const { json, stderr } = await stack.run("kafka", "consume", topic, "--json", ...args);
    if (json["ok"] !== true) throw new Error(stderr);
    return (json["messages"] as { partition: number; offset: number }[]).map(
      ({ partition, offset }) => `${partition} ${offset}`,
    );
  };

  test("consume ends after so many, and a group goes on from there and notes how far it came", async () => {
    const all = await consume("--from-beginning");
    expect(all.length).toBeGreaterThan(20);
    const first = await consume("--from-beginning", "--group", "looker", "--limit", "7");
    expect(first).toHaveLength(7);
    const rest = await consume("--from-beginning", "--group", "looker");
    expect([...first, ...rest].sort()).toEqual([...all].sort());
    expect(await consume("--group", "looker")).toEqual([]);
    const { json } = await stack.run("kafka", "groups", "looker", "--json");
    expect(json).toMatchObject({ groups: [{ state: "Empty", partitions: expect.any(Array) }] });
    const { partitions } = (json["groups"] as { partitions: { lag: number }[] }[])[0] ?? { partitions: [] };
    expect(partitions.map(({ lag }) => lag)).toEqual(Array.from({ length: topics.alerts.partitions }, () => 0));
  });
});

test("what follows ends when nobody reads on", async () => {
  const tripline = `${process.execPath} ${join(projectRoot, "localstack/bin/tripline.js")}`;
  const follow = `kafka consume ${topics.alerts.name} --from-beginning --follow`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", `${tripline} ${follow} | head -1`], {
    env: stack.environment,
    timeout: minute / 2,
  });
  expect(stdout.trim().split("\n")).toHaveLength(1);
  expect(stderr).toBe("");
});

describe("the end", () => {
  test("down also ends the functions of a run that was killed", async () => {
    const run = await startRun("--rate", "1000");
    process.kill(run.pid, "SIGKILL");
    await run.done;
    expect(identify(stack.functionsPid() ?? 0)).toBeDefined();

    const down = await stack.run("down", "--json");
    expect(down).toMatchObject({ code: 0, json: { ok: true, wasRunning: true } });
    expect(down.json["orphans"]).toContain("functions");
    expect(await stack.processesLeft()).toEqual([]);
  });

  const moments: [string, (run: RunningCommand) => boolean][] = [
    ["before the supervisor runs", (run) => stack.isAtWork(run.pid)],
    ["while the servers start", () => readLiveState(stack.settings) !== undefined],
  ];
  test.each(moments)("Ctrl-C during the start, %s, leaves nothing behind", async (_, hasCome) => {
    const run = stack.launch("start", "--json");
    await eventually(() => hasCome(run) || undefined, "the start");
    process.kill(run.pid, "SIGINT");
    const result = await run.done;
    expect(result.code).toBe(130);
    expect(onlyObject(result)).toMatchObject({ ok: false, error: { code: "INTERRUPTED" } });
    expect(await stack.processesLeft()).toEqual([]);
  });

  test("Ctrl-C ends a run in order, also the one after a run that was killed", async () => {
    expect(await stack.run("up", "--json")).toMatchObject({ code: 0 });
    const run = await startRun("--rate", "1000");
    const functions = stack.functionsPid() ?? 0;
    process.kill(run.pid, "SIGINT");
    const result = await run.done;
    expect({ code: result.code, json: onlyObject(result) }).toMatchObject({ code: 0, json: { verify: nothingWrong } });
    expect(identify(functions)).toBeUndefined();
    expect(stack.functionsPid()).toBeUndefined();
  });

  test("down leaves no process, also after the supervisor was killed", async () => {
    process.kill(stack.supervisorPid(), "SIGKILL");
    const down = await stack.run("down", "--json");
    expect(down).toMatchObject({ code: 0, json: { ok: true } });
    expect(await stack.processesLeft()).toEqual([]);
    expect((await stack.run("status", "--json")).code).toBe(1);
  });

  test("a function says in a line that the stack does not run", async () => {
    const { code, stdout, stderr } = await stack.sls("invoke", "local", "-f", "reportTemperature");
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(
      /^PostgreSQL does not answer at 127\.0\.0\.1:\d+: 'npx tripline up' starts the stack\.$/m,
    );
    expect(stdout + stderr).not.toMatch(/^ {4}at /m);
  });
});
