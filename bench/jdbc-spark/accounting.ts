// What a reader has seen of what was written, counted row by row and version by version.

export type Writer = "steady" | "slow" | "shortLived";

/** What was committed. An update is recognised by its amount, which no other version has. */
export interface Ledger {
  readonly inserted: { readonly id: number; readonly cents: number; readonly by: Writer }[];
  readonly updates: { readonly id: number; readonly cents: number }[];
  readonly deletes: number[];
}

/** A row, as a reader got it in one of its reads. */
export interface Observation {
  readonly read: number;
  readonly id: number;
  readonly cents: number;
}

export interface Seen {
  readonly rows: readonly Observation[];
  /** Rows that the reader was told are deleted. */
  readonly deleted: ReadonlySet<number>;
}

export interface Share {
  readonly of: number;
  readonly seen: number;
}

export interface Account {
  /** Rows inserted, all of them and by who wrote them: seen at least once, in any version. */
  readonly rows: Share;
  readonly rowsBy: Readonly<Record<Writer, Share>>;
  /** Rows that are in the table at the end, and in it with the amount that was seen last. */
  readonly standing: Share;
  readonly standingWithAmount: Share;
  readonly updates: Share;
  readonly deletes: Share;
}

export function accountOf(ledger: Ledger, { deleted, rows }: Seen): Account {
  const [ids, versions, last] = [new Set<number>(), new Set<string>(), new Map<number, number>()];
  for (const { id, cents } of rows) {
    ids.add(id);
    versions.add(`${id}:${cents}`);
    last.set(id, cents);
  }
  const gone = new Set(ledger.deletes);
  const amounts = new Map(ledger.inserted.map(({ id, cents }) => [id, cents]));
  for (const { id, cents } of ledger.updates) amounts.set(id, cents);
  const standing = ledger.inserted.filter(({ id }) => !gone.has(id));
  const isSeen = ({ id }: { id: number }) => ids.has(id);
  const by = (writer: Writer) =>
    share(
      ledger.inserted.filter((each) => each.by === writer),
      isSeen,
    );
  return {
    rows: share(ledger.inserted, isSeen),
    rowsBy: { steady: by("steady"), slow: by("slow"), shortLived: by("shortLived") },
    standing: share(standing, isSeen),
    standingWithAmount: share(standing, ({ id }) => last.get(id) === amounts.get(id)),
    updates: share(ledger.updates, ({ id, cents }) => versions.has(`${id}:${cents}`)),
    deletes: share(ledger.deletes, (id) => deleted.has(id)),
  };
}

function share<Each>(all: readonly Each[], isSeen: (each: Each) => boolean): Share {
  return { of: all.length, seen: all.filter(isSeen).length };
}

/** The reads that job.py recorded: a line `read,id,cents` for each row. */
export function parseReads(text: string): Observation[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [read, id, cents] = line.split(",").map(Number);
      return { read: read ?? 0, id: id ?? 0, cents: cents ?? 0 };
    });
}

/** A reader of the whole table can tell deletes: a row of one read that is not in the next one. */
export function deletedBetween(rows: readonly Observation[], reads: number): Set<number> {
  const lastRead = new Map<number, number>();
  for (const { id, read } of rows) lastRead.set(id, Math.max(read, lastRead.get(id) ?? 0));
  return new Set([...lastRead].flatMap(([id, read]) => (read < reads ? [id] : [])));
}
