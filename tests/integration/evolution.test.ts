import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { ConnectClient } from "../../shared/connectors/connect-client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { AgentsAtWork } from "./agents-at-work.ts";
import { type Break, type BrokenRow, breaks, putAsideBy, steps } from "./evolution-cases.ts";
import { agentNames } from "./failed-records.ts";
import type { Entry } from "./ledger.ts";
import { eventually } from "./stack.ts";
import { TopicReader } from "./topic-reader.ts";
import { type Columns, TransactionStream } from "./transaction-stream.ts";

const minute = 60_000;
jest.setTimeout(minute);

const rowsPerSecond = 500;
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

const agents = new AgentsAtWork();
const { stack, ledger, pool, failed } = agents;
const stream = new TransactionStream(pool, ledger, seed);

type Message = Record<string, unknown>;

/** The message of the newest transaction, as it is in Kafka. */
let newest: { id: number; message: Message } = { id: 0, message: {} };
const partitionOfUser = new Map<number, number>();
const changes = new TopicReader(stack.settings.bootstrapServers, topics.transactions.name, (partition, { value }) => {
  const message = JSON.parse(String(value)) as Message | null;
  const row = message && rowOf(message);
  // A tombstone, or a delete.
  if (!row) return;
  if (typeof row["user_id"] === "number") partitionOfUser.set(row["user_id"], partition);
  if (Number(row["id"]) > newest.id) newest = { id: Number(row["id"]), message };
});

function rowOf(message: Message): Record<string, unknown> | null {
  return ((message["payload"] ?? message) as { after: Record<string, unknown> | null }).after;
}

beforeAll(async () => {
  console.info(`SEED=${seed}`);
  await agents.start();
  await changes.start();
  stream.start(rowsPerSecond);
  await eventually(async () => ((await agents.alertsSince(1)).profile > 0 ? true : undefined), "the first alert");
}, 5 * minute);

afterAll(async () => {
  try {
    await stream.stop();
  } finally {
    await changes.stop();
    await agents.stop();
  }
}, 2 * minute);

const exact = { missing: 0, unexpected: 0, duplicated: 0 };

/**
 * Lets the path run empty, compares all alerts with what must be, and lets the rows flow again. `inTable`: the table still
 * has all that was written, so that the command can be asked, too.
 */
async function expectExactSince(firstId: number, { inTable }: { inTable: boolean }): Promise<void> {
  await stream.inTurn(async () => {
    await agents.allJudged(30_000);
    expect(await ledger.verify()).toMatchObject(exact);
    if (inTable) expect((await stack.run("verify", "--json")).json).toMatchObject({ ok: true, notJudged: 0, ...exact });
    const { profile, velocity } = await agents.alertsSince(firstId);
    expect({ profile: profile > 0, velocity: velocity > 0 }).toEqual({ profile: true, velocity: true });
    expect(failed.all).toEqual([]);
  });
}

describe("while rows stream, agents go on when", () => {
  test.each(steps)("$change", async ({ sql, columns }) => {
    await stream.flow(100);
    const firstId = await stream.inTurn(async () => {
      await stream.alter(sql, columns);
      return stream.nextId;
    });
    await stream.flow(400);
    // verify.sql reads card_type.
    await expectExactSince(firstId, { inTable: "card_type" in columns });

    const { rows } = await pool.query<{ name: string }>(
      "select column_name as name from information_schema.columns where table_name = 'transactions' and table_schema = 'public'",
    );
    await eventually(() => newest.id >= firstId || undefined, "a message written after the change");
    expect(Object.keys(rowOf(newest.message) ?? {}).sort()).toEqual(rows.map(({ name }) => name).sort());
  });
});

describe("while rows stream, agents go on when the connector is switched to", () => {
  const connect = new ConnectClient(stack.settings.connectUrl);
  const connector = "fraud-postgres-connector";

  /** What a message says of the settings that it was written with. */
  const formOf = (message: Message) => {
    const amount = rowOf(message)?.["amount"];
    const decimals = typeof amount === "number" ? "double" : /^\d+\.\d\d$/.test(String(amount)) ? "string" : "precise";
    return { decimals, schemas: String("schema" in message) };
  };
  const isIn = (form: { decimals: string; schemas: string }) => () => {
    const seen = formOf(newest.message);
    return (seen.decimals === form.decimals && seen.schemas === form.schemas) || undefined;
  };

  // The supervisor keeps connectors as they are declared, so it has to look away. The servers run on without it.
  beforeAll(() => {
    process.kill(stack.supervisorPid(), "SIGSTOP");
  });
  afterAll(() => {
    process.kill(stack.supervisorPid(), "SIGCONT");
  });

  async function expectExactIn(form: { decimals: string; schemas: string }): Promise<void> {
    await eventually(isIn(form), "messages in the other form", 30_000);
    const firstId = stream.nextId;
    await stream.flow(400);
    await expectExactSince(firstId, { inTable: true });
  }

  test.each([
    { decimals: "precise", schemas: "false" },
    { decimals: "double", schemas: "false" },
    { decimals: "double", schemas: "true" },
    { decimals: "precise", schemas: "true" },
  ])("decimal.handling.mode=$decimals, schemas.enable=$schemas", async (form) => {
    const config = (await connect.list()).get(connector)?.config;
    await connect.put(connector, {
      ...config,
      "decimal.handling.mode": form.decimals,
      "value.converter.schemas.enable": form.schemas,
    });
    await expectExactIn(form);
  });

  test("what is declared, by the supervisor", async () => {
    process.kill(stack.supervisorPid(), "SIGCONT");
    await expectExactIn({ decimals: "string", schemas: "false" });
    expect(stack.log("supervisor")).toContain(`connector ${connector}: changed, registered`);
  });
});

describe("while rows stream, a change that takes away what a rule needs", () => {
  const written = new Map<Break, { row: BrokenRow; entry: Entry }[]>();
  /** For each break a transaction behind it, of the same user, that both agents must find suspicious. */
  const after = new Map<Break, Entry>();

  // Each record that cannot be judged takes its partition seconds: one after another they would take minutes. Rows of all
  // breaks are written first, spread over the partitions, and waited for once.
  beforeAll(async () => {
    let place = 0;
    const alter = (sql: string, columns: Columns) => stream.alter(`alter table public.transactions ${sql}`, columns);
    const users = [...partitionOfUser].sort(([a], [b]) => a - b);
    for (const each of breaks) {
      await stream.flow(50);
      const usual = stream.columns;
      const partition = place++ % topics.transactions.partitions;
      const user = users.find(([, its]) => its === partition)?.[0] ?? 0;
      const draw = (amountCents?: number) => {
        const [entry] = stream.draw(1) as [Entry];
        return { ...entry, userId: user, amountCents: amountCents ?? entry.amountCents };
      };
      await stream.inTurn(async () => {
        await alter(each.broken, each.columns(usual));
        for (const row of each.rows) {
          const entry = draw();
          await stream.write([entry], row.judges, { ...stream.columns, ...row.columns });
          written.set(each, [...(written.get(each) ?? []), { row, entry }]);
        }
        // Debezium reads what is behind with the types that the table has now, and cannot read a date as a timestamptz.
        const lastId = stream.nextId - 1;
        await eventually(() => newest.id === lastId || undefined, "the last of them in Kafka");
        await alter(each.mended, usual);
        const suspicious = draw(495_000);
        await stream.write([suspicious]);
        after.set(each, suspicious);
      });
    }
    const expected = breaks.flatMap(({ rows }) => rows.flatMap(putAsideBy)).length;
    await eventually(() => failed.all.length >= expected || undefined, "all records put aside", minute);
    await stream.inTurn(() => agents.allJudged(30_000));
  }, 2 * minute);

  test.each(breaks)("puts its records aside: $change", async (each) => {
    for (const { row, entry } of written.get(each) ?? []) {
      const its = failed.all.filter(({ record }) => idOf(record.value) === entry.id);
      expect(its.map(({ agent }) => agent).sort()).toEqual(putAsideBy(row));
      for (const { agent, condition, partition, offset } of its) {
        expect(condition).toBe("RetriesExhausted");
        expect(agents.causes(agent, partition, offset)).toEqual([row.code]);
      }
    }
    const { rows } = await pool.query("select agent from fraud.alerts where transaction_id = $1 order by agent", [
      after.get(each)?.id,
    ]);
    expect(rows).toEqual(agentNames.map((agent) => ({ agent })));
  });

  test("puts nothing else aside, and all neighbours are judged", async () => {
    await stream.inTurn(async () => {
      await agents.allJudged(30_000);
      expect(await ledger.verify()).toMatchObject(exact);
    });
    expect(failed.all).toHaveLength(breaks.flatMap(({ rows }) => rows.flatMap(putAsideBy)).length);
  });
});

describe("when such a change is found late", () => {
  // The rows stay in their order only where none are written meanwhile, and verify asks for that.
  beforeAll(() => stream.stop());

  test(
    "what waits is skipped, and a new snapshot brings all rows again, of which those are judged that were not",
    async () => {
      await agents.allJudged(30_000);
      await restoreTable();
      const usual = stream.columns;
      const { user_id: userId = "", ...others } = usual;
      await stream.alter("alter table public.transactions rename user_id to customer", { ...others, customer: userId });
      const unjudged = stream.draw(400);
      await stream.write(unjudged);
      await stream.alter("alter table public.transactions rename customer to user_id", usual);
      await eventually(() => newest.id === unjudged.at(-1)?.id || undefined, "the last of them in Kafka");
      expect(await ledger.left()).toEqual({ profile: unjudged.length, velocity: unjudged.length });

      const skipped = await Promise.all(
        agentNames.map((agent) => stack.sls("offline", "kafka", "replay", "-f", `${agent}Agent`, "--latest")),
      );
      expect(skipped.map(({ code, stderr }) => ({ code, stderr }))).toMatchObject([{ code: 0 }, { code: 0 }]);
      await takeSnapshot();

      await agents.allJudged(minute);
      expect(await ledger.verify()).toMatchObject(exact);
      const { rows } = await pool.query(
        "select distinct agent, historical from fraud.alerts where transaction_id >= $1",
        [unjudged[0]?.id],
      );
      expect(rows).toHaveLength(agentNames.length);
      expect(rows).toEqual(expect.arrayContaining(agentNames.map((agent) => ({ agent, historical: true }))));
    },
    3 * minute,
  );

  /** Gives the rows what the dropped columns took with them, as from a backup; those that not all could judge go. */
  async function restoreTable(): Promise<void> {
    await pool.query(
      `delete from public.transactions where id not in (select id from audit.transactions where created_at is not null);
       update public.transactions as lost
       set user_id = kept.user_id, amount = kept.amount, created_at = kept.created_at
       from audit.transactions as kept
       where kept.id = lost.id`,
    );
  }

  /** A connector that knows of nothing that it has read begins with a snapshot. */
  async function takeSnapshot(): Promise<void> {
    const connector = `${stack.settings.connectUrl}/connectors/fraud-postgres-connector`;
    await fetch(`${connector}/stop`, { method: "PUT" });
    const forget = async () => (await fetch(`${connector}/offsets`, { method: "DELETE" })).ok || undefined;
    await eventually(forget, "a connector without offsets");
    await fetch(`${connector}/resume`, { method: "PUT" });
  }
});

function idOf(value: string | null | undefined): unknown {
  return rowOf(JSON.parse(Buffer.from(value ?? "", "base64").toString()) as Message)?.["id"];
}
