import type { Session } from "./api.ts";
import type { ConsoleConfig } from "./config.ts";
import type { Route } from "./http/router.ts";

export function sessionRoutes({ readOnly, stage }: Pick<ConsoleConfig, "readOnly" | "stage">): Route[] {
  return [
    {
      method: "GET",
      path: "/api/session",
      view: async ({ actor }): Promise<Session> => ({ actor, readOnly, stage }),
    },
  ];
}
