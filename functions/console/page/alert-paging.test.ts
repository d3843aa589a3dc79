import { expect, test } from "@jest/globals";
import type { AlertPage, AlertView } from "../api.ts";
import { alertPaging } from "./alert-paging.ts";

/** An alert of such a second. */
const alert = (second: number) => ({ alertId: `a-${second}`, createdAt: moment(second) }) as AlertView;
const moment = (second: number) => `2026-11-28T05:00:${String(second).padStart(2, "0")}.000Z`;

const page = (at: number, seconds: readonly number[], searchedTo: number | null = null): AlertPage => ({
  at: moment(at),
  alerts: seconds.map(alert),
  next: "more",
  searchedTo: searchedTo === null ? null : moment(searchedTo),
});
const idsOf = (found: AlertPage | undefined) => found?.alerts.map(({ alertId }) => alertId);

test("what was found far back stays while nothing new is like it", () => {
  const known = alertPaging.join(page(50, [], 40), page(51, [5], 3));
  expect(alertPaging.renew(page(52, [], 42), known)).toEqual({ ...page(52, [5], 3), at: moment(52) });
});

test("what has come is put before what was found far back", () => {
  const known = alertPaging.join(page(50, [], 40), page(51, [5], 3));
  expect(idsOf(alertPaging.renew(page(53, [52], 43), known))).toEqual(["a-52", "a-5"]);
});

test("what was there in the part that was looked through, and is not any more, goes", () => {
  const known = alertPaging.join(page(50, [45], 40), page(51, [5], 3));
  expect(idsOf(alertPaging.renew(page(53, [], 43), known))).toEqual(["a-5"]);
});

test("where more has come than is looked through, the list begins anew", () => {
  const known = alertPaging.join(page(20, [], 10), page(21, [5], 3));
  expect(alertPaging.renew(page(53, [], 43), known)).toBeUndefined();
  expect(alertPaging.renew(page(53, [52, 51]), known)).toBeUndefined();
});

test("the moment moves on with the first page", () => {
  const known = alertPaging.join(page(20, [19, 18], 10), page(21, [5], 3));
  const later = alertPaging.renew(page(30, [29, 19], 15), known) as AlertPage;
  expect(idsOf(alertPaging.renew(page(40, [], 25), later))).toEqual(["a-19", "a-18", "a-5"]);
});
