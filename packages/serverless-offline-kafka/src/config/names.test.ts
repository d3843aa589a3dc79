import { describe, expect, test } from "@jest/globals";
import { MAPPING_PROPERTIES, nearestName } from "./names.ts";

describe("nearestName", () => {
  test.each([
    ["BatchSzie", "BatchSize"],
    ["batchsize", "BatchSize"],
    ["MaximumRetryAttempt", "MaximumRetryAttempts"],
    ["KMSKeyArn", "KmsKeyArn"],
    ["Topic", "Topics"],
  ])("%s was meant to be %s", (name, meant) => {
    expect(nearestName(name, MAPPING_PROPERTIES)).toBe(meant);
  });

  test.each(["", "T", "Colour", "x".repeat(1_000_000)])("resembles nothing: %#", (name) => {
    expect(nearestName(name, MAPPING_PROPERTIES)).toBeUndefined();
  });
});
