import type { AlertChange, StoredAlert } from "../../shared/alerts/index.ts";

export interface Selection {
  /** Each alert once, in the order of the batch. */
  readonly alerts: readonly StoredAlert[];
  readonly historical: number;
  readonly ignored: number;
}

/** Which alerts of a batch concern the outside. A batch can hold an alert twice: created, and read again by a snapshot. */
export function selectAlerts(changes: readonly AlertChange[], forwardHistorical: boolean): Selection {
  const alerts = new Map<string, StoredAlert>();
  let historical = 0;
  let ignored = 0;
  for (const change of changes) {
    if (change.kind === "ignored") ignored += 1;
    else if (change.alert.historical && !forwardHistorical) historical += 1;
    else alerts.set(change.alert.alertId, change.alert);
  }
  return { alerts: [...alerts.values()], historical, ignored };
}
