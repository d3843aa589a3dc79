import { describe, expect, test } from "@jest/globals";
import { interpretResponse } from "./response.ts";

const BATCH = new Map([
  ["t-0", [10, 11, 13]],
  ["t-1", [5]],
]);
const failure = (partition: unknown, offset: unknown) => ({ itemIdentifier: { partition, offset } });
const interpret = (batchItemFailures: unknown) => interpretResponse({ batchItemFailures }, (key) => BATCH.get(key));

describe("interpretResponse", () => {
  test.each([[undefined], [null], [{}], ["done"], [{ batchItemFailures: [] }], [{ batchItemFailures: null }]])(
    "takes %j as success",
    (response) => {
      expect(interpretResponse(response, (key) => BATCH.get(key))).toEqual({ kind: "succeeded" });
    },
  );

  test("keeps the lowest failed offset of each partition", () => {
    expect(interpret([failure("t-0", 13), failure("t-0", 11), failure("t-1", 5), failure("t-0", 13)])).toEqual({
      kind: "partial",
      lowestFailed: new Map([
        ["t-0", 11],
        ["t-1", 5],
      ]),
    });
  });

  test.each([
    ["a partition that is not in the batch", [failure("t-2", 5)]],
    ["an offset that is not in the batch", [failure("t-0", 12)]],
    ["a bare topic", [failure("t", 10)]],
    ["an offset as a string", [failure("t-0", "10")]],
    ["an offset as a bigint", [failure("t-0", 10n)]],
    ["an empty partition", [failure("", 10)]],
    ["a null identifier", [{ itemIdentifier: null }]],
    ["another source's identifier", [{ itemIdentifier: "message-id" }]],
    ["a wrong key", [{ item: {} }]],
    ["a null entry", [null]],
    ["no list", "t-0"],
    ["a good entry before a bad one", [failure("t-0", 10), failure("t-0", 999)]],
  ])("takes %s as malformed", (_name, failures) => {
    expect(interpret(failures)).toMatchObject({ kind: "malformed", reason: expect.any(String) });
  });
});
