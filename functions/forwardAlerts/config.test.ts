import { describe, expect, test } from "@jest/globals";
import { forwardAlertsConfig } from "./config.ts";

describe("forwardAlertsConfig", () => {
  test("nothing is set: the log only, and no alerts about the past", () => {
    expect(forwardAlertsConfig({ ALERTS_TOPIC_ARN: "", ALERTS_WEBHOOK_URL: "" })).toEqual({ forwardHistorical: false });
  });

  test("reads all three", () => {
    const ALERTS_TOPIC_ARN = "arn:aws:sns:us-east-1:000000000000:fraud-alerts";
    expect(
      forwardAlertsConfig({
        FORWARD_HISTORICAL: "true",
        ALERTS_TOPIC_ARN,
        ALERTS_WEBHOOK_URL: "https://cases.example/a",
      }),
    ).toEqual({ forwardHistorical: true, topicArn: ALERTS_TOPIC_ARN, webhookUrl: new URL("https://cases.example/a") });
  });

  test.each(["http://127.0.0.1:9999/alerts", "http://localhost/alerts", "http://[::1]:9999/"])("accepts %s", (url) => {
    expect(forwardAlertsConfig({ ALERTS_WEBHOOK_URL: url }).webhookUrl?.href).toBe(url);
  });

  test.each([
    ["http://cases.example/alerts", "must be https"],
    ["http://127.0.0.1.example/alerts", "must be https"],
    ["http://localhost@cases.example/alerts", "must be https"],
    ["ftp://localhost/alerts", "must be https"],
    ["https://user:secret@cases.example/alerts", "must not carry a user and password"],
    ["cases.example", "must be a URL"],
  ])("refuses %s", (ALERTS_WEBHOOK_URL, message) => {
    expect(() => forwardAlertsConfig({ ALERTS_WEBHOOK_URL })).toThrow(`ALERTS_WEBHOOK_URL ${message}`);
  });

  test("refuses what is not a standard topic's ARN", () => {
    for (const ALERTS_TOPIC_ARN of ["fraud-alerts", "arn:aws:sns:us-east-1:000000000000:fraud-alerts.fifo"]) {
      expect(() => forwardAlertsConfig({ ALERTS_TOPIC_ARN })).toThrow("ALERTS_TOPIC_ARN must be the ARN");
    }
  });
});
