import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { messageKey, messageValue, partitionOf, TransactionStream } from "./change-events.ts";

const seed = 20_261_101;
const rows = 100_000;

/** Calls back with each of so many rows. */
function eachRow(count: number, look: (row: TransactionStream) => void): void {
  const stream = new TransactionStream(seed);
  for (let i = 0; i < count; i += 1) {
    stream.next();
    look(stream);
  }
}

describe("messages", () => {
  test("are byte for byte what Debezium wrote of the same row", () => {
    const file = join(import.meta.dirname, "../shared/change-events/samples/string-no-schema.json");
    const event = JSON.parse(readFileSync(file, "utf8")) as { records: Record<string, { value: string }[]> };
    const [records] = Object.values(event.records);
    const recorded = Buffer.from(records?.[1]?.value ?? "", "base64").toString();
    const { after, source, ts_ns: capturedAt } = JSON.parse(recorded.replace(/"ts_ns":(\d+)}$/, '"ts_ns":"$1"}'));

    const written = messageValue(
      {
        id: after.id,
        userId: after.user_id,
        amountCents: 5,
        cardType: after.card_type,
        merchantId: after.merchant_id,
        createdAtMicros: after.created_at,
        committedAtMicros: source.ts_us,
        transactionNumber: source.txId,
        lsn: source.lsn,
        lastCommitLsn: source.lsn,
      },
      { server: source.name, database: source.db },
      capturedAt,
    );

    // The first row of a run has no commit before it.
    expect(written).toBe(recorded.replace(/\[null,\\"\d+\\"\]/, `[\\"${source.lsn}\\",\\"${source.lsn}\\"]`));
  });

  test("have the key that the connector writes without schemas", () => {
    expect(messageKey({ id: 7 })).toBe('{"id":7}');
  });

  test("are JSON and the same for the same seed, others for another", () => {
    const first = (of: number) => {
      const stream = new TransactionStream(of);
      return Array.from({ length: 2_000 }, () => {
        stream.next();
        return messageValue(stream);
      });
    };
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
    for (const text of first(1)) expect(JSON.stringify(JSON.parse(text))).toHaveLength(text.length);
  });
});

describe("transactions", () => {
  test("have the course's ranges, spread evenly", () => {
    const [ids, outside]: [number[], number[]] = [[], []];
    const users = new Map<number, number>();
    const cards = new Map<string, number>();
    const amountTenths = new Array<number>(10).fill(0);
    eachRow(rows, ({ amountCents, cardType, id, merchantId, userId }) => {
      ids.push(id);
      if (amountCents < 500 || amountCents > 500_000 || merchantId < 1 || merchantId > 500) outside.push(id);
      users.set(userId, (users.get(userId) ?? 0) + 1);
      cards.set(cardType, (cards.get(cardType) ?? 0) + 1);
      const tenth = Math.floor(((amountCents - 500) / 499_501) * 10);
      amountTenths[tenth] = (amountTenths[tenth] ?? 0) + 1;
    });

    expect(outside).toEqual([]);
    expect(ids[0]).toBe(1);
    expect(ids.at(-1)).toBe(rows);
    expect(Math.min(...users.keys())).toBe(1_000);
    expect(Math.max(...users.keys())).toBe(9_999);
    expect(users.size).toBeGreaterThan(8_990);
    expect([...cards.keys()].sort()).toEqual(["AMEX", "MASTERCARD", "VISA"]);
    // Five standard deviations of a count that is binomial.
    for (const count of cards.values()) expect(Math.abs(count - rows / 3)).toBeLessThan(5 * Math.sqrt((rows * 2) / 9));
    for (const count of amountTenths) expect(Math.abs(count - rows / 10)).toBeLessThan(5 * Math.sqrt(rows * 0.09));
  });

  test("come at the course's rate: a thousand at once, every half second", () => {
    const times: number[] = [];
    const outOfOrder: number[] = [];
    let lastLsn = 0;
    eachRow(rows, ({ createdAtMicros, committedAtMicros, lsn }) => {
      times.push(createdAtMicros);
      if (committedAtMicros <= createdAtMicros || lsn <= lastLsn) outOfOrder.push(times.length);
      lastLsn = lsn;
    });

    expect(outOfOrder).toEqual([]);
    expect(new Set(times.slice(0, 1_000)).size).toBe(1);
    expect(new Set(times).size).toBe(rows / 1_000);
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1e6;
    expect((rows - 1_000) / seconds).toBeCloseTo(2_000, -1);
  });

  test("of a user are in one partition, and partitions have a like number", () => {
    const counts = new Array<number>(8).fill(0);
    for (let user = 1_000; user < 10_000; user += 1) {
      const partition = partitionOf(user, 8);
      expect(partitionOf(user, 8)).toBe(partition);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_125)).toBeLessThan(60);
  });
});
