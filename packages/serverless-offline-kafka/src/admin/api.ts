import { AdminError } from "./admin-error.ts";
import { PROMETHEUS_CONTENT_TYPE, toPrometheus } from "./prometheus.ts";
import { parseReplay, replay } from "./replay.ts";
import type { AdminMapping } from "./view.ts";
import { viewMapping } from "./view.ts";

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  /** Reads the JSON that came along; undefined for none. */
  readonly body: () => Promise<unknown>;
}

export interface AdminResponse {
  readonly contentType: string;
  readonly body: string;
}

type Started = AdminMapping & { readonly mapping: NonNullable<AdminMapping["mapping"]> };

const ACTION_PATTERN = /^\/mappings\/([^/]+)\/([^/]+)$/;
const ROUTES = "GET /mappings, GET /metrics, POST /mappings/<name>/pause, resume or replay";

/** What the endpoint answers; knows nothing of HTTP but methods and paths. */
export async function answer(mappings: readonly AdminMapping[], request: AdminRequest): Promise<AdminResponse> {
  const { method, path } = request;
  if (path === "/mappings" || path === "/metrics") {
    allow("GET", method);
    const views = await Promise.all(mappings.map(viewMapping));
    if (path === "/mappings") return json(views);
    return { contentType: PROMETHEUS_CONTENT_TYPE, body: toPrometheus(views) };
  }
  const [, name, action] = ACTION_PATTERN.exec(path) ?? [];
  const act = action !== undefined && Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (name === undefined || act === undefined) {
    throw new AdminError(404, "SOK_ADMIN_NOT_FOUND", `there is no ${path}; there are ${ROUTES}`);
  }
  allow("POST", method);
  return json(await act(findMappings(mappings, decode(name)), await request.body()));
}

/** Each takes the mappings that a name stands for, and results in what the endpoint answers. */
const ACTIONS: Readonly<Record<string, (found: readonly Started[], body: unknown) => Promise<unknown>>> = {
  pause: async (found) => {
    for (const { mapping } of found) mapping.pause();
    return Promise.all(found.map(viewMapping));
  },
  resume: async (found) => {
    for (const { mapping } of found) mapping.resume();
    return Promise.all(found.map(viewMapping));
  },
  replay: async (found, body) => {
    const [one, ...others] = found as readonly [Started, ...Started[]];
    if (others.length > 0) {
      const names = found.map(({ config }) => config.logicalId).join(", ");
      throw new AdminError(409, "SOK_MAPPING_AMBIGUOUS", `${one.config.functionKey} has several mappings: ${names}`);
    }
    const positions = await replay(one, parseReplay(body));
    return { logicalId: one.config.logicalId, positions };
  },
};

/**
 * By logical id, or all of a function.
 *
 * @throws AdminError SOK_MAPPING_UNKNOWN, SOK_MAPPING_DISABLED
 */
function findMappings(mappings: readonly AdminMapping[], name: string): readonly Started[] {
  const byId = mappings.filter(({ config }) => config.logicalId === name);
  const found = byId.length > 0 ? byId : mappings.filter(({ config }) => config.functionKey === name);
  if (found.length === 0) {
    const known = mappings.map(({ config }) => `${config.functionKey} (${config.logicalId})`).join(", ");
    throw new AdminError(404, "SOK_MAPPING_UNKNOWN", `no mapping is called ${name}; there are ${known}`);
  }
  const started = found.filter((one): one is Started => one.mapping !== undefined);
  if (started.length === 0) throw new AdminError(409, "SOK_MAPPING_DISABLED", `${name} is not enabled`);
  return started;
}

function allow(allowed: string, method: string): void {
  if (method === allowed) return;
  throw new AdminError(405, "SOK_ADMIN_REQUEST_INVALID", `${method} is not for this path; use ${allowed}`);
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function json(value: unknown): AdminResponse {
  return { contentType: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}
