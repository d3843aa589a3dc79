import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import kafkajs from "kafkajs";
import { connectKafka } from "../../shared/kafka/client.ts";
import { groups, topics } from "../../shared/kafka/topics.ts";
import { AgentsAtWork } from "./agents-at-work.ts";
import { agentNames, type FailedRecord } from "./failed-records.ts";
import type { Entry, Judges } from "./ledger.ts";
import { type Case, ignored, microsOf, poisons, type Sample, unusual, written } from "./poison-cases.ts";
import { eventually } from "./stack.ts";
import { TopicReader } from "./topic-reader.ts";
import { TransactionStream } from "./transaction-stream.ts";

const minute = 60_000;
jest.setTimeout(minute);

/** So many that each case has a user of its own in every partition. */
const users = 160;
/** So that profile has a history and velocity a busy window. */
const rowsPerUser = 6;
const usualCents = 2_000;
/** Both agents find this suspicious, after the rows above. */
const suspiciousCents = 450_000;

/** Its base64 is more than the 6 MB of an invocation. */
const tooLarge: Case = {
  what: "a message of 5 MB",
  value: (sample) => written(sample, { note: "x".repeat(5_000_000) }),
};
/** Half as much again, so that the topic takes it. */
const messageBytesMax = 8_388_608;

interface Message {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly partition: number;
}

/** A record that was sent between two good ones. */
interface Sent extends Message {
  /** What it is about, where somebody must judge it. */
  readonly entry: Entry;
  /** The transaction behind it, of the same user, which both agents must find suspicious. */
  readonly next: Entry;
  offset: number;
}

const agents = new AgentsAtWork();
const { stack, pool, ledger, failed } = agents;
const writer = new TransactionStream(pool, ledger, 1);
const kafka = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "tripline-test" });
const producer = kafka.producer();
const admin = kafka.admin();

const sent = new Map<Case, Sent>();
const messages: Message[] = [];
let envelope: Record<string, unknown> = {};
/** Users that no case has yet, by partition. */
const freeUsers: number[][] = Array.from({ length: topics.transactions.partitions }, () => []);

// A record that is put aside takes its partition seconds: all are sent at once, spread over the partitions.
beforeAll(async () => {
  await agents.start();
  await Promise.all([producer.connect(), admin.connect()]);
  await seed();
  await allowLargeMessages();
  for (const each of poisons) await put(each, each.judges);
  await put(tooLarge, "nobody");
  for (const each of unusual) await put(each, "both", suspiciousCents);
  for (const each of ignored) await put(each, "nobody");
  await send();
  await eventually(allCommitted, "an end of all records", 2 * minute);
}, 5 * minute);

afterAll(async () => {
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  await agents.stop();
}, 2 * minute);

/** Gives each user a history by way of PostgreSQL and Debezium; it shows how a message looks and where a user's go. */
async function seed(): Promise<void> {
  const entries = writer.draw(users * rowsPerUser);
  await writer.write(entries.map((entry, i) => ({ ...entry, userId: 1 + (i % users), amountCents: usualCents })));
  await agents.allJudged(minute);
  const seen = new Set<number>();
  const reader = new TopicReader(stack.settings.bootstrapServers, topics.transactions.name, (partition, { value }) => {
    envelope = JSON.parse(String(value)) as Record<string, unknown>;
    const { user_id: user } = envelope["after"] as { user_id: number };
    if (!seen.has(user)) freeUsers[partition]?.push(user);
    seen.add(user);
  });
  await reader.start();
  await eventually(() => seen.size === users || undefined, "a message of each user");
  await reader.stop();
}

async function allowLargeMessages(): Promise<void> {
  const configEntries = [{ name: "max.message.bytes", value: String(messageBytesMax) }];
  const topic = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topics.transactions.name, configEntries };
  await admin.alterConfigs({ validateOnly: false, resources: [topic] });
}

async function put(each: Case, judges: Judges, amountCents = usualCents): Promise<void> {
  const partition = sent.size % topics.transactions.partitions;
  const userId = freeUsers[partition]?.pop();
  if (userId === undefined) throw new Error(`no user is left in partition ${partition}: make more than ${users}`);
  const [before, entry, next] = writer.draw(3).map((drawn) => ({ ...drawn, userId, amountCents: usualCents })) as [
    Entry,
    Entry,
    Entry,
  ];
  const meant = { ...entry, amountCents };
  const suspicious = { ...next, amountCents: suspiciousCents };
  await ledger.note([before, suspicious]);
  await ledger.note([meant], judges);
  const good: Case = { what: "good", value: written };
  const message = messageOf(each, meant, partition);
  messages.push(messageOf(good, before, partition), message, messageOf(good, suspicious, partition));
  const offset = messages.filter((one) => one.partition === partition).indexOf(message);
  sent.set(each, { ...message, entry: meant, next: suspicious, offset });
}

function messageOf({ value }: Case, entry: Entry, partition: number): Message {
  const bytes = value({ row: rowOf(entry), envelope });
  const key = Buffer.from(JSON.stringify({ id: entry.id }));
  return { key, value: bytes === null ? null : Buffer.from(bytes), partition };
}

function rowOf({ id, userId, amountCents, cardType, merchantId, createdAt }: Entry): Sample["row"] {
  return {
    id,
    user_id: userId,
    amount: (amountCents / 100).toFixed(2),
    card_type: cardType,
    merchant_id: merchantId,
    created_at: microsOf(createdAt),
  };
}

/** Sends what was put, one batch a partition, so that the offsets are known. */
async function send(): Promise<void> {
  const batches = await producer.send({ topic: topics.transactions.name, messages });
  for (const one of sent.values()) {
    one.offset += Number(batches.find(({ partition }) => partition === one.partition)?.baseOffset);
  }
}

/** True once both groups have done all there is: then nothing more can be put aside. */
async function allCommitted(): Promise<true | undefined> {
  const topic = topics.transactions.name;
  const ends = await admin.fetchTopicOffsets(topic);
  for (const groupId of [groups.profile, groups.velocity]) {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, offset]));
    if (ends.some(({ partition, high }) => offsets.get(partition) !== high)) return undefined;
  }
  return true;
}

function sentAs(each: Case): Sent {
  const one = sent.get(each);
  if (one === undefined) throw new Error(`'${each.what}' was not sent`);
  return one;
}

/** What was put aside of a case: it is there to be read as it was sent, and with the place that it came from. */
function putAside(each: Case): FailedRecord[] {
  const { key, value, partition, offset } = sentAs(each);
  const its = failed.at(partition, offset);
  for (const one of its) {
    expect(one.key).toEqual(key);
    expect(one.record).toMatchObject({ topic: topics.transactions.name, partition, offset });
    // Not toEqual: it would print 5 MB.
    expect(value?.equals(Buffer.from(one.record.value ?? "", "base64"))).toBe(true);
  }
  return its;
}

const agentsOf = (its: readonly FailedRecord[]) => its.map(({ agent }) => agent).sort();

async function alertsAbout({ id }: Entry): Promise<unknown[]> {
  const alerts = await pool.query(
    "select agent, amount_cents from fraud.alerts where transaction_id = $1 order by agent",
    [id],
  );
  return alerts.rows;
}

const alertsOfBoth = agentNames.map((agent) => ({ agent, amount_cents: suspiciousCents }));

describe("is put aside once by each agent that cannot judge it, and its neighbours are judged", () => {
  test.each(poisons)("$what", async (poison) => {
    const its = putAside(poison);
    expect(agentsOf(its)).toEqual(poison.judges === "profile" ? ["velocity"] : agentNames);
    for (const { agent, condition, invocations, partition, offset, response } of its) {
      expect({ condition, response }).toMatchObject({ condition: "RetriesExhausted", response: { statusCode: 200 } });
      // Once, and three times more; more often where it had to be singled out.
      expect(invocations).toBeGreaterThanOrEqual(4);
      expect(agents.causes(agent, partition, offset)).toEqual([poison.code]);
    }
    expect(await alertsAbout(sentAs(poison).next)).toEqual(alertsOfBoth);
  });

  test("a record that no invocation can carry", async () => {
    const its = putAside(tooLarge);
    expect(agentsOf(its)).toEqual(agentNames);
    for (const { condition, invocations, response } of its) {
      expect({ condition, invocations, response }).toEqual({
        condition: "MaximumPayloadSizeExceeded",
        invocations: 0,
        response: null,
      });
    }
    expect(await alertsAbout(sentAs(tooLarge).next)).toEqual(alertsOfBoth);
  });
});

describe("is judged as any other record", () => {
  test.each(unusual)("one $what", async (each) => {
    expect(putAside(each)).toEqual([]);
    expect(await alertsAbout(sentAs(each).entry)).toEqual(alertsOfBoth);
  });
});

describe("is passed over", () => {
  test.each(ignored)("$what", async (each) => {
    expect(putAside(each)).toEqual([]);
    expect(await alertsAbout(sentAs(each).next)).toEqual(alertsOfBoth);
  });
});

describe("in all", () => {
  test("nothing else is put aside", () => {
    const expected = poisons.map(({ judges }) => (judges === "profile" ? 1 : 2)).reduce((sum, each) => sum + each, 0);
    expect(failed.all).toHaveLength(expected + agentNames.length);
  });

  test("every good record is judged once, and every alert is there once", async () => {
    expect(await ledger.left()).toEqual({ profile: 0, velocity: 0 });
    expect(await ledger.verify()).toMatchObject({ missing: 0, unexpected: 0, duplicated: 0 });
    const progress = await pool.query(
      `select agent, sum(ignored)::bigint as ignored, sum(repeated)::bigint as repeated
       from fraud.progress group by agent order by agent`,
    );
    expect(progress.rows).toEqual(agentNames.map((agent) => ({ agent, ignored: ignored.length, repeated: 0 })));
  });
});
