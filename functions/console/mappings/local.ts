import * as v from "valibot";
import type { MappingView } from "../api.ts";
import { ConsoleError, unavailable } from "../http/errors.ts";
import type { Mappings } from "./mappings.ts";

const requestTimeoutMs = 5_000;

/** What the endpoint of the plugin answers, as far as it is read here. */
const Views = v.array(
  v.object({
    logicalId: v.string(),
    functionKey: v.string(),
    topic: v.string(),
    groupId: v.string(),
    state: v.string(),
    pollers: v.number(),
    sumOffsetLag: v.nullable(v.number()),
    partitions: v.array(
      v.object({
        partition: v.number(),
        committed: v.nullable(v.number()),
        end: v.nullable(v.number()),
        lag: v.nullable(v.number()),
        failingFrom: v.nullable(v.number()),
      }),
    ),
    metrics: v.record(v.string(), v.number()),
  }),
);

/** The mappings of the `sls offline` that this function runs in. */
export function localMappings(url: string): Mappings {
  return {
    list: async () => v.parse(Views, await ask(url, "/mappings")).map(viewOf),
    act: async (name, action) => {
      await ask(url, `/mappings/${encodeURIComponent(name)}/${action}`, {});
    },
    replay: async (name, offsets) => {
      for (const [partition, offset] of offsets) {
        await ask(url, `/mappings/${encodeURIComponent(name)}/replay`, { offset, partitions: [partition] });
      }
    },
  };
}

function viewOf(view: v.InferOutput<typeof Views>[number]): MappingView {
  const { logicalId, functionKey, topic, groupId, state, pollers, sumOffsetLag, partitions, metrics } = view;
  return {
    name: logicalId,
    functionName: functionKey,
    topic,
    group: groupId,
    state,
    lag: sumOffsetLag,
    pollers,
    partitions,
    metrics: Object.entries(metrics).map(([name, value]) => ({ name, value })),
    actions: state === "disabled" ? [] : [state === "paused" ? "resume" : "pause"],
  };
}

async function ask(url: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url + path, {
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...(body === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    answer = await response.json();
  } catch (error) {
    throw unavailable(`The event source mappings at ${url}`, error);
  }
  if (response.ok) return answer;
  const message = (answer as { error?: { message?: string } }).error?.message ?? response.statusText;
  throw new ConsoleError(response.status === 409 ? "CONFLICT" : "UNAVAILABLE", `The mappings refuse: ${message}`);
}
