import type { Logger } from "@aws-lambda-powertools/logger";
import { alertMessage, formatAlert } from "../../../shared/alerts/index.ts";
import type { Channel } from "../forward.ts";

/** The function's own log: one structured line an alert, for CloudWatch and for a person at a terminal. */
export function logChannel(logger: Logger): Channel {
  return {
    name: "log",
    deliver: async (alerts) => {
      for (const alert of alerts) logger.info(formatAlert(alert), { alert: alertMessage(alert) });
      return { delivered: alerts, failures: [] };
    },
  };
}
