import { describe, expect, test } from "@jest/globals";
import { bytesOf, message, TRANSACTION } from "../../../shared/change-events/samples.ts";
import { parseQuery } from "../http/router.ts";
import { FakeCluster, type FakeRecord } from "./fake-cluster.ts";
import { findMessages, MessageQuery, type SearchLimits, textOf } from "./messages.ts";

const topic = "t";

const query = (text: string) => parseQuery(MessageQuery, new URLSearchParams(text));

function find(cluster: FakeCluster, text: string, limits?: SearchLimits) {
  return findMessages(cluster.kafka, topic, query(text), limits);
}

const numbered = (count: number, value = (offset: number) => `value ${offset}`): FakeRecord[] =>
  Array.from({ length: count }, (_, offset) => ({ offset, value: value(offset) }));

const offsetsOf = ({ messages }: { readonly messages: readonly { readonly offset: number }[] }) =>
  messages.map(({ offset }) => offset);

describe("a page", () => {
  const cluster = new FakeCluster().partition(topic, 0, numbered(10));

  test("is of the newest messages, newest first, when nothing is asked for", async () => {
    const page = await find(cluster, "limit=3");

    expect(offsetsOf(page)).toEqual([9, 8, 7]);
    expect(page.searched).toBe(3);
    expect(offsetsOf(await find(cluster, `limit=3&next=${page.next}`))).toEqual([6, 5, 4]);
  });

  test.each([
    ["from=start", [0, 1, 2]],
    ["from=4&partition=0", [4, 5, 6]],
    ["from=1970-01-01T00:00:00.007Z", [7, 8, 9]],
    ["from=1970-01-01T00:00:01Z", []],
    ["from=99&partition=0", []],
  ])("%s goes on in the order of time", async (from, offsets) => {
    expect(offsetsOf(await find(cluster, `${from}&limit=3`))).toEqual(offsets);
  });

  test("has no next one when all was read", async () => {
    expect((await find(cluster, "from=start")).next).toBeNull();
    expect((await find(cluster, "from=end")).next).toBeNull();
  });

  test("of an offset that has expired begins with what is there", async () => {
    const rest = new FakeCluster().partition(topic, 0, numbered(10).slice(6));

    expect(offsetsOf(await find(rest, "from=0&partition=0"))).toEqual([6, 7, 8, 9]);
  });

  test("ends before it is larger than a function may answer", async () => {
    const large = new FakeCluster().partition(
      topic,
      0,
      numbered(200, () => "x".repeat(60_000)),
    );
    const page = await find(large, "limit=200");

    expect(page.messages.length).toBeLessThan(60);
    expect(page.next).not.toBeNull();
  });

  test.each([
    ["from=5", "from: an offset is of a partition"],
    ["from=yesterday", "from: must be start, end"],
    ["limit=201", "limit: must be a whole number from 1 to 200"],
    ["partition=-1", "partition: must be a whole number"],
    ["next=abc", "not the end of a page"],
    ["partition=3", "has no partition 3"],
  ])("%s is refused", async (text, reason) => {
    await expect((async () => find(cluster, text))()).rejects.toThrow(reason);
  });

  test("of a topic that does not exist is not found", async () => {
    await expect(findMessages(cluster.kafka, "other", query(""))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a message", () => {
  const only = async (record: Omit<FakeRecord, "offset">) => {
    const page = await find(new FakeCluster().partition(topic, 0, [{ offset: 0, ...record }]), "");
    return page.messages[0];
  };

  test("that is a change event has its rows and one line", async () => {
    const { change, value } = (await only({ value: bytesOf(message({ op: "c", after: TRANSACTION })) })) ?? {};

    expect(change).toMatchObject({ op: "c", table: "public.transactions", before: null, after: { user_id: 1234 } });
    expect(change?.summary).toContain("user_id=1234");
    expect(value).toContain('"user_id":1234');
  });

  test("that is a tombstone, or binary, is still shown", async () => {
    expect(await only({ key: "k", value: null })).toMatchObject({ key: "k", value: null, change: null, bytes: 1 });
    expect(await only({ value: Buffer.from([0xff, 0x00, 0x41]) })).toMatchObject({ value: "\ufffd\0A", change: null });
  });

  test("that is very long is cut, and says how long it is", async () => {
    const shown = await only({ value: "ü".repeat(50_000) });

    expect(shown).toMatchObject({ isCut: true, bytes: 100_000 });
    expect(shown?.value?.length).toBe(32 * 1_024);
    // The columns of a long change event are cut as well.
    const long = { ...TRANSACTION, note: { value: "x".repeat(100_000), schema: { type: "string" } } };
    const { change } = (await only({ value: bytesOf(message({ op: "c", after: long })) })) ?? {};
    expect(JSON.stringify(change).length).toBeLessThan(20_000);
    expect(change?.after).toMatchObject({ user_id: 1234 });
  });

  test("may have a time that no clock shows", async () => {
    expect((await only({ timestamp: -1 }))?.timestamp).toBe("1969-12-31T23:59:59.999Z");
    expect((await only({ timestamp: 2 ** 60 }))?.timestamp).toBe("+275760-09-13T00:00:00.000Z");
  });
});

test("a text is cut between characters", () => {
  expect(textOf(Buffer.from("aü"), 2)).toBe("a");
  expect(textOf(Buffer.from("aü"), 3)).toBe("aü");
  expect(textOf(null, 3)).toBeNull();
});

describe("a search", () => {
  test("finds a text in the key, the value, and a change as it is shown, whatever its case", async () => {
    const amount = bytesOf(message({ op: "c", after: TRANSACTION, schemas: true }));
    const cluster = new FakeCluster().partition(topic, 0, [
      { offset: 0, key: "ÄPFEL" },
      { offset: 1, value: "rote äpfel" },
      { offset: 2, value: amount },
      { offset: 3, value: "nothing" },
    ]);
    const shown = (await find(cluster, "from=2&partition=0&limit=1")).messages[0]?.change?.after?.["amount"];

    expect(offsetsOf(await find(cluster, "from=start&text=äpfel"))).toEqual([0, 1]);
    // In the message it is encoded.
    expect(amount.toString()).not.toContain(`"${shown}"`);
    expect(offsetsOf(await find(cluster, `text=amount=${shown}`))).toEqual([2]);
  });

  test("ends at its limits with what was found, and goes on from there", async () => {
    const cluster = new FakeCluster().partition(
      topic,
      0,
      numbered(100, (offset) => `v${offset}.`),
    );
    const limits = { records: 40, bytes: 1_000_000, ms: 60_000 };
    const first = await find(cluster, "from=start&text=v7.", limits);

    expect(first).toMatchObject({ messages: [{ offset: 7 }], searched: 40 });
    const second = await find(cluster, `from=start&text=v7.&next=${first.next}`, limits);
    expect(second).toMatchObject({ messages: [], searched: 40 });
    const third = await find(cluster, `from=start&text=v7.&next=${second.next}`, limits);
    expect(third).toEqual({ messages: [], searched: 20, next: null });
    expect((await find(cluster, "text=none", { ...limits, bytes: 20 })).searched).toBeLessThan(10);
    expect((await find(cluster, "text=none", { ...limits, ms: 0 })).searched).toBe(0);
  });
});

describe("Connect's topic of configurations", () => {
  const secret = "postgrespw";
  const value = JSON.stringify({ properties: { "database.password": secret, "topic.prefix": "dbserver1" } });
  const records = [
    { offset: 0, value },
    { offset: 1, key: "session-key", value: JSON.stringify({ key: secret, algorithm: "HmacSHA256" }) },
    { offset: 2, value: secret },
    { offset: 3, value: null },
  ];

  test.each(["connect-configs", "__amazon_msk_connect_configs_tripline"])(
    "%s shows no secret, nor that it is there",
    async (name) => {
      const cluster = new FakeCluster().partition(name, 0, records);
      const page = await findMessages(cluster.kafka, name, query("from=start"));

      expect(page.messages).toHaveLength(4);
      expect(JSON.stringify(page)).not.toContain(secret);
      expect(page.messages[0]?.value).toContain("dbserver1");
      expect((await findMessages(cluster.kafka, name, query(`text=${secret}`))).messages).toEqual([]);
    },
  );
});
