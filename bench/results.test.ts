import { describe, expect, test } from "@jest/globals";
import type { DrainResult } from "./drain.ts";
import { report } from "./report.ts";
import { type DrainName, drainNames, type Results, ratiosOf, summaryOf } from "./results.ts";

const good = { count: 3, missing: 0, unexpected: 0, doubled: 0, examples: [] };

function drained(recordsPerSecond: number, over: Partial<DrainResult> = {}): DrainResult {
  return {
    contestant: "some",
    agents: ["profile"],
    records: 1_000_000,
    startUpSeconds: 1.25,
    seconds: 1_000_000 / recordsPerSecond,
    recordsPerSecond,
    secondHalfPerSecond: recordsPerSecond * 1.1,
    cpuSeconds: 4,
    cpuSecondsPerMillion: 4,
    startUpCpuSeconds: 0.5,
    memoryPeakBytes: 400e6,
    brokerCpuSeconds: 1,
    postgresCpuSeconds: 2,
    alerts: { profile: good },
    alertsAgree: true,
    ...over,
  };
}

function results(drains: Partial<Record<DrainName, DrainResult[]>>, over: Partial<Results> = {}): Results {
  return {
    date: "2026-11-24T09:00:00.000Z",
    command: "npm run bench",
    machine: { cpu: "some CPU", cores: 2, memoryBytes: 24e9, loadAverage: 0.1, os: "Linux", versions: { Node: "24" } },
    quick: false,
    seed: 1,
    records: 1_000_000,
    topicBytes: 600e6,
    handlerIn: "process",
    leftOut: [],
    handler: undefined,
    drains: Object.fromEntries(drainNames.map((name) => [name, drains[name] ?? []])) as unknown as Results["drains"],
    ties: 0,
    floatDifferences: 0,
    pipeline: undefined,
    ...over,
  };
}

const latency = (p50: number, p99: number) => ({
  rowsPerSecond: 2_000,
  insertedPerSecond: 1_999,
  ...{ p50, p99, max: 2 * p99, alerts: 450, waitingRowsBefore: 0, waitingRowsAfter: 1_000 },
  cpuCores: { kafka: 0.31, aws: 0.01 },
});

const sustained = {
  rowsPerSecond: 26_000,
  seconds: 45,
  waitingRowsBefore: 60_000,
  waitingRowsAfter: 60_000,
  cpuCores: { postgres: 0.5 },
};

describe("summaryOf", () => {
  test("has medians, ratios of pairs and every name that scripts rely on", () => {
    const summary = summaryOf(
      results(
        {
          tripline: [drained(200_000), drained(300_000), drained(250_000)],
          kafkaStreams: [drained(100_000), drained(100_000), drained(125_000, { cpuSecondsPerMillion: 8 })],
          triplineBoth: [drained(120_000)],
          kafkaPython: [drained(5_555.5)],
          confluentPython: [drained(60_000)],
        },
        {
          handler: { schemaless: 1_100_000.4, schema: 650_000 },
          pipeline: {
            latency: { "500": latency(40.123, 80), "2000": latency(50, 90), "10000": latency(60, 100) },
            sustained: { ...sustained, rowsPerSecond: 26_000.6 },
          },
        },
      ),
    );
    expect(summary).toMatchObject({
      handler: { schemaless: 1_100_000, schema: 650_000 },
      drain: { one: 250_000, both: 120_000, kafkaPython: 5_556, confluentPython: 60_000, kafkaStreams: 100_000 },
      cpuPerMillion: { tripline: 4, kafkaStreams: 4 },
      latencyMs: { "500": { p50: 40.1, p99: 80 }, "2000": { p50: 50, p99: 90 }, "10000": { p50: 60, p99: 100 } },
      alertsAgree: true,
      ratiosToKafkaStreams: { recordsPerSecond: { median: 2, rounds: [2, 3, 2] } },
    });
    expect(Object.keys(summary).slice(0, 6)).toEqual([
      ...["handler", "drain", "cpuPerMillion", "latencyMs", "pipelineRowsPerSecond", "alertsAgree"],
    ]);
  });

  test("has null for what was not measured", () => {
    const summary = summaryOf(results({}));
    expect(summary.drain.one).toBeNull();
    expect(summary.handler).toEqual({ schemaless: null, schema: null });
    expect(summary.alertsAgree).toBeNull();
    expect(JSON.parse(JSON.stringify(summary))).toMatchObject({ pipelineRowsPerSecond: null });
  });

  test("says when any drain raised other alerts", () => {
    const wrong = { alerts: { profile: { ...good, missing: 1, examples: [17] } }, alertsAgree: false };
    const measured = results({ tripline: [drained(1)], kafkaStreams: [drained(1, wrong)] });
    expect(summaryOf(measured).alertsAgree).toBe(false);
    expect(report(measured)).toContain("Kafka Streams, exactly once, profile: 1 missing");
    expect(report(measured)).toContain("17");
  });
});

test("the report says when the machine was not the benchmark's alone", () => {
  const measured = results({ tripline: [drained(1)] });
  expect(report(measured)).not.toContain("busy when");
  expect(report({ ...measured, machine: { ...measured.machine, loadAverage: 4.2 } })).toContain("load average 4.2");
});

describe("ratiosOf", () => {
  test("compares the rounds that both have", () => {
    const { kafkaStreams } = ratiosOf(
      results({ tripline: [drained(4), drained(9)], kafkaStreams: [drained(2)] }).drains,
    );
    expect(kafkaStreams.recordsPerSecond).toEqual({ median: 2, rounds: [2] });
  });
});

describe("report", () => {
  test("has a line for each thing, and what was left out", () => {
    const text = report(
      results(
        { tripline: [drained(200_000), drained(220_000)], kafkaStreams: [drained(100_000), drained(100_000)] },
        {
          leftOut: ["not asked for: handler"],
          pipeline: {
            latency: { "2000": latency(50, 90) },
            sustained,
          },
        },
      ),
    );
    expect(text).toMatch(/^Tripline, median of 2 +210,000 +231,000 +4\.00 +400 MB +1\.3 s +1,000,000/m);
    expect(text).toContain("records/s 2.10× (2.00, 2.20)");
    expect(text).toMatch(/^2,000 rows\/s +50 ms +90 ms +180 ms +450/m);
    expect(text).toContain("kafka 0.31");
    expect(text).not.toContain("aws");
    expect(text).toContain("Left out: not asked for: handler.");
    expect(text).toContain("those that the rules demand");
  });
});
