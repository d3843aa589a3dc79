import { describe, expect, test } from "@jest/globals";
import { clusterIdOf } from "./kafka.ts";

describe("clusterIdOf", () => {
  test("is 22 characters of base64", () => {
    expect(clusterIdOf(Buffer.alloc(16, 0x5a))).toBe("WlpaWlpaWlpaWlpaWlpaWg");
  });

  test("never looks like an option", () => {
    expect(Buffer.alloc(16, 0xf8).toString("base64url")).toMatch(/^-/);
    expect(clusterIdOf(Buffer.alloc(16, 0xf8))).toMatch(/^_[\w-]{21}$/);
  });
});
