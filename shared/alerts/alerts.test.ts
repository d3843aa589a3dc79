import { describe, expect, test } from "@jest/globals";
import { alertChangeEvent, alertRecord, alertRow, exampleAlert } from "./fixtures.ts";
import { alertMessage, decodeAlertChange, formatAlert } from "./index.ts";

describe("decodeAlertChange", () => {
  test.each(["c", "r"] as const)("op %s is an alert, every column of it", (op) => {
    const alert = exampleAlert();
    expect(decodeAlertChange(alertRecord(1, alertChangeEvent(op, alert)))).toEqual({ kind: "alert", alert });
  });

  test.each(["u", "d"] as const)("op %s is ignored", (op) => {
    expect(decodeAlertChange(alertRecord(1, alertChangeEvent(op, exampleAlert())))).toEqual({ kind: "ignored", op });
  });

  test("a tombstone is ignored", () => {
    expect(decodeAlertChange(alertRecord(1, null))).toEqual({ kind: "ignored", op: "tombstone" });
  });

  test("passes on what a newer agent writes: another rule, another column", () => {
    const alert = exampleAlert({ agent: "model", rule: "gradient", reason: { rule: "gradient", score: 0.97 } });
    const event = { ...alertChangeEvent("c", alert), after: { ...alertRow(alert), model_name: "m7" } };
    expect(decodeAlertChange(alertRecord(1, event))).toEqual({ kind: "alert", alert });
  });

  test.each([
    ["text that is no JSON", "poison", "CHANGE_EVENT_NOT_JSON"],
    [
      "another table's row",
      { ...alertChangeEvent("c", exampleAlert()), after: { id: 1 } },
      "CHANGE_EVENT_COLUMN_MISSING",
    ],
  ])("%s is an error with a code", (_name, value, code) => {
    expect(() => decodeAlertChange(alertRecord(1, value))).toThrow(expect.objectContaining({ code }));
  });
});

describe("formatAlert", () => {
  test.each([
    [exampleAlert(), "profile   user 1234  4,812.50  ratio: 3.4 × mean of 50 (1,415.44)"],
    [
      exampleAlert({
        rule: "sigma",
        reason: { rule: "sigma", count: 50, meanCents: 141_544, deviationCents: 80_000, threshold: 3 },
      }),
      "profile   user 1234  4,812.50  sigma: 4.2 × σ of 50 (800.00) above their mean (1,415.44)",
    ],
    [
      exampleAlert({
        rule: "sigma",
        reason: { rule: "sigma", count: 3, meanCents: 50_000, deviationCents: 0, threshold: 3 },
        historical: true,
      }),
      "profile   user 1234  4,812.50  sigma: ∞ × σ of 3 (0.00) above their mean (500.00)  (historical)",
    ],
    [
      exampleAlert({
        agent: "velocity",
        rule: "velocity",
        reason: {
          rule: "velocity",
          score: 90,
          windowCount: 6,
          windowSeconds: 60,
          parts: { velocity: 40, amount: 50, amex: 0 },
        },
      }),
      "velocity  user 1234  4,812.50  score 90: 6 in 60 s +40, amount +50",
    ],
    [
      exampleAlert({ agent: "model", rule: "gradient", reason: { score: 0.97 } }),
      'model     user 1234  4,812.50  gradient: {"score":0.97}',
    ],
  ])("%#", (alert, line) => {
    expect(formatAlert(alert)).toBe(line);
  });
});

describe("alertMessage", () => {
  test("has its times as ISO 8601, to the microsecond", () => {
    const { committedAtMicros: _c, createdAtMicros: _d, ...rest } = exampleAlert();
    expect(alertMessage(exampleAlert())).toEqual({
      ...rest,
      committedAt: "2026-11-23T12:13:20.123456Z",
      createdAt: "2026-11-23T12:13:20.200007Z",
    });
  });
});
