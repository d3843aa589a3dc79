/** What a successful invocation says about its batch. */
export type Interpretation =
  | { readonly kind: "succeeded" }
  | { readonly kind: "malformed"; readonly reason: string }
  /** For each partition named, the lowest failed offset; every other partition has succeeded. */
  | { readonly kind: "partial"; readonly lowestFailed: ReadonlyMap<string, number> };

/** The offsets that a batch holds of a partition (`topic-0`), if it has any of it. Asked for only when failures are reported. */
export type OffsetsOf = (partitionKey: string) => Iterable<number> | undefined;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a function's response when the mapping has ReportBatchItemFailures [kafka-batch-item-failures]. No response, no
 * list and an empty list mean success; one identifier that is malformed or not of this batch fails the whole batch, for
 * what the function meant by it cannot be known.
 *
 * @example { batchItemFailures: [{ itemIdentifier: { partition: "topic-0", offset: 100 } }] }
 */
export function interpretResponse(response: unknown, offsetsOf: OffsetsOf): Interpretation {
  const failures = isObject(response) ? response["batchItemFailures"] : undefined;
  if (failures === undefined || failures === null) return { kind: "succeeded" };
  if (!Array.isArray(failures)) return malformed("batchItemFailures is not a list");

  const known = new Map<string, Set<number>>();
  const lowestFailed = new Map<string, number>();
  for (const failure of failures as readonly unknown[]) {
    const identifier = isObject(failure) ? failure["itemIdentifier"] : undefined;
    if (!isObject(identifier)) return malformed(`${show(failure)} has no itemIdentifier { partition, offset }`);
    const { partition, offset } = identifier;
    if (typeof partition !== "string" || typeof offset !== "number") {
      return malformed(`${show(identifier)} is not { partition: "topic-0", offset: number }`);
    }
    let offsets = known.get(partition);
    if (offsets === undefined) {
      offsets = new Set(offsetsOf(partition));
      known.set(partition, offsets);
    }
    if (!offsets.has(offset)) return malformed(`${show(identifier)} is not a record of this batch`);
    lowestFailed.set(partition, Math.min(offset, lowestFailed.get(partition) ?? offset));
  }
  return lowestFailed.size === 0 ? { kind: "succeeded" } : { kind: "partial", lowestFailed };
}

const SHOWN_CHARACTERS_MAX = 120;

function malformed(reason: string): Interpretation {
  return { kind: "malformed", reason };
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return (text ?? String(value)).slice(0, SHOWN_CHARACTERS_MAX);
}
