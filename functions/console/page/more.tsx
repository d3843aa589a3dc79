import { useEffect, useState } from "preact/hooks";
import { get } from "./client.ts";
import type { Paging } from "./paging.ts";
import { ErrorNote, useDeed } from "./ui.tsx";

export interface More<Page> {
  /** All that is known of the list, from its newest item on, as one page; undefined: nothing yet. */
  readonly page: Page | undefined;
  /** Where the next one begins; null: there are no more. */
  readonly next: string | null;
  readonly error: Error | undefined;
  readonly isRunning: boolean;
  readonly load: () => void;
}

/**
 * The pages after the first one, each when it is asked for. Where the first one is live it moves on, and what it had is kept, unless more
 * has come meanwhile than it holds: then the list begins anew with it. Whoever shows another list does it in another component, by its key.
 *
 * @param addressOfNext where the page is that begins at `next`
 */
export function useMore<Page extends { readonly next: string | null }>(
  first: Page | undefined,
  addressOfNext: (next: string) => string,
  { join, renew }: Paging<Page>,
): More<Page> {
  /** Only once more was asked for; with the first page that is in it. */
  const [known, setKnown] = useState<{ readonly first: Page; readonly page: Page }>();
  let page = first;
  if (known !== undefined && (first === undefined || first === known.first)) page = known.page;
  else if (known !== undefined && first !== undefined) page = renew(first, known.page) ?? first;
  useEffect(() => {
    if (known === undefined || first === undefined || page === undefined || first === known.first) return;
    const renewed = page === first ? undefined : { first, page };
    // What was loaded since this was drawn is not to be written over.
    setKnown((now) => (now === known ? renewed : now));
  }, [first]);
  const next = page?.next ?? null;
  const { error, isRunning, run } = useDeed(async () => {
    if (next === null || first === undefined || page === undefined) return;
    setKnown({ first, page: join(page, await get<Page>(addressOfNext(next))) });
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
