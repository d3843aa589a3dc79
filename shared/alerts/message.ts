import type { StoredAlert } from "./alert.ts";

/** What downstream systems receive: the alert, with its times as ISO 8601 in UTC. */
export type AlertMessage = Omit<StoredAlert, "committedAtMicros" | "createdAtMicros"> & {
  readonly committedAt: string;
  readonly createdAt: string;
};

export function alertMessage({ committedAtMicros, createdAtMicros, ...alert }: StoredAlert): AlertMessage {
  return { ...alert, committedAt: isoOf(committedAtMicros), createdAt: isoOf(createdAtMicros) };
}

/** To the microsecond, as PostgreSQL has it; a Date stops at the millisecond. */
function isoOf(micros: number): string {
  const milliseconds = Math.floor(micros / 1_000);
  const rest = String(micros - milliseconds * 1_000).padStart(3, "0");
  return new Date(milliseconds).toISOString().replace("Z", `${rest}Z`);
}
