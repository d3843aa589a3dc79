import { describe, expect, test } from "@jest/globals";
import { isOutage, outlastOutage } from "./outage.ts";

const withCode = (code: string) => Object.assign(new Error("no"), { code });

describe("isOutage", () => {
  test.each([
    withCode("ECONNREFUSED"),
    withCode("08006"),
    withCode("57P01"),
    withCode("57P03"),
    withCode("57P04"),
    withCode("53300"),
    withCode("53100"),
    withCode("40001"),
    withCode("40P01"),
    withCode("55P03"),
    withCode("57014"),
    withCode("58030"),
    new Error("Connection terminated unexpectedly"),
    new Error("timeout exceeded when trying to connect"),
    new Error("Query read timeout"),
  ])("takes %s as one", (error) => {
    expect(isOutage(error)).toBe(true);
  });

  test.each([
    withCode("42P01"),
    withCode("23505"),
    withCode("22P02"),
    withCode("P0001"),
    new Error("no such change event"),
    "gone",
  ])("takes %s as an answer", (error) => {
    expect(isOutage(error)).toBe(false);
  });
});

describe("outlastOutage", () => {
  function failing(times: number, error: unknown) {
    const seen = { calls: 0, outages: [] as unknown[] };
    const work = async () => {
      seen.calls += 1;
      if (seen.calls <= times) throw error;
      return "done";
    };
    const run = (remainingMs: number) =>
      outlastOutage(work, { remainingMs: () => remainingMs, onOutage: (outage) => seen.outages.push(outage) });
    return { seen, run };
  }

  test("tries until PostgreSQL is back, and says so once", async () => {
    const error = withCode("ECONNREFUSED");
    const { run, seen } = failing(2, error);
    expect(await run(60_000)).toBe("done");
    expect(seen).toEqual({ calls: 3, outages: [error] });
  });

  test("leaves it to the mapping when there is no time for another attempt", async () => {
    const { run, seen } = failing(9, withCode("ECONNREFUSED"));
    await expect(run(40_000)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(seen.calls).toBe(1);
  });

  test("never repeats what PostgreSQL refused", async () => {
    const { run, seen } = failing(9, withCode("42P01"));
    await expect(run(60_000)).rejects.toMatchObject({ code: "42P01" });
    expect(seen.calls).toBe(1);
  });
});
