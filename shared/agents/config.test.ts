import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../config/environment.ts";
import { profileConfig, velocityConfig } from "./config.ts";

describe("profile", () => {
  test("by default the rule of the course", () => {
    expect(profileConfig({})).toEqual({
      rule: "ratio",
      ruleVersion: 1,
      historyMax: 50,
      historyMin: 3,
      amountAboveCents: 50_000,
      threshold: 3,
    });
  });

  test("every setting", () => {
    const environment = {
      PROFILE_RULE: "sigma",
      PROFILE_RULE_VERSION: "7",
      PROFILE_HISTORY: "20",
      PROFILE_HISTORY_MINIMUM: "5",
      PROFILE_AMOUNT_ABOVE: "1.15",
      PROFILE_THRESHOLD: "2.5001",
    };
    expect(profileConfig(environment)).toEqual({
      rule: "sigma",
      ruleVersion: 7,
      historyMax: 20,
      historyMin: 5,
      amountAboveCents: 115,
      threshold: 2.5001,
    });
  });

  test.each([
    ["PROFILE_RULE", "mean"],
    ["PROFILE_RULE_VERSION", "0"],
    ["PROFILE_HISTORY", "0"],
    ["PROFILE_HISTORY", "1001"],
    ["PROFILE_HISTORY_MINIMUM", "1"],
    ["PROFILE_AMOUNT_ABOVE", "500.5"],
    ["PROFILE_AMOUNT_ABOVE", "-1"],
    ["PROFILE_AMOUNT_ABOVE", "1e3"],
    ["PROFILE_THRESHOLD", "3.00001"],
    ["PROFILE_THRESHOLD", "-3"],
    ["PROFILE_THRESHOLD", "three"],
  ])("%s=%s is refused by name", (name, value) => {
    expect(() => profileConfig({ [name]: value })).toThrow(ConfigError);
    expect(() => profileConfig({ [name]: value })).toThrow(name);
  });

  test("a history that can never hold its minimum would silence the agent, and is refused", () => {
    expect(() => profileConfig({ PROFILE_HISTORY: "2" })).toThrow(/PROFILE_HISTORY_MINIMUM/);
    expect(() => profileConfig({ PROFILE_HISTORY_MINIMUM: "51" })).toThrow(/PROFILE_HISTORY_MINIMUM/);
    expect(profileConfig({ PROFILE_HISTORY: "3" })).toMatchObject({ historyMax: 3, historyMin: 3 });
  });
});

describe("velocity", () => {
  test("by default the rules of the course", () => {
    expect(velocityConfig({})).toEqual({
      ruleVersion: 1,
      windowSeconds: 60,
      countAbove: 5,
      countScore: 40,
      amountAboveCents: 400_000,
      amountScore: 50,
      amex: false,
      amexScore: 10,
      alertAbove: 70,
    });
  });

  test("every setting", () => {
    const environment = {
      VELOCITY_RULE_VERSION: "2",
      VELOCITY_WINDOW_SECONDS: "3600",
      VELOCITY_COUNT_ABOVE: "500",
      VELOCITY_COUNT_SCORE: "1",
      VELOCITY_AMOUNT_ABOVE: "0",
      VELOCITY_AMOUNT_SCORE: "2",
      VELOCITY_AMEX: "true",
      VELOCITY_AMEX_SCORE: "3",
      VELOCITY_ALERT_ABOVE: "0",
    };
    expect(velocityConfig(environment)).toEqual({
      ruleVersion: 2,
      windowSeconds: 3_600,
      countAbove: 500,
      countScore: 1,
      amountAboveCents: 0,
      amountScore: 2,
      amex: true,
      amexScore: 3,
      alertAbove: 0,
    });
  });

  test.each([
    ["VELOCITY_WINDOW_SECONDS", "0"],
    ["VELOCITY_WINDOW_SECONDS", "3601"],
    ["VELOCITY_COUNT_ABOVE", "501"],
    ["VELOCITY_COUNT_SCORE", "4.5"],
    ["VELOCITY_AMOUNT_ABOVE", "4,000.00"],
    ["VELOCITY_AMEX", "yes"],
    ["VELOCITY_ALERT_ABOVE", "-1"],
  ])("%s=%s is refused by name", (name, value) => {
    expect(() => velocityConfig({ [name]: value })).toThrow(ConfigError);
    expect(() => velocityConfig({ [name]: value })).toThrow(name);
  });
});
