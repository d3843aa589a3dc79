import { describe, expect, test } from "@jest/globals";
import { configOf, fakeMapping } from "./fake-mapping.ts";
import { toPrometheus } from "./prometheus.ts";
import { renderList } from "./table.ts";
import { viewMapping } from "./view.ts";

const PARTITIONS = [
  { first: 0, end: 10, committed: 4, own: { nextOffset: 9, failingFrom: 4 } },
  { first: 5, end: 8, committed: undefined, own: {} },
  { first: 0, end: 3, committed: 1 },
];

const plain = (_color: string, text: string) => text;

describe("viewMapping", () => {
  test("shows where each partition is, of other members too, and what is left to deliver", async () => {
    const view = await viewMapping(fakeMapping(PARTITIONS));
    expect(view.partitions).toEqual([
      { partition: 0, assigned: true, end: 10, committed: 4, next: 9, lag: 6, failingFrom: 4 },
      // Nothing is committed, so it begins at its first record, which is not 0 after retention.
      { partition: 1, assigned: true, end: 8, committed: null, next: null, lag: 3, failingFrom: null },
      { partition: 2, assigned: false, end: 3, committed: 1, next: null, lag: 2, failingFrom: null },
    ]);
    expect(view).toMatchObject({ state: "failing", maxOffsetLag: 6, sumOffsetLag: 11, pollers: 2, invocations: 1 });
    expect(view.metrics).toMatchObject({ PolledEventCount: 7, MaxOffsetLag: 6, SumOffsetLag: 11 });
    expect(view.metrics).not.toHaveProperty("ProvisionedPollers");
  });

  test("has AWS's number of pollers in provisioned mode", async () => {
    const config = configOf({ scaling: { kind: "provisioned", pollersMin: 1, pollersMax: 4 } });
    expect((await viewMapping(fakeMapping([], { config }))).metrics).toMatchObject({ ProvisionedPollers: 2 });
  });

  test("counts what is left from the offset that it shows, though the first was committed after Kafka had answered", async () => {
    const own = { nextOffset: 2, committedOffset: 1 };
    const view = await viewMapping(fakeMapping([{ first: 0, end: 2, committed: undefined, own }]));
    expect(view.partitions).toMatchObject([{ end: 2, committed: 1, lag: 1 }]);
  });

  test("says what it knows while Kafka is away", async () => {
    const own = { nextOffset: 9, committedOffset: 9 };
    const view = await viewMapping(fakeMapping([{ first: 0, end: 10, committed: 4, own }], { isAway: true }));
    expect(view).toMatchObject({
      state: "running",
      maxOffsetLag: null,
      sumOffsetLag: null,
      partitions: [{ partition: 0, end: null, committed: 9, next: 9, lag: null }],
    });
    expect(view.metrics).not.toHaveProperty("MaxOffsetLag");
  });

  test("tells the states of a mapping apart", async () => {
    const stateOf = async (mapping: Parameters<typeof viewMapping>[0]) => (await viewMapping(mapping)).state;
    const paused = fakeMapping(PARTITIONS);
    paused.mapping.pause();
    expect(await stateOf(paused)).toBe("paused");
    expect(await stateOf(fakeMapping([{ first: 0, end: 1, committed: 1 }]))).toBe("waiting");
    expect(await stateOf({ config: configOf({ enabled: false }), mapping: undefined })).toBe("disabled");
  });
});

describe("renderList", () => {
  test("shows people a mapping and a table of its partitions", async () => {
    const views = [
      await viewMapping(fakeMapping(PARTITIONS)),
      await viewMapping({ config: configOf({ functionKey: "audit", enabled: false }), mapping: undefined }),
    ];
    expect(renderList(views, plain)).toBe(
      `
agent ← orders  failing  lag 11  2 pollers  1 invocation
  group orders-agent, from what it has committed or TRIM_HORIZON, no filters
  AgentOrders
  records polled 7
  partition  end  committed  next  lag
          0   10          4     9    6  failing from 4
          1    8          -     -    3
          2    3          1     -    2  not read by this process

audit ← orders  disabled (enabled is false)
  group orders-agent, from what it has committed or TRIM_HORIZON, no filters
  AgentOrders`.trimStart(),
    );
  });
});

describe("toPrometheus", () => {
  test("has AWS's names in its own spelling, with what a label may not have escaped", async () => {
    const config = configOf({ functionKey: 'a"\\\n' });
    const text = toPrometheus([await viewMapping(fakeMapping(PARTITIONS, { config }))]);
    const labels = 'logical_id="AgentOrders",function="a\\"\\\\\\n",topic="orders",group="orders-agent"';
    expect(text).toContain(
      "# HELP event_source_mapping_polled_event_count_total AWS Lambda's PolledEventCount\n" +
        "# TYPE event_source_mapping_polled_event_count_total counter\n" +
        `event_source_mapping_polled_event_count_total{${labels}} 7\n`,
    );
    expect(text).toContain(`event_source_mapping_sum_offset_lag{${labels}} 11\n`);
    expect(text).toContain(`event_source_mapping_partition_lag{${labels},partition="2"} 2\n`);
    expect(text).toMatch(/^(#.*\n|[a-z_]+\{.*\} \d+\n)+$/);
  });
});
