import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import { Held, offsetsOf, reports, succeeds, throws } from "../function.ts";

/** Invocations of several partitions at once. */
const CONCURRENT = { ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 1 } };

conformance("order", "records of a partition are delivered in order, whatever fails in between", async (t) => {
  const topic = await t.topic(3);
  const values = Array.from({ length: 40 }, (_, i) => String(i));
  await t.produce(topic, { 0: values, 1: values, 2: values });
  const done: Record<number, number[]> = { 0: [], 1: [], 2: [] };
  let invocation = 0;
  const m = t.map(
    topic,
    { ...CONCURRENT, BatchSize: 7, FunctionResponseTypes: ["ReportBatchItemFailures"] },
    {
      replies: [
        (event) => {
          invocation += 1;
          const offsets = Object.entries(offsetsOf(event));
          if (invocation % 3 === 0) return throws(event);
          const [partition = "0", [, second] = []] = offsets[0] ?? [];
          const fails = invocation % 3 === 1 && second !== undefined;
          for (const [key, list] of offsets) {
            const failsHere = fails && key === partition;
            done[Number(key)]?.push(...list.filter((offset) => !failsHere || offset < second));
          }
          return fails ? reports({ [partition]: second })(event) : succeeds(event);
        },
      ],
    },
  );
  await m.committed({ 0: 40, 1: 40, 2: 40 });
  const inOrder = values.map(Number);
  expect(done).toEqual({ 0: inOrder, 1: inOrder, 2: inOrder });
});

conformance("exclusive", "a partition is not in a second invocation while it is in one", async (t) => {
  const topic = await t.topic(2);
  const held = new Held();
  await t.produce(topic, { 0: ["a"] });
  const m = t.map(topic, { ...CONCURRENT, BatchSize: 1 }, { replies: [held.reply, succeeds] });
  await m.fn.invoked(1);
  await t.produce(topic, { 0: ["b"] });
  await m.polled(2);
  // Comes after it, and is done: nothing but the running invocation holds back partition 0.
  await t.produce(topic, { 1: ["c"] });
  await m.committed({ 1: 1 });
  expect(m.fn.offsets).toEqual([{ 0: [0] }, { 1: [0] }]);
  held.end();
  await m.committed({ 0: 2, 1: 1 });
  expect(m.fn.offsets).toEqual([{ 0: [0] }, { 1: [0] }, { 0: [1] }]);
});

conformance("commit", "a batch is committed when it has succeeded, and not before", async (t) => {
  const topic = await t.topic(2);
  const held = new Held();
  await t.produce(topic, { 0: ["a", "b"] });
  const m = t.map(topic, CONCURRENT, { replies: [held.reply, succeeds] });
  await m.fn.invoked(1);
  await t.produce(topic, { 1: ["c"] });
  // A mapping commits one thing after the other: had the running batch been committed, it would be there by now.
  await m.committed({ 1: 1 });
  held.end();
  await m.committed({ 0: 2, 1: 1 });
});
