import { isoOfMicros } from "../change-events/time.ts";
import type { StoredAlert } from "./alert.ts";

/** What downstream systems receive: the alert, with its times as ISO 8601 in UTC. */
export type AlertMessage = Omit<StoredAlert, "committedAtMicros" | "createdAtMicros"> & {
  readonly committedAt: string;
  readonly createdAt: string;
};

export function alertMessage({ committedAtMicros, createdAtMicros, ...alert }: StoredAlert): AlertMessage {
  return { ...alert, committedAt: isoOfMicros(committedAtMicros), createdAt: isoOfMicros(createdAtMicros) };
}
