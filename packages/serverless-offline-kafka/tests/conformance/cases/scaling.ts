import { expect } from "@jest/globals";
import { viewMapping } from "../../../src/admin/view.ts";
import { LOOK_MS } from "../clock.ts";
import { conformance } from "../conformance.ts";
import { Held, isThrottled, succeeds } from "../function.ts";
import type { Case, OpenMapping } from "../harness.ts";
import { untilTrue } from "../wait.ts";

const PARTITIONS = [0, 1, 2, 3];
const backlog = (count: number) => {
  const values = Array.from({ length: count }, (_, i) => String(i));
  return Object.fromEntries(PARTITIONS.map((partition) => [partition, values]));
};

/** A mapping that has committed one record of each partition, and is held by a backlog behind them. */
async function backlogged(t: Case, count: number, properties: object = {}): Promise<{ m: OpenMapping; held: Held }> {
  const topic = await t.topic(PARTITIONS.length);
  const held = new Held();
  await t.produce(topic, backlog(1));
  const m = t.map(topic, { BatchSize: 1, ...properties }, { frozen: true });
  await m.committed({ 0: 1, 1: 1, 2: 1, 3: 1 });
  m.fn.replies = [held.reply];
  await t.produce(topic, backlog(count));
  await m.polled(PARTITIONS.length * (count + 1));
  return { m, held };
}

conformance(
  "scaling-on-demand",
  "pollers follow the lag minute by minute, up to the number of partitions",
  async (t) => {
    const { m } = await backlogged(t, 10);
    const seen = [];
    for (let minute = 0; minute < 4; minute += 1) {
      const { pollers } = m.mapping.status();
      await untilTrue("each poller has an invocation", () => m.fn.running >= pollers);
      seen.push([pollers, m.fn.runningMax]);
      await m.look(LOOK_MS.onDemand);
    }
    expect(seen).toEqual([
      [1, 1],
      [2, 2],
      [4, 4],
      [4, 4],
    ]);
  },
);

conformance("scaling-on-demand", "pollers follow the lag of a group that has committed nothing", async (t) => {
  const topic = await t.topic(PARTITIONS.length);
  await t.produce(topic, backlog(10));
  const m = t.map(topic, { BatchSize: 1 }, { replies: [new Held().reply], frozen: true });
  await m.polled(40);
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(2);
});

conformance("scaling-on-demand", "pollers become fewer when nothing lags", async (t) => {
  const { m, held } = await backlogged(t, 6);
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(2);
  held.end();
  await m.committed({ 0: 7, 1: 7, 2: 7, 3: 7 });
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(1);
});

conformance("scaling-on-demand", "throttling takes pollers away", async (t) => {
  const { m, held } = await backlogged(t, 10);
  await m.look(LOOK_MS.onDemand);
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(4);
  await untilTrue("each poller has an invocation", () => m.fn.running === 4);
  m.fn.replies = [isThrottled];
  held.end(isThrottled);
  await untilTrue("invocations were throttled", () => m.mapping.metrics.get("InvokeErrorCount") >= 4);
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(2);
  await m.look(LOOK_MS.onDemand);
  expect(m.mapping.status().pollers).toBe(1);
});

conformance("scaling-provisioned", "a poller makes 5 invocations at once and no more", async (t) => {
  const topic = await t.topic(6);
  const held = new Held();
  await t.produce(topic, Object.fromEntries([0, 1, 2, 3, 4, 5].map((partition) => [partition, ["a", "b"]])));
  const config = { MinimumPollers: 1, MaximumPollers: 1 };
  const m = t.map(topic, { BatchSize: 1, ProvisionedPollerConfig: config }, { replies: [held.reply] });
  await m.polled(12);
  await m.fn.invoked(5);
  held.end();
  await m.committed({ 0: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 2 });
  expect(m.fn.runningMax).toBe(5);
});

conformance(
  "scaling-provisioned",
  "there are MinimumPollers from the start, and never more than MaximumPollers",
  async (t) => {
    const { m, held } = await backlogged(t, 10, { ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 3 } });
    expect(m.mapping.status().pollers).toBe(2);
    await m.look(LOOK_MS.provisioned);
    await m.look(LOOK_MS.provisioned);
    expect(m.mapping.status().pollers).toBe(3);
    held.end();
    m.fn.replies = [succeeds];
    await m.committed({ 0: 11, 1: 11, 2: 11, 3: 11 });
    await m.look(LOOK_MS.provisioned);
    await m.look(LOOK_MS.provisioned);
    await m.look(LOOK_MS.provisioned);
    expect(m.mapping.status().pollers).toBe(2);
  },
);

conformance("metrics", "events are counted by AWS's names", async (t) => {
  const topic = await t.topic();
  const queue = await t.queue();
  await t.produce(topic, { 0: ["good", "unwanted", "bad"] });
  const fails = { kind: "failed", code: "SOK_FUNCTION_FAILED", reason: "boom" } as const;
  const m = t.map(
    topic,
    {
      BatchSize: 1,
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: queue.arn } },
      FilterCriteria: { Filters: [{ Pattern: '{"value":[{"anything-but":"unwanted"}]}' }] },
    },
    { replies: [succeeds, () => fails] },
  );
  await m.committed({ 0: 3 });
  await untilTrue("the commit is counted", () => m.mapping.metrics.get("CommittedEventCount") === 3);
  expect(m.mapping.metrics.read()).toEqual({
    PolledEventCount: 3,
    FilteredOutEventCount: 1,
    InvokedEventCount: 3,
    FailedInvokeEventCount: 2,
    DroppedEventCount: 0,
    OnFailureDestinationDeliveredEventCount: 1,
    CommittedEventCount: 3,
    PollingErrorCount: 0,
    InvokeErrorCount: 2,
    CommitErrorCount: 0,
  });
});

conformance("metrics", "the lag and the provisioned pollers are shown by AWS's names", async (t) => {
  const topic = await t.topic(2);
  const held = new Held();
  await t.produce(topic, { 0: ["a", "b", "c"], 1: ["d"] });
  const m = t.map(topic, { BatchSize: 1, ProvisionedPollerConfig: {} }, { replies: [held.reply] });
  await m.fn.invoked(2);
  const { config, mapping } = m;
  expect((await viewMapping({ config, mapping })).metrics).toMatchObject({
    MaxOffsetLag: 3,
    SumOffsetLag: 4,
    ProvisionedPollers: 1,
  });
  held.end();
  await m.committed({ 0: 3, 1: 1 });
  expect((await viewMapping({ config, mapping })).metrics).toMatchObject({ MaxOffsetLag: 0, SumOffsetLag: 0 });
});
