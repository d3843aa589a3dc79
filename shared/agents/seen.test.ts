import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { chunksMax, SeenIds } from "./seen.ts";

const idsPerChunk = 65_536;

function restored(seen: SeenIds): SeenIds {
  const writer = new ByteWriter();
  seen.encode(writer);
  // From a Buffer, as zlib gives it.
  const bytes = Buffer.from(writer.finish());
  const again = SeenIds.decode(new ByteReader(bytes));
  bytes.fill(0);
  return again;
}

test("an id is new once, at both ends of a chunk and beyond 32 bits", () => {
  const seen = new SeenIds();
  const ids = [0, 1, 7, 8, idsPerChunk - 1, idsPerChunk, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 2 ** 52 - 1];
  expect(ids.map((id) => seen.add(id))).toEqual(ids.map(() => true));
  expect(ids.map((id) => seen.add(id))).toEqual(ids.map(() => false));
});

test("is a set, before and after it was stored", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 * idsPerChunk })), fc.nat(), (ids, at) => {
      let seen = new SeenIds();
      const model = new Set<number>();
      for (const [index, id] of [...ids, ...ids].entries()) {
        if (index === at % (2 * ids.length)) seen = restored(seen);
        expect(seen.add(id)).toBe(!model.has(id));
        model.add(id);
      }
    }),
  );
});

describe("when the chunks are used up", () => {
  function full(): SeenIds {
    const seen = new SeenIds();
    for (let index = 1; index <= chunksMax; index++) seen.add(index * idsPerChunk);
    return seen;
  }

  test("the lowest goes for a higher one, and its ids count as judged, those that never came as well", () => {
    const seen = full();
    expect(seen.add((chunksMax + 1) * idsPerChunk)).toBe(true);
    expect(seen.add(idsPerChunk)).toBe(false);
    expect(seen.add(idsPerChunk + 1)).toBe(false);
    expect(seen.add(2 * idsPerChunk)).toBe(false);
    expect(seen.add(2 * idsPerChunk + 1)).toBe(true);
  });

  test("an id below all of them counts as judged, and costs none of them its place", () => {
    const seen = full();
    expect(seen.add(5)).toBe(false);
    expect(seen.add(idsPerChunk + 1)).toBe(true);
  });

  test("the floor is stored, too", () => {
    const seen = full();
    seen.add((chunksMax + 1) * idsPerChunk);
    const again = restored(seen);
    expect(again.add(idsPerChunk + 1)).toBe(false);
    expect(again.add(2 * idsPerChunk)).toBe(false);
    expect(again.add(2 * idsPerChunk + 1)).toBe(true);
  });

  test("repetitions that are not replayed leave no trace: a rebuilt set answers the same", () => {
    // fraud.changes holds what was judged, not what was repeated.
    const warm = full();
    const cold = full();
    expect(warm.add(5)).toBe(false);
    for (const id of [5, 6, idsPerChunk + 9, (chunksMax + 3) * idsPerChunk, idsPerChunk + 10, 2 * idsPerChunk + 3]) {
      expect(warm.add(id)).toBe(cold.add(id));
    }
  });
});
