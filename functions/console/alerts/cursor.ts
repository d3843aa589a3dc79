import { ConsoleError } from "../http/errors.ts";

/** The last row of a page: the next one begins behind it, however many alerts have come meanwhile. */
export interface Cursor {
  /** ISO 8601, to the microsecond. */
  readonly createdAt: string;
  readonly alertId: string;
}

export function encodeCursor({ createdAt, alertId }: Cursor): string {
  return Buffer.from(`${createdAt} ${alertId}`).toString("base64url");
}

/** @throws {ConsoleError} INVALID */
export function decodeCursor(text: string): Cursor {
  const [, createdAt, alertId] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (.+)$/s.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (createdAt === undefined || alertId === undefined || Number.isNaN(Date.parse(createdAt))) {
    throw new ConsoleError("INVALID", "before: is not the end of a page of alerts.");
  }
  return { createdAt, alertId };
}
