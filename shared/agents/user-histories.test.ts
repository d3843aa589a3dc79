import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { UserHistories, usersPerGeneration } from "./user-histories.ts";

function restored(histories: UserHistories, lengthMax = Number.POSITIVE_INFINITY): UserHistories {
  const writer = new ByteWriter();
  histories.encode(writer);
  const reader = new ByteReader(writer.finish());
  const again = UserHistories.decode(reader, lengthMax);
  expect(reader.isAtEnd).toBe(true);
  return again;
}

test("keeps each user's list, before and after it was stored", () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 9_999_999_999 }), fc.integer({ min: 0, max: 2 ** 52 - 1 }));
  const step = fc.tuple(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((user) => user % 4),
    value,
  );
  fc.assert(
    fc.property(fc.array(step), fc.nat({ max: 100 }), (steps, restoreAt) => {
      let histories = new UserHistories();
      const model = new Map<number, number[]>();
      for (const [index, [userId, each]] of steps.entries()) {
        if (index === restoreAt) histories = restored(histories);
        histories.of(userId).push(each);
        model.set(userId, [...(model.get(userId) ?? []), each]);
        expect(histories.of(userId)).toEqual(model.get(userId));
      }
    }),
  );
});

test("of lists that are longer than they may be now, the newest part is kept", () => {
  const histories = new UserHistories();
  histories.of(1).push(1, 2, 3);
  histories.of(2).push(4);
  const shorter = restored(histories, 2);
  expect(shorter.of(1)).toEqual([2, 3]);
  expect(shorter.of(2)).toEqual([4]);
});

describe("forgetting", () => {
  const quiet = -1;
  const othersCome = (histories: UserHistories, from: number, count: number) => {
    for (let userId = from; userId < from + count; userId++) histories.of(userId).push(userId);
  };

  test.each([0, 1, usersPerGeneration - 1])("nobody early, with %d users before", (before) => {
    const histories = new UserHistories();
    othersCome(histories, 0, before);
    histories.of(quiet).push(7);
    othersCome(histories, before, usersPerGeneration);
    expect(histories.of(quiet)).toEqual([7]);
  });

  test.each([0, usersPerGeneration - 1])("everybody in the end, with %d users before", (before) => {
    const histories = new UserHistories();
    othersCome(histories, 0, before);
    histories.of(quiet).push(7);
    othersCome(histories, before, 2 * usersPerGeneration);
    expect(histories.of(quiet)).toEqual([]);
  });

  test("goes on in the same way after it was stored", () => {
    const warm = new UserHistories();
    othersCome(warm, 0, usersPerGeneration + 5);
    const cold = restored(warm);
    for (const each of [warm, cold]) othersCome(each, 1_000_000, usersPerGeneration - 4);
    for (const each of [warm, cold])
      expect([each.of(usersPerGeneration - 1), each.of(usersPerGeneration)]).toEqual([[], [usersPerGeneration]]);
  });
});
