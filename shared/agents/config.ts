import * as v from "valibot";
import { booleanSetting, type Environment, integerSetting, readEnvironment } from "../config/environment.ts";
import type { ProfileConfig } from "./profile-threshold.ts";

/** A multiple with at most four decimals, so that it can be compared exactly. */
const multipleSetting = v.pipe(
  v.string(),
  v.regex(/^\d{1,4}(\.\d{1,4})?$/, "must be a number such as 3 or 2.5, with at most four decimals"),
  v.transform(Number),
);

/** 500.00 or 500, as cents. */
const amountSetting = v.pipe(
  v.string(),
  v.regex(/^\d{1,8}(\.\d{2})?$/, "must be an amount such as 500.00"),
  v.transform((text) => Math.round(Number(text) * 100)),
);

const ProfileSettings = v.object({
  PROFILE_RULE: v.optional(v.picklist(["ratio", "sigma"], "must be ratio or sigma"), "ratio"),
  PROFILE_RULE_VERSION: v.optional(integerSetting(1, 1_000_000), "1"),
  PROFILE_HISTORY: v.optional(integerSetting(1, 1_000), "50"),
  PROFILE_HISTORY_MINIMUM: v.optional(integerSetting(2, 1_000), "3"),
  PROFILE_AMOUNT_ABOVE: v.optional(amountSetting, "500.00"),
  PROFILE_THRESHOLD: v.optional(multipleSetting, "3"),
});

const ProfileEnvironment = v.pipe(
  ProfileSettings,
  v.forward(
    v.check(
      (settings) => settings.PROFILE_HISTORY_MINIMUM <= settings.PROFILE_HISTORY,
      "must not be above PROFILE_HISTORY: the agent would never judge",
    ),
    ["PROFILE_HISTORY_MINIMUM"],
  ),
);

/** @throws {ConfigError} */
export function profileConfig(environment: Environment = process.env): ProfileConfig {
  const settings = readEnvironment(ProfileEnvironment, environment);
  return {
    rule: settings.PROFILE_RULE,
    ruleVersion: settings.PROFILE_RULE_VERSION,
    historyMax: settings.PROFILE_HISTORY,
    historyMin: settings.PROFILE_HISTORY_MINIMUM,
    amountAboveCents: settings.PROFILE_AMOUNT_ABOVE,
    threshold: settings.PROFILE_THRESHOLD,
  };
}

const VelocityEnvironment = v.object({
  VELOCITY_RULE_VERSION: v.optional(integerSetting(1, 1_000_000), "1"),
  VELOCITY_WINDOW_SECONDS: v.optional(integerSetting(1, 3_600), "60"),
  VELOCITY_COUNT_ABOVE: v.optional(integerSetting(1, 500), "5"),
  VELOCITY_COUNT_SCORE: v.optional(integerSetting(0, 1_000), "40"),
  VELOCITY_AMOUNT_ABOVE: v.optional(amountSetting, "4000.00"),
  VELOCITY_AMOUNT_SCORE: v.optional(integerSetting(0, 1_000), "50"),
  VELOCITY_AMEX: v.optional(booleanSetting, "false"),
  VELOCITY_AMEX_SCORE: v.optional(integerSetting(0, 1_000), "10"),
  VELOCITY_ALERT_ABOVE: v.optional(integerSetting(0, 10_000), "70"),
});

export interface VelocityConfig {
  readonly ruleVersion: number;
  readonly windowSeconds: number;
  /** More transactions than this within the window add `countScore`. */
  readonly countAbove: number;
  readonly countScore: number;
  /** An amount above this adds `amountScore`. */
  readonly amountAboveCents: number;
  readonly amountScore: number;
  /** Whether American Express adds `amexScore`. */
  readonly amex: boolean;
  readonly amexScore: number;
  /** A score above this is an alert. */
  readonly alertAbove: number;
}

/** @throws {ConfigError} */
export function velocityConfig(environment: Environment = process.env): VelocityConfig {
  const settings = readEnvironment(VelocityEnvironment, environment);
  return {
    ruleVersion: settings.VELOCITY_RULE_VERSION,
    windowSeconds: settings.VELOCITY_WINDOW_SECONDS,
    countAbove: settings.VELOCITY_COUNT_ABOVE,
    countScore: settings.VELOCITY_COUNT_SCORE,
    amountAboveCents: settings.VELOCITY_AMOUNT_ABOVE,
    amountScore: settings.VELOCITY_AMOUNT_SCORE,
    amex: settings.VELOCITY_AMEX,
    amexScore: settings.VELOCITY_AMEX_SCORE,
    alertAbove: settings.VELOCITY_ALERT_ABOVE,
  };
}
