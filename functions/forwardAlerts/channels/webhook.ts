import { alertMessage, type StoredAlert } from "../../../shared/alerts/index.ts";
import type { Channel, DeliveryFailure } from "../forward.ts";

/** What a small case management system can be expected to take at once. */
const requestsMax = 8;
const timeoutMs = 5_000;

export interface WebhookOptions {
  readonly timeoutMs?: number;
}

/**
 * An HTTP endpoint, for case management: one POST an alert, eight at once, so their order is not kept. The header
 * Idempotency-Key is the alert's id; a receiver that sees it again should answer 2xx and do nothing.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function webhookChannel(url: URL, options: WebhookOptions = {}): Channel {
  return {
    name: "webhook",
    deliver: async (alerts) => {
      const delivered: StoredAlert[] = [];
      const failures: DeliveryFailure[] = [];
      for (let start = 0; start < alerts.length; start += requestsMax) {
        const round = alerts.slice(start, start + requestsMax);
        const outcomes = await Promise.allSettled(round.map((alert) => post(url, alert, options)));
        for (const [index, alert] of round.entries()) {
          const outcome = outcomes[index];
          if (outcome?.status === "fulfilled") delivered.push(alert);
          else failures.push({ alert, error: outcome?.reason });
        }
      }
      return { delivered, failures };
    },
  };
}

async function post(url: URL, alert: StoredAlert, options: WebhookOptions): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": alert.alertId },
    body: JSON.stringify(alertMessage(alert)),
    // A redirect could lead off the machine or out of https, which the configuration rules out.
    redirect: "manual",
    signal: AbortSignal.timeout(options.timeoutMs ?? timeoutMs),
  }).catch((cause: unknown) => {
    throw new Error(`the webhook could not be reached at ${url.origin}`, { cause });
  });
  // The connection is free again only when the body is read or dropped.
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
}
