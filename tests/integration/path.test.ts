import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { ConnectClient } from "../../shared/connectors/connect-client.ts";
import { isRunning } from "../../shared/connectors/reconciler.ts";
import { type CommandResult, eventually, TestStack } from "./stack.ts";

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
async function startRun(...args: string[]): Promise<{ done: Promise<CommandResult> }> {
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
    const doubled = await counts();
    expect(doubled["ok"]).toBe(false);
    await stack.query("mydb", "delete from fraud.alerts where alert_id like '%-again'");
    expect(await counts()).toMatchObject({ ok: true, ...nothingWrong });
  });
});

describe("the end", () => {
  test("down leaves no process, also after the supervisor was killed", async () => {
    process.kill(stack.supervisorPid(), "SIGKILL");
    const down = await stack.run("down", "--json");
    expect(down).toMatchObject({ code: 0, json: { ok: true } });
    expect(stack.processes()).toEqual([]);
    expect((await stack.run("status", "--json")).code).toBe(1);
  });
});
