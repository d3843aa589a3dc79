import { describe, expect, test } from "@jest/globals";
import { Committer } from "./committer.ts";
import type { PartitionOffset } from "./contract.ts";
import { FakeClock, settle } from "./world.ts";

const at = (partition: number, offset: number): PartitionOffset => ({ topic: "t", partition, offset });

function setUp() {
  const clock = new FakeClock();
  const requests: { offsets: readonly PartitionOffset[]; answer: (error?: Error) => void }[] = [];
  const seen = { committed: [] as PartitionOffset[], failures: [] as number[], abandoned: [] as PartitionOffset[] };
  const committer = new Committer({
    clock,
    commit: (offsets) =>
      new Promise((resolve, reject) => {
        requests.push({ offsets, answer: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
    onCommitted: (offsets) => seen.committed.push(...offsets),
    onFailed: (_offsets, _error, failures) => seen.failures.push(failures),
    onAbandoned: (offsets) => seen.abandoned.push(...offsets),
  });
  return { clock, committer, requests, seen };
}

describe("Committer", () => {
  test("sends what becomes due in one moment together, and what becomes due meanwhile with the next request", async () => {
    const { committer, requests, seen } = setUp();
    committer.request(at(0, 1));
    committer.request(at(1, 1));
    await settle();
    committer.request(at(0, 2));
    committer.request(at(0, 3));
    expect(requests.map(({ offsets }) => offsets)).toEqual([[at(0, 1), at(1, 1)]]);
    requests[0]?.answer();
    await settle();
    expect(requests[1]?.offsets).toEqual([at(0, 3)]);
    requests[1]?.answer();
    await committer.idle();
    expect(seen.committed).toEqual([at(0, 1), at(1, 1), at(0, 3)]);
  });

  test("tries until it succeeds, with the latest position of each partition", async () => {
    const { clock, committer, requests, seen } = setUp();
    committer.request(at(0, 1));
    await settle();
    committer.request(at(0, 2));
    requests[0]?.answer(new Error("no"));
    await clock.advance(2_000);
    requests[1]?.answer(new Error("no"));
    await clock.advance(2_000);
    expect(requests[2]?.offsets).toEqual([at(0, 2)]);
    requests[2]?.answer();
    await committer.idle();
    expect(seen).toEqual({ committed: [at(0, 2)], failures: [1, 2], abandoned: [] });
  });

  test("does not try again for a partition that has gone, also when its commit was under way", async () => {
    const { clock, committer, requests } = setUp();
    committer.request(at(0, 1));
    committer.request(at(1, 1));
    await settle();
    committer.forget(0);
    requests[0]?.answer(new Error("no"));
    await clock.advance(2_000);
    expect(requests[1]?.offsets).toEqual([at(1, 1)]);
  });

  test("gives up after some attempts while stopping, and says what comes again", async () => {
    const { clock, committer, requests, seen } = setUp();
    committer.request(at(0, 1));
    committer.stop();
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(2_000);
      requests[i]?.answer(new Error("no"));
    }
    await committer.idle();
    expect(requests).toHaveLength(3);
    expect(seen.abandoned).toEqual([at(0, 1)]);
  });
});
