import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { connectTo } from "../../localstack/run/database.ts";
import { FunctionHost, functionEnvironment } from "../../localstack/run/functions.ts";
import { insertTransactions, type NewTransaction } from "../../localstack/run/generator.ts";
import { AlertReceiver } from "../../localstack/run/receiver.ts";
import { seededRandom } from "../../localstack/run/seeded-random.ts";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { ConnectClient } from "../../shared/connectors/connect-client.ts";
import { isRunning } from "../../shared/connectors/reconciler.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { groups, topics } from "../../shared/kafka/topics.ts";
import { agentNames, FailedRecords } from "./failed-records.ts";
import { kafkaTool } from "./kafka-tools.ts";
import { PostgresCopy } from "./postgres-copy.ts";
import { eventually, TestStack } from "./stack.ts";

// "Restore PostgreSQL to a point in time" of docs/deploy.md, carried out with what docs/restore holds.

const minute = 60_000;
jest.setTimeout(2 * minute);

const rowsAtOnce = 600;
/** So few that each has a history and a busy window. */
const users = { first: 1_000, count: 60 };
const cents = { usual: 2_000, suspicious: 90_000, large: 450_000 };
/** Committed in the end, when Debezium reads no more. */
const rowsUnread = 5;

const stack = new TestStack();
const pool = connectTo(stack.settings, "mydb");
const connect = new ConnectClient(stack.settings.connectUrl);
const admin = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "tripline-test" }).admin();
const failed = new FailedRecords(stack.settings.bootstrapServers);
const copy = new PostgresCopy(stack);
const random = seededRandom(7);

const transactions = "fraud-postgres-connector";
const connectors = [transactions, "fraud-alerts-connector", "activity-connector"];
const topic = topics.transactions.name;
const groupsPutBack = [groups.profile, groups.velocity, "restore"];
const nothingWrong = { ok: true, notJudged: 0, missing: 0, unexpected: 0, duplicated: 0 };

/** The functions, with a system downstream that gets their alerts. */
class Functions {
  readonly received = new Set<string>();
  readonly #receiver = new AlertReceiver(({ alertId }) => this.received.add(alertId));
  #host: FunctionHost | undefined;

  async start(): Promise<void> {
    const environment = { ...stack.environment, ...functionEnvironment(stack.settings, await this.#receiver.start()) };
    this.#host = new FunctionHost(stack.settings, environment, (trouble) => console.error(trouble));
    await this.#host.start();
    await this.#host.ready(AbortSignal.timeout(90_000));
  }

  async stop(): Promise<void> {
    await this.#host?.stop();
    if (this.#host !== undefined) await this.#receiver.stop();
    this.#host = undefined;
  }
}

const [before, after] = [new Functions(), new Functions()];

interface Moment {
  readonly rows: readonly { id: number }[];
  readonly alerts: readonly { alert_id: string; transaction_id: number; historical: boolean }[];
}
/** What there was when the copy was taken, and an hour later, so to speak. */
let kept: Moment = { rows: [], alerts: [] };
let lost: Moment = { rows: [], alerts: [] };

beforeAll(async () => {
  const up = await stack.run("up", "--json");
  if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
  await Promise.all([failed.start(), admin.connect(), before.start()]);

  await write(rowsAtOnce);
  await allJudged();
  // So that one agent is behind the other in the copy.
  await mapping("velocityAgent", "pause");
  await write(rowsAtOnce);
  await allJudged("profile");
  await allForwarded();
  kept = await now();
  await stopConnectors();
  await copy.take();
  await resumeConnectors();
  await mapping("velocityAgent", "resume");

  await write(rowsAtOnce);
  await allJudged();
  await allForwarded();
  lost = await now();
  await changeRows();
}, 5 * minute);

afterAll(async () => {
  await Promise.all([before.stop(), after.stop(), failed.stop(), admin.disconnect()]);
  await pool.end();
  await stack.remove();
}, 2 * minute);

async function write(count: number): Promise<void> {
  await insertTransactions(pool, Array.from({ length: count }, draw));
}

function draw(): NewTransaction {
  const dice = random();
  const kind = dice < 0.03 ? "large" : dice < 0.06 ? "suspicious" : "usual";
  return {
    userId: users.first + Math.floor(random() * users.count),
    amountCents: cents[kind] + Math.floor(random() * 1_000),
    cardType: "VISA",
    merchantId: 1 + Math.floor(random() * 500),
  };
}

/** An update of a row that is kept and the delete of one that is lost, when both agents have seen them. */
async function changeRows(): Promise<void> {
  await pool.query("update transactions set merchant_id = 0 where id = $1", [kept.rows[0]?.id]);
  await pool.query("delete from transactions where id = $1", [lastOf(lost)]);
  const seen = async () => {
    const { rows } = await pool.query<{ ignored: number }>(
      "select sum(ignored)::bigint as ignored from fraud.progress group by agent",
    );
    // With the tombstone.
    return rows.every(({ ignored }) => ignored >= 3) || undefined;
  };
  await eventually(seen, "an update and a delete in Kafka");
}

/** All there is, but the time at which an alert was stored. */
async function now(): Promise<Moment> {
  const rows = await pool.query<Moment["rows"][number]>("select *, created_at::text from transactions order by id");
  const alerts = await pool.query<Moment["alerts"][number]>(
    `select alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical,
            topic, partition, kafka_offset, committed_at::text
     from fraud.alerts order by transaction_id, alert_id`,
  );
  return { rows: rows.rows, alerts: alerts.rows };
}

const lastOf = ({ rows }: Moment) => rows.at(-1)?.id ?? 0;
const idsOf = ({ alerts }: Moment) => alerts.map(({ alert_id }) => alert_id);

async function allJudged(...agents: string[]): Promise<void> {
  const names = agents.length > 0 ? agents : agentNames;
  const left = async () => {
    const { rows } = await pool.query<{ left: number }>(
      `select (select count(*) from transactions) - coalesce(sum(judged), 0)::bigint as left
       from unnest($1::text[]) as agent (agent) left join fraud.progress using (agent)
       group by agent`,
      [names],
    );
    return rows.every((agent) => agent.left === 0) || undefined;
  };
  await eventually(left, `an end of judging by ${names.join(" and ")}`);
}

async function allForwarded(): Promise<void> {
  const left = async () => {
    const { rowCount } = await pool.query(
      `select from fraud.alerts
       where not exists (select from fraud.forwarded where forwarded.alert_id = alerts.alert_id and channel = 'webhook')`,
    );
    return rowCount === 0 || undefined;
  };
  await eventually(left, "an end of forwarding");
}

async function mapping(functionKey: string, action: "pause" | "resume"): Promise<void> {
  const url = `http://127.0.0.1:${stack.settings.ports.functionsAdmin}/mappings/${functionKey}/${action}`;
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" } });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

async function connector(name: string, method: "PUT" | "DELETE", what: "stop" | "resume" | "offsets"): Promise<void> {
  const ask = async () => {
    const response = await fetch(`${stack.settings.connectUrl}/connectors/${name}/${what}`, { method });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return true;
  };
  await eventually(ask, `Connect's answer to ${method} ${name}/${what}`);
}

async function stopConnectors(): Promise<void> {
  for (const name of connectors) await connector(name, "PUT", "stop");
  const stopped = async () => {
    const all = await connect.list();
    return connectors.every((name) => all.get(name)?.tasks.length === 0) || undefined;
  };
  await eventually(stopped, "connectors without tasks");
}

async function resumeConnectors(): Promise<void> {
  for (const name of connectors) await connector(name, "PUT", "resume");
}

/** By group and partition. */
async function committed(): Promise<Record<string, string>> {
  const offsets: Record<string, string> = {};
  for (const groupId of groupsPutBack) {
    const [its] = await admin.fetchOffsets({ groupId, topics: [topic] });
    for (const { partition, offset } of its?.partitions ?? []) offsets[`${groupId} ${partition}`] = offset;
  }
  return offsets;
}

const sql = (file: string) => readFileSync(join(projectRoot, "docs/restore", file), "utf8");

describe("PostgreSQL is put back to an earlier moment", () => {
  test("it has nothing of what came since, and no slots", async () => {
    await before.stop();
    await stopConnectors();
    await write(rowsUnread);
    await copy.putBack();
    await pool.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots");
    expect(await now()).toEqual(kept);
    for (const agent of agentNames) {
      const raised = (alert: object) => "agent" in alert && alert.agent === agent;
      expect(lost.alerts.filter(raised).length).toBeGreaterThan(kept.alerts.filter(raised).length);
    }
  });

  test("a connector that goes on from where it was fails", async () => {
    await connector(transactions, "PUT", "resume");
    const task = await eventually(
      async () => (await connect.list()).get(transactions)?.tasks.find(({ state }) => state === "FAILED"),
      "its failure",
    );
    expect(task.trace).toContain("no longer available on the server");
    await stopConnectors();
  });

  test("the groups are put back to where the agents are", async () => {
    const { rows } = await pool.query<Record<string, unknown>>(sql("offsets.sql"));
    const file = join(stack.home, "offsets.csv");
    writeFileSync(file, rows.map((row) => `${Object.values(row).join(",")}\n`).join(""));
    await kafkaTool(
      stack,
      "kafka-consumer-groups",
      ...groupsPutBack.flatMap((group) => ["--group", group]),
      ...["--reset-offsets", "--from-file", file, "--execute"],
    );
    const wanted = rows.map(({ consumers, partition, next_offset }) => [`${consumers} ${partition}`, `${next_offset}`]);
    expect(wanted).toHaveLength(groupsPutBack.length * topics.transactions.partitions);
    expect(await committed()).toEqual(Object.fromEntries(wanted));
  });

  test("the rows since are put back from the topic, as they were inserted", async () => {
    const ends = await admin.fetchTopicOffsets(topic);
    const from = await committed();
    const records = ends.reduce((sum, end) => sum + Number(end.high) - Number(from[`restore ${end.partition}`]), 0);
    const read = await kafkaTool(
      stack,
      "kafka-console-consumer",
      ...["--topic", topic, "--group", "restore", "--timeout-ms", "60000"],
      // So that it need not wait for more.
      ...["--max-messages", String(records)],
    );
    const messages = read.trim().split("\n");
    expect(messages).toHaveLength(records);
    await pool.query("create table lost (line bigint generated always as identity, message jsonb)");
    await pool.query(
      `insert into lost (message)
       select line::jsonb from unnest($1::text[]) with ordinality as read (line, place) order by place`,
      [messages],
    );
    await pool.query(sql("lost-rows.sql"));
    expect((await now()).rows).toEqual(lost.rows);
  });

  test("with new connectors all goes on, and nothing is missing, unexpected or doubled", async () => {
    for (const name of connectors) await connector(name, "DELETE", "offsets");
    await resumeConnectors();
    const slots = async () => (await pool.query("select from pg_replication_slots")).rowCount === 3 || undefined;
    await eventually(slots, "the slots");
    await write(rowsAtOnce);
    await after.start();

    await allJudged();
    await allForwarded();
    expect((await stack.run("verify", "--json")).json).toMatchObject(nothingWrong);
    expect(failed.all).toEqual([]);
    expect(stack.log("functions")).not.toContain("were never delivered");
    const all = await connect.list();
    expect(connectors.filter((name) => !isRunning(all.get(name)))).toEqual([]);
  });

  test("rows that Debezium had not read are gone, and nobody else gets their ids", async () => {
    const { rows } = await now();
    const since = rows.slice(lost.rows.length);
    expect(since).toHaveLength(rowsAtOnce);
    expect(since[0]?.id).toBeGreaterThan(lastOf(lost) + rowsUnread);
  });

  test("alerts that were lost are raised again as they were, and forwarded again under their ids", async () => {
    const { alerts } = await now();
    expect(alerts.slice(0, lost.alerts.length)).toEqual(lost.alerts);
    expect(alerts.filter(({ historical }) => historical)).toEqual([]);
    const since = alerts.slice(lost.alerts.length);
    expect(new Set(since.map((alert) => alert.alert_id.split("-")[0]))).toEqual(new Set(agentNames));

    expect(before.received).toEqual(new Set(idsOf(lost)));
    const forwardedBefore = new Set(idsOf(kept));
    const others = alerts.map(({ alert_id }) => alert_id).filter((id) => !forwardedBefore.has(id));
    expect(after.received).toEqual(new Set(others));
  });

  test("rows that somebody deletes and copies back are judged no second time", async () => {
    const was = await now();
    const repeated = async () => {
      const { rows } = await pool.query<{ repeated: number }>(
        "select sum(repeated)::bigint as repeated from fraud.progress group by agent order by agent",
      );
      return rows.map((row) => row.repeated);
    };
    const repeatedBefore = await repeated();
    const { rowCount } = await pool.query(
      "create table copied as select * from transactions where id in (select transaction_id from fraud.alerts)",
    );
    await pool.query("delete from transactions where id in (select id from copied)");
    await pool.query("insert into transactions select * from copied");
    const wanted = repeatedBefore.map((times) => times + (rowCount ?? 0));
    await eventually(async () => String(await repeated()) === String(wanted) || undefined, "them in Kafka");
    expect(await now()).toEqual(was);
    expect((await stack.run("verify", "--json")).json).toMatchObject(nothingWrong);
  });
});
