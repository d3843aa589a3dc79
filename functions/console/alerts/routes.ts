import type { ProfileConfig } from "../../../shared/agents/profile-threshold.ts";
import type { Pool } from "../../../shared/postgres/index.ts";
import { parse, parseQuery, type Route, userId } from "../http/router.ts";
import { AlertFilter, findAlert, findAlerts } from "./alerts.ts";
import { CaseChange, changeCase } from "./cases.ts";
import { findTransactions, findUser, TransactionFilter } from "./users.ts";

export function alertRoutes(pool: Pool, profile: ProfileConfig): Route[] {
  return [
    {
      method: "GET",
      path: "/api/alerts",
      view: ({ query }) => findAlerts(pool, parseQuery(AlertFilter, query)),
    },
    { method: "GET", path: "/api/alerts/:alert", view: ({ path }) => findAlert(pool, path["alert"] as string) },
    {
      method: "POST",
      path: "/api/alerts/:alert/case",
      action: ({ path }) => ({ name: "alert.case", target: path["alert"] as string }),
      act: ({ path, body, actor }) => changeCase(pool, path["alert"] as string, parse(CaseChange, body), actor),
    },
    {
      method: "GET",
      path: "/api/users/:user",
      view: ({ path }) => findUser(pool, profile, parse(userId, path["user"])),
    },
    {
      method: "GET",
      path: "/api/users/:user/transactions",
      view: ({ path, query }) =>
        findTransactions(pool, parse(userId, path["user"]), parseQuery(TransactionFilter, query)),
    },
  ];
}
