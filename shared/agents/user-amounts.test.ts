import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { UserAmounts } from "./user-amounts.ts";
import { UserHistories, usersPerGeneration } from "./user-histories.ts";

function stored(amounts: { encode(writer: ByteWriter): void }): Uint8Array {
  const writer = new ByteWriter();
  amounts.encode(writer);
  return writer.finish();
}

function restored(amounts: UserAmounts, historyMax: number): UserAmounts {
  const reader = new ByteReader(stored(amounts));
  const again = UserAmounts.decode(reader, historyMax);
  expect(reader.isAtEnd).toBe(true);
  return again;
}

const amount = fc.oneof(fc.integer({ min: 0, max: 9_999_999_999 }), fc.nat({ max: 9 }));

test("has each user's last amounts and their exact sum, before and after they were stored", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: -2, max: 700 }), amount), { maxLength: 120 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 12 }), fc.nat({ max: 120 }), (all, historyMax, restoreAt) => {
      let amounts = new UserAmounts(historyMax);
      const model = new Map<number, number[]>();
      for (const [index, [user, cents]] of all.entries()) {
        // A few users come often, the others fill the chunks.
        const userId = index % 2 === 0 ? user % 3 : user;
        if (index === restoreAt) amounts = restored(amounts, historyMax);
        const expected = model.get(userId) ?? [];
        const { count, sumCents } = amounts.select(userId);
        expect([count, sumCents]).toEqual([expected.length, expected.reduce((sum, each) => sum + each, 0)]);
        expect(amounts.values()).toEqual(expected);
        amounts.push(cents);
        model.set(userId, [...expected, cents].slice(-historyMax));
        expect(amounts.values()).toEqual(model.get(userId));
      }
    }),
  );
});

test("of histories that were stored longer than they may be now, the newest part is kept", () => {
  const amounts = new UserAmounts(4);
  for (const each of [9, 1, 2, 3, 4]) amounts.select(1).push(each);
  expect(restored(amounts, 2).select(1).values()).toEqual([3, 4]);
  expect(restored(amounts, 8).select(1).values()).toEqual([1, 2, 3, 4]);
});

test("is stored in the form that UserHistories has", () => {
  const [amounts, histories] = [new UserAmounts(50), new UserHistories()];
  for (let i = 0; i < 500; i++) {
    amounts.select(i % 7).push(i * i);
    histories.of(i % 7).push(i * i);
    if (histories.of(i % 7).length > 50) histories.of(i % 7).shift();
  }
  expect(Buffer.from(stored(amounts)).equals(stored(histories))).toBe(true);
});

describe("forgetting", () => {
  const quiet = -1;
  const othersCome = (amounts: UserAmounts, from: number, count: number) => {
    for (let userId = from; userId < from + count; userId++) amounts.select(userId).push(userId);
  };

  test.each([0, usersPerGeneration - 1])("nobody early, everybody in the end, with %d users before", (before) => {
    const amounts = new UserAmounts(2);
    othersCome(amounts, 0, before);
    amounts.select(quiet).push(7);
    othersCome(amounts, before, usersPerGeneration);
    expect(amounts.select(quiet).values()).toEqual([7]);
    othersCome(amounts, 1_000_000, 2 * usersPerGeneration);
    expect(amounts.select(quiet).values()).toEqual([]);
  });
});

test("takes at most 500 bytes a user", () => {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const users = 200_000;
  const amounts = new UserAmounts(50);
  for (let userId = 0; userId < users; userId++) {
    amounts.select(userId);
    for (let i = 0; i < 50; i++) amounts.push(i);
  }
  const after = process.memoryUsage();
  const bytes = after.arrayBuffers - before.arrayBuffers;
  expect(bytes / users).toBeLessThan(450);
  // The formula counts the Map as well, and knows nothing of what was measured.
  expect(amounts.bytes / users).toBeLessThan(500);
  expect(amounts.bytes).toBeGreaterThan(bytes);
  expect(amounts.select(7).count).toBe(50);
});
