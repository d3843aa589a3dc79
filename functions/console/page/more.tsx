import { useState } from "preact/hooks";
import { get } from "./client.ts";
import { ErrorNote, useDeed } from "./ui.tsx";

export interface More<Page> {
  /** The first page, as it was when more was asked for, and all that has come since, as one page; undefined: nothing was asked for. */
  readonly page: Page | undefined;
  /** Where the next one begins; null: there are no more. */
  readonly next: string | null;
  readonly error: Error | undefined;
  readonly isRunning: boolean;
  readonly load: () => void;
}

/**
 * The pages after the first one, each when it is asked for. Where the first one is live it moves on, so what it had is kept.
 *
 * @param list the address of the list: with another one, what had come belongs to a list that is no longer shown
 * @param addressOfNext where the page is that begins at `next`
 */
export function useMore<Page extends { readonly next: string | null }>(
  list: string,
  first: Page | undefined,
  addressOfNext: (next: string) => string,
  join: (earlier: Page, later: Page) => Page,
): More<Page> {
  const [loaded, setLoaded] = useState<{ readonly list: string; readonly page: Page }>();
  const page = loaded?.list === list ? loaded.page : undefined;
  const next = (page ?? first)?.next ?? null;
  const { error, isRunning, run } = useDeed(async () => {
    const earlier = page ?? first;
    if (next === null || earlier === undefined) return;
    setLoaded({ list, page: join(earlier, await get<Page>(addressOfNext(next))) });
  });
  return { page, next, error, isRunning, load: run };
}

export function MoreButton<Page>({ more, label }: { more: More<Page>; label: string }) {
  return (
    <>
      {more.error !== undefined && <ErrorNote error={more.error} />}
      {more.next !== null && (
        <p>
          <button type="button" disabled={more.isRunning} onClick={more.load}>
            {label}
          </button>
        </p>
      )}
    </>
  );
}

/** A first page that has moved on, and what was there before: each once, as it is now. */
export function merged<Item>(first: readonly Item[], before: readonly Item[], keyOf: (item: Item) => unknown): Item[] {
  const known = new Set(first.map(keyOf));
  return [...first, ...before.filter((item) => !known.has(keyOf(item)))];
}
