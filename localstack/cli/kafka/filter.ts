import { describeChange, type Shown } from "../../../shared/change-events/shown.ts";
import { StackError } from "../../stack/errors.ts";

export type Filter = (shown: Shown) => boolean;

/**
 * `text` is in the key or the value; `name=value` is the op, the key, the partition, or a column of the row after the change, or
 * before it where there is none after. All have to hold.
 *
 * @throws {StackError} USAGE for an empty one
 */
export function filterOf(texts: readonly string[]): Filter {
  const filters = texts.map((text): Filter => {
    if (text === "")
      throw new StackError("USAGE", "--filter takes a text, or name=value such as op=c or user_id=1234.");
    const [, name, wanted] = /^([\w.]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) return (shown) => `${shown.key} ${valueTextOf(shown)}`.includes(text);
    return (shown) => {
      const found = fieldOf(shown, name);
      // A message that is no change event may well hold such a text.
      return found === undefined ? valueTextOf(shown).includes(text) : String(found) === wanted;
    };
  });
  return (shown) => filters.every((filter) => filter(shown));
}

function valueTextOf({ value, change }: Shown): string {
  return value ?? (change === undefined ? "" : describeChange(change));
}

function fieldOf({ change, key, partition }: Shown, name: string): unknown {
  if (name === "key") return key;
  if (name === "partition") return partition;
  if (change === undefined) return undefined;
  if (name === "op") return change.op ?? "tombstone";
  return (change.after ?? change.before)?.[name];
}
