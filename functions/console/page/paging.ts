/** How the pages of a list, newest first, hang together while new items come in at its top. */
export interface Paging<Page> {
  /** One page and the one that was asked for behind it, as one. */
  join(newer: Page, older: Page): Page;
  /** The first page as it is now, and what was known of the list before; undefined: between the two may be what neither has. */
  renew(first: Page, known: Page): Page | undefined;
}

/** Of pages whose items have keys. What is in both is as it is in the newer one. */
export function pagingOf<Page extends { readonly next: string | null }, Item>(
  itemsOf: (page: Page) => readonly Item[],
  keyOf: (item: Item) => unknown,
  withItems: (page: Page, items: readonly Item[]) => Page,
): Paging<Page> {
  const keysOf = (items: readonly Item[]) => new Set(items.map(keyOf));
  return {
    join(newer, older) {
      const items = itemsOf(newer);
      const keys = keysOf(items);
      return withItems(older, [...items, ...itemsOf(older).filter((item) => !keys.has(keyOf(item)))]);
    },
    renew(first, known) {
      // It is the whole list.
      if (first.next === null) return first;
      const items = itemsOf(first);
      const keys = keysOf(items);
      const before = itemsOf(known);
      const last = before.findLastIndex((item) => keys.has(keyOf(item)));
      // What is above the last common one and not in the first page any more is gone from the list.
      return last === -1 ? undefined : withItems(known, [...items, ...before.slice(last + 1)]);
    },
  };
}
