import type { Logger } from "@aws-lambda-powertools/logger";
import { type LambdaHandler, lambdaHandler } from "../../shared/lambda/index.ts";
import { isOutage } from "../../shared/postgres/index.ts";
import type { ErrorBody } from "./api.ts";
import type { Audit } from "./audit.ts";
import { ConsoleError, unavailable } from "./http/errors.ts";
import { HttpEvent, type HttpRequest, type HttpResponse } from "./http/event.ts";
import { type Authentication, allowAction, authenticate } from "./http/guard.ts";
import { type Content, json, respond } from "./http/response.ts";
import { type ActionRoute, type Call, findRoute, type Route } from "./http/router.ts";
import type { Page } from "./page.ts";

export interface ConsoleDependencies {
  readonly authentication: Authentication;
  readonly readOnly: boolean;
  readonly routes: readonly Route[];
  readonly audit: Audit;
  readonly page: Page;
  readonly logger?: Logger;
}

/** The console: what is below /api is answered by a route, everything else is the page. */
export function createHandler(dependencies: ConsoleDependencies): LambdaHandler<HttpResponse> {
  return lambdaHandler({ input: HttpEvent, logger: dependencies.logger }, async (request, { logger }) => {
    try {
      return respond(request, await answer(dependencies, request, logger));
    } catch (error) {
      const refusal = refusalOf(error);
      const text = `${request.method} ${request.path}: ${refusal.message}`;
      if (refusal.status >= 500) logger.error(text, { error });
      // Who has tried in vain is not in the audit, which anybody could fill then.
      else if (request.method !== "GET")
        logger.warn(text, { refused: { code: refusal.code, userArn: request.userArn } });
      const body: ErrorBody = { error: { code: refusal.code, message: refusal.message } };
      return respond(request, json(body, refusal.status));
    }
  });
}

function refusalOf(error: unknown): ConsoleError {
  if (error instanceof ConsoleError) return error;
  if (isOutage(error)) return unavailable("PostgreSQL", error);
  return new ConsoleError("INTERNAL", "Something went wrong; the function's log says what.", { cause: error });
}

async function answer(
  { authentication, readOnly, routes, audit, page }: ConsoleDependencies,
  request: HttpRequest,
  logger: Logger,
): Promise<Content> {
  const actor = authenticate(request, authentication);
  // PostgreSQL's text holds every character but this one, and no name here has it.
  if (/\0|%00/.test(request.path + request.query)) throw new ConsoleError("INVALID", "An address has no NUL.");
  if (!request.path.startsWith("/api/")) {
    if (request.method !== "GET" && request.method !== "HEAD") throw new ConsoleError("METHOD", "The page takes GET.");
    return page.serve(request.path);
  }
  const { route, path } = findRoute(routes, request);
  if (route.method === "GET") return json(await route.view({ path, query: request.query, body: undefined, actor }));
  allowAction(request, readOnly);
  const call: Call = { path, query: request.query, body: parseBody(request.body), actor };
  return json(await actAndNote(route, call, audit, logger));
}

/** What cannot be done is noted as well: who tried, and why not. */
async function actAndNote(route: ActionRoute, call: Call, audit: Audit, logger: Logger): Promise<unknown> {
  const action = route.action(call);
  if (action === null) return route.act(call);
  const entry = { actor: call.actor, action: action.name, target: action.target, detail: call.body };
  // Should the function be ended on the way, the log has who asked for what.
  logger.info(`${entry.action} ${entry.target}: begun`, { audit: entry });
  try {
    const result = await route.act(call);
    await audit.note({ ...entry, outcome: "done" }, logger);
    return result;
  } catch (error) {
    await audit.note({ ...entry, outcome: error instanceof Error ? error.message : String(error) }, logger);
    throw error;
  }
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body === "" ? "{}" : body);
  } catch (cause) {
    throw new ConsoleError("INVALID", "The body is no JSON.", { cause });
  }
}
