import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fakeMapping } from "./fake-mapping.ts";
import { parseReplay, replay } from "./replay.ts";

const PARTITIONS = [
  { first: 2, end: 10, committed: 4, own: {} },
  { first: 0, end: 3, committed: 3, own: {} },
  { first: 0, end: 5, committed: 5 },
];

describe("parseReplay", () => {
  test.each([
    [{ offset: 0 }, { from: { offset: 0 }, partitions: undefined }],
    [
      { offset: 7, partitions: [2, 0, 2] },
      { from: { offset: 7 }, partitions: [2, 0] },
    ],
    [{ position: "LATEST" }, { from: { position: "LATEST" } }],
    [{ timestamp: "2026-11-30T12:00:00Z" }, { from: { timestampMs: Date.UTC(2026, 10, 30, 12) } }],
    [{ timestamp: "2026-11-30 12:00" }, { from: { timestampMs: new Date(2026, 10, 30, 12).getTime() } }],
    [{ timestamp: "2026-11-30" }, { from: { timestampMs: new Date(2026, 10, 30).getTime() } }],
  ])("takes %j", (body, expected) => {
    expect(parseReplay(body)).toMatchObject(expected);
  });

  test("takes every time in milliseconds as it takes its ISO form", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100_000_000_000, max: Date.UTC(9999, 11, 31) }), (timestamp) => {
        const iso = new Date(timestamp).toISOString();
        expect(parseReplay({ timestamp: iso })).toEqual(parseReplay({ timestamp }));
      }),
    );
  });

  test.each([
    [undefined, /the body is undefined; write \{"offset": 0\}/],
    [[], /the body is \[\]/],
    [{}, /say from where/],
    [{ offset: 1, position: "LATEST" }, /one of offset, timestamp and position/],
    [{ offset: -1 }, /offset is -1; write a whole number/],
    [{ offset: "1" }, /offset is "1"/],
    [{ offset: 1, partition: 0 }, /partition is unknown; write offset, timestamp, position, partitions/],
    [{ position: "latest" }, /position is "latest"; write TRIM_HORIZON or LATEST/],
    [{ timestamp: 1_700_000_000 }, /in 1970; write milliseconds/],
    [{ timestamp: "yesterday" }, /timestamp is "yesterday"; write 2026/],
    [{ timestamp: "2026-13-41" }, /timestamp is "2026-13-41"/],
    [{ offset: 1, partitions: [] }, /partitions is \[\]; write a list/],
    [{ offset: 1, partitions: ["0"] }, /partitions is \["0"\]/],
  ])("refuses %j", (body, message) => {
    expect(() => parseReplay(body)).toThrow(message);
    expect(() => parseReplay(body)).toThrow(
      expect.objectContaining({ code: "SOK_ADMIN_REQUEST_INVALID", status: 400 }),
    );
  });
});

describe("replay", () => {
  const run = async (body: unknown) => {
    const fake = fakeMapping(PARTITIONS);
    const positions = await replay(fake, parseReplay(body));
    expect(fake.calls.at(-1)).toEqual(positions);
    return positions.map(({ offset, partition }) => [partition, offset]);
  };

  test("goes on from an offset, within what there is, in the partitions that this process reads", async () => {
    expect(await run({ offset: 5 })).toEqual([
      [0, 5],
      [1, 3],
    ]);
    expect(await run({ offset: 0, partitions: [0] })).toEqual([[0, 2]]);
  });

  test("goes on from the first record, from the end, and from a time", async () => {
    expect(await run({ position: "TRIM_HORIZON", partitions: [0] })).toEqual([[0, 2]]);
    expect(await run({ position: "LATEST", partitions: [0] })).toEqual([[0, 10]]);
    expect(await run({ timestamp: "2026-11-30T12:00:00Z", partitions: [1] })).toEqual([[1, 2]]);
  });

  test("refuses what this process does not read, with what it does", async () => {
    await expect(run({ offset: 0, partitions: [1, 2] })).rejects.toMatchObject({
      status: 409,
      code: "SOK_REPLAY_REFUSED",
      message: "partition 2 of orders is not read by this process now; it reads 0, 1",
    });
    await expect(replay(fakeMapping([]), parseReplay({ offset: 0 }))).rejects.toMatchObject({
      code: "SOK_REPLAY_REFUSED",
      message: "orders is not read by this process now",
    });
  });

  test("says that nothing has changed when Kafka does not answer", async () => {
    const fake = fakeMapping(PARTITIONS, { isAway: true });
    await expect(replay(fake, parseReplay({ offset: 0 }))).rejects.toMatchObject({
      status: 503,
      code: "SOK_REPLAY_FAILED",
      message: "nothing has changed: Kafka does not answer",
    });
  });
});
