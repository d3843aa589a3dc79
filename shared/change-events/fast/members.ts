import { type Matcher, NOWHERE } from "./matcher.ts";

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export interface Member {
  readonly key: string;
  readonly at: number;
  readonly end: number;
}

export interface Members {
  readonly members: readonly Member[];
  /** Behind the closing brace. */
  readonly end: number;
}

/**
 * The members of the object that begins at `at`: each key with where its value begins and ends. Undefined for what is no
 * object in the matcher's grammar, and for keys that are escaped, which only JSON.parse should make sense of. Keys may come twice.
 */
export function membersAt(message: Matcher, at: number): Members | undefined {
  if (message.byte(at) !== OPEN_BRACE) return undefined;
  const members: Member[] = [];
  let position = at + 1;
  if (message.byte(position) === CLOSE_BRACE) return { members, end: position + 1 };
  for (;;) {
    const keyEnd = message.skipString(position);
    if (keyEnd === NOWHERE || message.byte(keyEnd) !== COLON) return undefined;
    const key = message.slice("utf8", position + 1, keyEnd - 1);
    if (key.includes("\\")) return undefined;
    const valueAt = keyEnd + 1;
    const valueEnd = message.skipValue(valueAt);
    if (valueEnd === NOWHERE) return undefined;
    members.push({ key, at: valueAt, end: valueEnd });
    if (message.byte(valueEnd) === CLOSE_BRACE) return { members, end: valueEnd + 1 };
    if (message.byte(valueEnd) !== COMMA) return undefined;
    position = valueEnd + 1;
  }
}
