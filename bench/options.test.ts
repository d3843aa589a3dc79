import { describe, expect, test } from "@jest/globals";
import { stepsOf } from "./drains.ts";
import { type Plan, readPlan } from "./options.ts";

const plan = (...args: string[]) => readPlan(args) as Plan;

describe("readPlan", () => {
  test("measures everything where nothing else is asked for", () => {
    expect(plan()).toMatchObject({ quick: false, records: 5_000_000, rounds: 3, leftOut: [] });
    expect(plan().only.size).toBe(7);
  });

  test("says what a short run leaves out", () => {
    const { leftOut, quick, records, rounds } = plan("--quick", "--only", "tripline,kafka-streams");
    expect({ quick, rounds }).toEqual({ quick: true, rounds: 1 });
    expect(records).toBeLessThan(1_000_000);
    expect(leftOut.join("\n")).toContain("handler, both, confluent-kafka, kafka-python, pipeline");
  });

  test("takes numbers with or without underscores", () => {
    expect(plan("--records", "2_000_000", "--rounds", "5", "--seed", "0")).toMatchObject({
      records: 2_000_000,
      rounds: 5,
      seed: 0,
    });
    expect(plan("--records", "5000").recordsOfKafkaPython).toBe(5_000);
  });

  test.each([
    [["--records", "many"], "--records is 'many'"],
    [["--rounds", "0"], "--rounds is '0'"],
    [["--only", "tripline,spark"], "there is no 'spark'"],
    [["--pollers", "9"], "--pollers is '9'"],
    [["--handler-in", "lambda"], "process or worker"],
    [["--fast"], "--fast"],
  ])("refuses %j and says what is possible", (args, message) => {
    expect(() => readPlan(args)).toThrow(message);
    expect(() => readPlan(args)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("stepsOf", () => {
  test("lets Tripline and Kafka Streams take turns in going first", () => {
    const names = stepsOf(plan("--only", "tripline,kafka-streams")).map(({ name }) => name);
    expect(names).toEqual([
      ...["tripline", "kafkaStreams", "kafkaStreams", "tripline", "tripline", "kafkaStreams"],
      "triplineWorkers",
    ]);
  });

  test("drains a smaller topic with kafka-python", () => {
    expect(stepsOf(plan("--only", "kafka-python"))).toMatchObject([{ name: "kafkaPython", records: 200_000 }]);
  });
});
