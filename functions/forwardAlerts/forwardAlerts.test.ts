import { describe, expect, test } from "@jest/globals";
import { alertChangeEvent, alertRecord, exampleAlert } from "../../shared/alerts/fixtures.ts";
import type { StoredAlert } from "../../shared/alerts/index.ts";
import type { KafkaRecord } from "../../shared/lambda/index.ts";
import { fakePool } from "../../shared/postgres/fake-pool.ts";
import { type Channel, deliveryChunk } from "./forward.ts";
import { createHandler } from "./handler.ts";
import { selectAlerts } from "./selection.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";

const alertOf = (id: number, overrides: Partial<StoredAlert> = {}) =>
  exampleAlert({ alertId: `ratio:1:${id}`, transactionId: id, ...overrides });
const created = (id: number) => alertRecord(id, alertChangeEvent("c", alertOf(id)));
const eventOf = (records: readonly KafkaRecord[]) => ({
  eventSource: "aws:kafka",
  bootstrapServers: "127.0.0.1:9092",
  records: Object.groupBy(records, ({ topic, partition }) => `${topic}-${partition}`),
});

/** fraud.forwarded, kept in memory. */
function forwardedTable(rows: readonly string[] = []) {
  const table = new Set(rows);
  const { pool } = fakePool(({ text, values }) => {
    if (text.startsWith("select")) {
      const [channel, ids] = values as [string, string[]];
      return ids.filter((id) => table.has(`${channel} ${id}`)).map((alert_id) => ({ alert_id }));
    }
    const [ids, channel] = values as [string[], string];
    for (const id of ids) table.add(`${channel} ${id}`);
    return [];
  });
  return { pool, table };
}

/** A channel that remembers what it was sent and refuses what it is told to. */
function fakeChannel(name: string, refuses: (alert: StoredAlert) => boolean = () => false) {
  const sent: string[] = [];
  const channel: Channel = {
    name,
    deliver: async (alerts) => {
      sent.push(...alerts.map(({ alertId }) => alertId));
      const failures = alerts.filter(refuses).map((alert) => ({ alert, error: new Error("refused") }));
      return { delivered: alerts.filter((alert) => !refuses(alert)), failures };
    },
  };
  return { channel, sent };
}

describe("selectAlerts", () => {
  const change = (id: number, historical = false) => ({ kind: "alert" as const, alert: alertOf(id, { historical }) });

  test("leaves out the past unless asked, and counts what it leaves out", () => {
    const changes = [change(1), change(2, true), { kind: "ignored" as const, op: "d" as const }];
    expect(selectAlerts(changes, false)).toEqual({ alerts: [alertOf(1)], historical: 1, ignored: 1 });
    expect(selectAlerts(changes, true).alerts).toHaveLength(2);
  });

  test("an alert that is in the batch twice is one alert", () => {
    expect(selectAlerts([change(1), change(2), change(1)], false).alerts).toEqual([alertOf(1), alertOf(2)]);
  });
});

describe("forwardAlerts", () => {
  test("sends each alert to each channel and records it", async () => {
    const { pool, table } = forwardedTable();
    const [log, webhook] = [fakeChannel("log"), fakeChannel("webhook")];
    const channels = [log.channel, webhook.channel];
    const response = await createHandler({ pool, channels, forwardHistorical: false })(
      eventOf([created(1), created(2)]),
    );
    expect(response).toEqual({ batchItemFailures: [] });
    expect(webhook.sent).toEqual(["ratio:1:1", "ratio:1:2"]);
    expect([...table].sort()).toEqual(["log ratio:1:1", "log ratio:1:2", "webhook ratio:1:1", "webhook ratio:1:2"]);
  });

  test("a batch that comes again sends nothing again", async () => {
    const { pool } = forwardedTable(["log ratio:1:1"]);
    const { channel, sent } = fakeChannel("log");
    const handler = createHandler({ pool, channels: [channel], forwardHistorical: false });
    await handler(eventOf([created(1), created(2)]));
    await handler(eventOf([created(1), created(2)]));
    expect(sent).toEqual(["ratio:1:2"]);
  });

  test("when a channel refuses an alert the batch fails, the other channels get theirs, and a retry sends what is missing", async () => {
    const { pool, table } = forwardedTable();
    let down = true;
    const webhook = fakeChannel("webhook", ({ transactionId }) => down && transactionId === 2);
    const dashboard = fakeChannel("dashboard");
    const channels = [webhook.channel, dashboard.channel];
    const handler = createHandler({ pool, channels, forwardHistorical: false });
    const batch = eventOf([created(1), created(2), created(3)]);

    await expect(handler(batch)).rejects.toMatchObject({
      code: "ALERTS_NOT_FORWARDED",
      message: expect.stringContaining("webhook did not take alert ratio:1:2: refused"),
    });
    expect(dashboard.sent).toHaveLength(3);
    expect(table).toContain("webhook ratio:1:3");

    down = false;
    await expect(handler(batch)).resolves.toEqual({ batchItemFailures: [] });
    expect(webhook.sent.slice(3)).toEqual(["ratio:1:2"]);
    expect(dashboard.sent).toHaveLength(3);
  });

  test("a channel that is down is asked for one chunk only", async () => {
    const { pool } = forwardedTable();
    const { channel, sent } = fakeChannel("webhook", () => true);
    const records = Array.from({ length: 3 * deliveryChunk }, (_, id) => created(id));
    const handler = createHandler({ pool, channels: [channel], forwardHistorical: false });
    await expect(handler(eventOf(records))).rejects.toMatchObject({ code: "ALERTS_NOT_FORWARDED" });
    expect(sent).toHaveLength(deliveryChunk);
  });

  test("a record that cannot be decoded stops its partition, and no other", async () => {
    const { pool } = forwardedTable();
    const { channel, sent } = fakeChannel("log");
    const elsewhere = alertRecord(7, alertChangeEvent("c", alertOf(7)), 1);
    const records = [created(1), alertRecord(2, "poison"), created(3), elsewhere];
    const response = await createHandler({ pool, channels: [channel], forwardHistorical: false })(eventOf(records));
    expect(response).toEqual({
      batchItemFailures: [{ itemIdentifier: { partition: "dbserver1.fraud.alerts-0", offset: 2 } }],
    });
    expect(sent).toEqual(["ratio:1:1", "ratio:1:7"]);
  });

  test("updates, deletes, tombstones and the past go nowhere", async () => {
    const { pool, table } = forwardedTable();
    const { channel, sent } = fakeChannel("log");
    const records = [
      alertRecord(1, alertChangeEvent("u", alertOf(1))),
      alertRecord(2, alertChangeEvent("d", alertOf(1))),
      alertRecord(3, null),
      alertRecord(4, alertChangeEvent("r", alertOf(4, { historical: true }))),
    ];
    await createHandler({ pool, channels: [channel], forwardHistorical: false })(eventOf(records));
    expect(sent).toEqual([]);
    expect(table.size).toBe(0);
  });
});
