import * as v from "valibot";
import { ConsoleError } from "../http/errors.ts";

export type Direction = "forward" | "backward";

/**
 * Where a page has ended in each partition that has more: forward, the next offset; backward, the offset before which
 * to go on.
 */
export interface Cursor {
  readonly direction: Direction;
  readonly positions: ReadonlyMap<number, number>;
}

const offset = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A direction's letter, and pairs of partition and offset. */
const Encoded = v.tuple([v.picklist(["f", "b"]), v.pipe(v.array(v.tuple([offset, offset])), v.minLength(1))]);

export function encodeCursor({ direction, positions }: Cursor): string {
  return Buffer.from(JSON.stringify([direction === "forward" ? "f" : "b", [...positions]])).toString("base64url");
}

/** @throws {ConsoleError} INVALID */
export function decodeCursor(text: string): Cursor {
  try {
    const [letter, positions] = v.parse(Encoded, JSON.parse(Buffer.from(text, "base64url").toString()));
    return { direction: letter === "f" ? "forward" : "backward", positions: new Map(positions) };
  } catch (cause) {
    throw new ConsoleError("INVALID", `'${text}' is not the end of a page of messages.`, { cause });
  }
}
