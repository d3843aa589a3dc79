/** One read of a way, with its judgement and the writing of its alerts. */
export interface Pass {
  readonly kind: "first" | "poll";
  readonly name: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly ms: number;
  /** Read; null for a full reload, which does not count them. */
  readonly rows: number | null;
  /** Written. */
  readonly alerts: number;
}

export type JobEvent =
  | { readonly kind: "started"; readonly version: string }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "pass"; readonly pass: Pass };

/** What a line of the job's output says; undefined where it says nothing to us (Spark prints there, too). */
export function parseJobEvent(line: string): JobEvent | undefined {
  if (!line.startsWith('{"event"')) return undefined;
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  switch (event["event"]) {
    case "started":
      return { kind: "started", version: String(event["version"]) };
    case "stopped":
      return { kind: "stopped" };
    case "failed":
      return { kind: "failed", message: String(event["message"]) };
    case "first":
    case "poll":
      return {
        kind: "pass",
        pass: {
          kind: event["event"],
          name: String(event["name"]),
          startedAtMs: Number(event["startedAtMs"]),
          endedAtMs: Number(event["endedAtMs"]),
          ms: Number(event["ms"]),
          rows: event["rows"] === null ? null : Number(event["rows"]),
          alerts: Number(event["alerts"]),
        },
      };
    default:
      return undefined;
  }
}
