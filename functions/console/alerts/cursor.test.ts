import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeCursor, encodeCursor } from "./cursor.ts";

test("the end of a page comes back as it was, whatever an alert is called", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "binary" }), (alertId) => {
      const cursor = { createdAt: "2026-11-28T05:00:00.123456Z", alertId };
      expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test.each(["", "x", "%00", encodeCursor({ createdAt: "2026-13-28T05:00:00.123456Z", alertId: "a" })])(
  "%j is none, and said to be none",
  (text) => {
    expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: "INVALID" }));
  },
);
