import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Direction } from "./cursor.ts";
import { FakeCluster, type FakeRecord } from "./fake-cluster.ts";
import { type Range, TopicReader } from "./topic-reader.ts";

type Logs = readonly (readonly FakeRecord[])[];

const topic = "t";

function clusterOf(logs: Logs): FakeCluster {
  const cluster = new FakeCluster();
  logs.forEach((records, partition) => {
    cluster.partition(topic, partition, records);
  });
  return cluster;
}

function rangesOf(logs: Logs, direction: Direction, positions?: ReadonlyMap<number, number>): Range[] {
  return logs.flatMap((records, partition): Range[] => {
    const [start, end] = [records[0]?.offset ?? 0, (records.at(-1)?.offset ?? -1) + 1];
    if (positions !== undefined && !positions.has(partition)) return [];
    return [{ partition, start, end, from: positions?.get(partition) ?? (direction === "forward" ? start : end) }];
  });
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** Page after page, each with a reader of its own that goes on where the last one has ended. */
async function readPages(logs: Logs, direction: Direction, pageLength: number): Promise<Place[]> {
  const places: Place[] = [];
  let positions: ReadonlyMap<number, number> | undefined;
  for (let page = 0; page < 1_000; page += 1) {
    const reader = new TopicReader(
      clusterOf(logs).direct,
      topic,
      direction,
      rangesOf(logs, direction, positions),
      pageLength,
    );
    for (let length = 0; length < pageLength; length += 1) {
      const found = await reader.next();
      if (found === undefined) break;
      places.push({ partition: found.partition, offset: found.record.offset });
    }
    positions = reader.positions();
    if (positions.size === 0) return places;
  }
  throw new Error("the pages do not end");
}

/** Offsets with holes, as compaction leaves them, and times that never go back within a partition. */
const logs: fc.Arbitrary<Logs> = fc.array(
  fc.array(fc.record({ hole: fc.nat(40), pause: fc.nat(3) }), { maxLength: 30 }).map((steps) => {
    let [offset, timestamp] = [-1, 0];
    return steps.map(({ hole, pause }) => {
      offset += 1 + (hole > 30 ? hole : 0);
      timestamp += pause;
      return { offset, timestamp };
    });
  }),
  { minLength: 1, maxLength: 4 },
);

function inOrder(all: Logs): Place[] {
  return all
    .flatMap((records, partition) => records.map(({ offset, timestamp = 0 }) => ({ partition, offset, timestamp })))
    .sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset)
    .map(({ partition, offset }) => ({ partition, offset }));
}

describe("page after page", () => {
  test("forward, each record comes once, in the order of time", async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.integer({ min: 1, max: 7 }), async (all, pageLength) => {
        expect(await readPages(all, "forward", pageLength)).toEqual(inOrder(all));
      }),
    );
  });

  test("backward, each record comes once, the newest first", async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.integer({ min: 1, max: 7 }), async (all, pageLength) => {
        expect(await readPages(all, "backward", pageLength)).toEqual(inOrder(all).reverse());
      }),
    );
  });

  test("a time that goes back does not change the order within a partition", async () => {
    const all = [[9, 1, 5].map((timestamp, offset) => ({ offset, timestamp })), [{ offset: 0, timestamp: 4 }]];

    expect((await readPages(all, "forward", 2)).filter(({ partition }) => partition === 0)).toEqual(
      [0, 1, 2].map((offset) => ({ partition: 0, offset })),
    );
  });
});

const record = (offset: number) => ({ offset });

test("looks far back at once where compaction has left almost nothing", async () => {
  const cluster = new FakeCluster().partition(topic, 0, [record(0), record(1), record(2), record(4_000_000_000)]);
  const range = { partition: 0, start: 0, end: 4_000_000_001, from: 4_000_000_001 };
  const reader = new TopicReader(cluster.direct, topic, "backward", [range], 50);

  expect([await reader.next(), await reader.next()].map((found) => found?.record.offset)).toEqual([4_000_000_000, 2]);
  expect(cluster.fetches).toBeLessThan(40);
});

test("goes on without a partition that nobody leads, and tries it again on the next page", async () => {
  const cluster = new FakeCluster().partition(topic, 0, [record(0)]);
  const { direct } = cluster;
  const ranges = [0, 1].map((partition) => ({ partition, start: 0, end: 1, from: 0 }));
  const source = {
    fetch: async (positions: Parameters<typeof direct.fetch>[0], bytes: number) => {
      const fetched = new Map(await direct.fetch(positions, bytes));
      fetched.delete("t-1");
      return fetched;
    },
  };
  const reader = new TopicReader(source, topic, "forward", ranges, 50);

  expect((await reader.next())?.partition).toBe(0);
  expect(await reader.next()).toBeUndefined();
  expect(reader.positions()).toEqual(new Map([[1, 0]]));
});

test("stops where records have expired meanwhile", async () => {
  const cluster = new FakeCluster().partition(topic, 0, [record(10)]);
  const reader = new TopicReader(cluster.direct, topic, "forward", [{ partition: 0, start: 0, end: 11, from: 0 }], 50);

  expect(await reader.next()).toBeUndefined();
  expect(reader.positions()).toEqual(new Map([[0, 0]]));
});

test("asks for more when not even one batch fits, and ends when nothing comes at all", async () => {
  const asked: number[] = [];
  const source = {
    fetch: async (_: unknown, bytes: number) => {
      asked.push(bytes);
      return new Map([["t-0", { batches: [], end: 1, isOutOfRange: false }]]);
    },
  };
  const reader = new TopicReader(source, topic, "forward", [{ partition: 0, start: 0, end: 1, from: 0 }], 50);

  expect(await reader.next()).toBeUndefined();
  expect(asked).toEqual(asked.toSorted((a, b) => a - b));
  expect(asked.at(-1)).toBe(32 * 1_024 * 1_024);
});

test("of many large records, keeps the newest of a step and comes back for the others", async () => {
  const value = Buffer.alloc(1_024 * 1_024);
  const all = Array.from({ length: 30 }, (_, offset) => ({ offset, value }));
  const cluster = new FakeCluster().partition(topic, 0, all);
  const reader = new TopicReader(
    cluster.direct,
    topic,
    "backward",
    [{ partition: 0, start: 0, end: 30, from: 30 }],
    30,
  );
  const offsets: (number | undefined)[] = [];
  for (let left = 31; left > 0; left -= 1) offsets.push((await reader.next())?.record.offset);

  expect(offsets).toEqual([...Array.from({ length: 30 }, (_, index) => 29 - index), undefined]);
  expect(cluster.fetches).toBeGreaterThan(3);
});

test("backward, fetches no batch twice that it has whole", async () => {
  const cluster = new FakeCluster().partition(topic, 0, [record(0), record(1), record(2)]);
  const reader = new TopicReader(cluster.direct, topic, "backward", [{ partition: 0, start: 0, end: 3, from: 3 }], 1);
  while ((await reader.next()) !== undefined);

  expect(cluster.fetches).toBe(1);
});
