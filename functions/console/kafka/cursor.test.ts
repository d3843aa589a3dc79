import { expect, test } from "@jest/globals";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";

test("a cursor comes back as it was, and goes into an address as it is", () => {
  const cursor: Cursor = {
    direction: "backward",
    positions: new Map([
      [0, 5],
      [7, 2 ** 50],
    ]),
  };

  expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  expect(encodeCursor(cursor)).toMatch(/^[\w-]+$/);
});

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test.each(
  [
    [
      "",
      "x",
      "{}",
      encoded(["x", [[0, 1]]]),
      encoded(["f", []]),
      encoded(["f", [[0, -1]]]),
      encoded(["f", [[0.5, 1]]]),
    ],
  ].flat(),
)("'%s' is none", (text) => {
  expect(() => decodeCursor(text)).toThrow("is not the end of a page of messages");
});
