import { describeChange, type Shown, shownOf } from "../../../shared/change-events/shown.ts";
import { StackError } from "../../stack/errors.ts";
import { bold, dim, isTerminal, printJson, red } from "../output.ts";
import { type ServerOption, withCluster } from "./cluster.ts";
import { filterOf } from "./filter.ts";
import { type ReadOptions, read } from "./reader.ts";

export interface ConsumeOptions extends ServerOption {
  readonly json?: boolean;
  readonly fromBeginning?: boolean;
  readonly group?: string;
  readonly follow?: boolean;
  readonly limit?: string;
  readonly decode?: boolean;
  readonly filter?: readonly string[];
  readonly partition?: string;
}

/** How many of the latest records are shown to whoever asks for none in particular. */
const lastDefault = 10;

/** `tripline kafka consume TOPIC` */
export async function consume(options: ConsumeOptions, topic: string): Promise<void> {
  const { json = false, follow = false, decode = false } = options;
  const limit = wholeNumber("--limit", options.limit);
  const filter = filterOf(options.filter ?? []);
  const from = startOf(options, limit);
  // The latest of all partitions are known when all have been read.
  const isLatest = typeof from === "object";
  const found: Shown[] = [];
  const print = json ? (shown: Shown) => printJson(shown) : linePrinter(decode);
  let count = 0;
  const stopped = new AbortController();
  // Once: whoever cannot wait for an orderly end asks twice.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());
  await withCluster(options, (cluster) =>
    read(
      cluster,
      { topic, partition: wholeNumber("--partition", options.partition), from, group: options.group, follow },
      (partition, message) => {
        const shown = shownOf(partition, message, decode);
        if (!filter(shown)) return true;
        count++;
        if (isLatest || (json && !follow)) found.push(shown);
        else print(shown);
        return isLatest || limit === undefined || count < limit;
      },
      stopped.signal,
    ),
  );
  if (isLatest) {
    found.sort((a, b) => a.timestamp.localeCompare(b.timestamp) || a.partition - b.partition || a.offset - b.offset);
    found.splice(0, found.length - from.last);
  }
  if (json && !follow) return printJson({ ok: true, topic, messages: found });
  for (const shown of isLatest ? found : []) print(shown);
  if (count === 0 && process.stderr.isTTY) console.error(dim(emptyReason(options)));
}

function startOf(
  { fromBeginning, follow, group, filter }: ConsumeOptions,
  limit: number | undefined,
): ReadOptions["from"] {
  if (fromBeginning || filter?.length) return "beginning";
  if (follow || group !== undefined) return "end";
  return { last: limit ?? lastDefault };
}

function emptyReason({ decode, filter, follow, group }: ConsumeOptions): string {
  if (follow) return "Nothing has come.";
  if (group === undefined && !decode && filter?.some((each) => each.includes("="))) {
    return "The topic has no such records. Of change events, name=value is seen with --decode.";
  }
  if (group === undefined) return "The topic has no such records.";
  return `Nothing new for the group ${group}. What came before its first visit: --from-beginning. What comes: --follow.`;
}

/** A line a record, under titles that come with the first one. */
function linePrinter(decode: boolean): (shown: Shown) => void {
  let isFirst = true;
  const [place, time] = [9, 24];
  return (shown) => {
    if (isFirst && isTerminal) {
      const titles = [
        "partition".padStart(place),
        "offset".padStart(place),
        (decode ? "committed" : "time").padEnd(time),
      ];
      console.log(dim([...titles, ...(decode ? ["op", "key", "row"] : ["key", "value"])].join("  ")));
    }
    isFirst = false;
    const when = (shown.change?.committedAt ?? shown.timestamp).replace(/(\.\d{3})\d*Z$/, "$1Z").padEnd(time);
    const position = [String(shown.partition).padStart(place), String(shown.offset).padStart(place), dim(when)];
    console.log([...position, ...contentOf(shown)].join("  "));
  };
}

function contentOf({ change, key, undecodable, value }: Shown): string[] {
  if (undecodable !== undefined) return [red("?"), key ?? "-", `${red(undecodable)} ${value}`];
  if (change === undefined) return [key ?? "-", value ?? dim("null")];
  return [bold(change.op ?? "-"), key ?? "-", describeChange(change)];
}

export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new StackError("USAGE", `${option} takes a whole number, not '${text}'.`);
  return Number(text);
}
