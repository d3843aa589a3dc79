import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { pagingOf } from "./paging.ts";

interface Page {
  readonly items: readonly { readonly id: number; readonly text: string }[];
  readonly next: string | null;
}

const paging = pagingOf(
  (page: Page) => page.items,
  ({ id }) => id,
  (page, items) => ({ ...page, items }),
);
const pageOf = (ids: readonly number[], next: string | null = null, text = ""): Page => ({
  items: ids.map((id) => ({ id, text })),
  next,
});
const idsOf = (page: Page | undefined) => page?.items.map(({ id }) => id);

test("a page and the one behind it are one, which ends where the second ends", () => {
  expect(paging.join(pageOf([9, 8, 7], "7", "new"), pageOf([7, 6, 5], "5"))).toEqual({
    items: [...pageOf([9, 8, 7], null, "new").items, ...pageOf([6, 5]).items],
    next: "5",
  });
});

test("what has come is put on top of what was known, as it is now", () => {
  const known = pageOf([5, 4, 3, 2, 1], "1");
  expect(paging.renew(pageOf([7, 6, 5, 4], "4", "new"), known)).toEqual({
    items: [...pageOf([7, 6, 5, 4], null, "new").items, ...pageOf([3, 2, 1]).items],
    next: "1",
  });
});

test("what the list has no more goes", () => {
  expect(idsOf(paging.renew(pageOf([6, 4, 3], "3"), pageOf([6, 5, 4, 3, 2])))).toEqual([6, 4, 3, 2]);
});

test("a first page that is the whole list leaves nothing behind it", () => {
  expect(paging.renew(pageOf([6, 4, 3]), pageOf([6, 5, 4, 3, 2]))).toEqual(pageOf([6, 4, 3]));
});

test("where more has come than a page holds, nothing pretends that the two follow on each other", () => {
  expect(paging.renew(pageOf([9, 8, 7], "7"), pageOf([3, 2, 1]))).toBeUndefined();
  expect(paging.renew(pageOf([], "9"), pageOf([3, 2, 1]))).toBeUndefined();
});

test("whatever comes between two questions, what is shown has no hole", () => {
  const size = 5;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 20 }),
      fc.integer({ min: 0, max: 4 }),
      (news, pages) => {
        let newest = 100;
        const at = (from: number) =>
          pageOf(
            Array.from({ length: size }, (_, index) => from - index),
            String(from - size),
          );
        let known = at(newest);
        for (let page = 0; page < pages; page++) known = paging.join(known, at(Number(known.next)));
        for (const count of news) {
          newest += count;
          const first = at(newest);
          known = paging.renew(first, known) ?? first;
          const ids = idsOf(known) ?? [];
          expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => newest - index));
          expect(known.next).toBe(String((ids.at(-1) as number) - 1));
        }
      },
    ),
  );
});
