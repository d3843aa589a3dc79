import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import protobuf from "protobufjs";
import { parseFrame, parseMessageIndexes } from "./wire-format.ts";

describe("parseFrame", () => {
  test("reads the id, most significant byte first, and leaves the payload", () => {
    expect(parseFrame(Buffer.from([0, 0, 1, 0, 2, 7, 8]))).toEqual({ schemaId: 65_538, payload: Buffer.from([7, 8]) });
  });

  test("accepts an empty payload, such as an Avro null", () => {
    expect(parseFrame(Buffer.from([0, 0, 0, 0, 1])).payload).toHaveLength(0);
  });

  test.each([
    ["too short", []],
    ["too short", [0, 0, 0, 1]],
    ["byte 123 instead of the magic byte", [...Buffer.from('{"id":1}')]],
    ["is no id of a schema", [0, 255, 255, 255, 255, 1]],
  ])("refuses bytes of no registry: %s", (message, bytes) => {
    expect(() => parseFrame(Buffer.from(bytes))).toThrow(message);
  });
});

describe("parseMessageIndexes", () => {
  test("a lone 0 is the first message of the file", () => {
    expect(parseMessageIndexes(Buffer.from([0, 9]))).toEqual({ indexes: [0], message: Buffer.from([9]) });
  });

  test("reads back whatever path a producer writes", () => {
    const index = fc.nat(1_000_000);
    fc.assert(
      fc.property(fc.array(index, { minLength: 1, maxLength: 32 }), fc.uint8Array(), (indexes, message) => {
        const writer = protobuf.Writer.create().sint32(indexes.length);
        for (const index of indexes) writer.sint32(index);

        const parsed = parseMessageIndexes(Buffer.concat([writer.finish(), message]));

        expect(parsed.indexes).toEqual(indexes);
        expect(parsed.message).toEqual(Buffer.from(message));
      }),
    );
  });

  test.each([
    ["end too early", []],
    ["end too early", [4, 2]],
    ["end too early", [0x80]],
    ["longer than 32 bits", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["-1 is no number of message indexes", [1]],
    ["33 is no number of message indexes", [66]],
  ])("refuses: %s", (message, bytes) => {
    expect(() => parseMessageIndexes(Buffer.from(bytes))).toThrow(message);
  });
});
