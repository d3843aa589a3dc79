import type { AlertPage } from "../api.ts";
import { type Paging, pagingOf } from "./paging.ts";

const byId = pagingOf(
  (page: AlertPage) => page.alerts,
  ({ alertId }) => alertId,
  (page, alerts) => ({ ...page, alerts }),
);

/**
 * Pages of alerts. What is asked for may be so rare that the newest page has none of it and says only how far back it looked: it reaches
 * what was known when that is before the moment up to which everything was known.
 */
export const alertPaging: Paging<AlertPage> = {
  join: (newer, older) => ({ ...byId.join(newer, older), at: newer.at }),
  renew(first, known) {
    const renewed = byId.renew(first, known);
    if (renewed !== undefined) return { ...renewed, at: first.at };
    const { searchedTo } = first;
    if (searchedTo === null || searchedTo > known.at) return undefined;
    return {
      ...known,
      at: first.at,
      alerts: [...first.alerts, ...known.alerts.filter(({ createdAt }) => createdAt < searchedTo)],
    };
  },
};
