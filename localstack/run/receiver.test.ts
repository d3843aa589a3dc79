import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AlertReceiver, type ReceivedAlert } from "./receiver.ts";

const alert = {
  alertId: "profile-ratio-v1-7",
  agent: "profile",
  rule: "ratio",
  transactionId: 7,
  userId: 1_000,
  amountCents: 90_000,
  reason: { mean: 100 },
  historical: false,
  committedAt: "2026-01-01T00:00:00.000000Z",
};

describe("the receiver of alerts", () => {
  let received: { alert: ReceivedAlert; arrivedAtMs: number }[];
  let receiver: AlertReceiver;
  let address: string;

  beforeEach(async () => {
    received = [];
    receiver = new AlertReceiver((alert, arrivedAtMs) => received.push({ alert, arrivedAtMs }));
    address = await receiver.start();
  });
  afterEach(() => receiver.stop());

  const post = async (body: string, url = address) => (await fetch(url, { method: "POST", body })).status;

  test("hands an alert on, with the time at which it came", async () => {
    const beforeMs = Date.now();

    expect(await post(JSON.stringify(alert))).toBe(200);

    expect(received.map((each) => each.alert)).toEqual([alert]);
    expect(received[0]?.arrivedAtMs).toBeGreaterThanOrEqual(beforeMs);
    expect(received[0]?.arrivedAtMs).toBeLessThanOrEqual(Date.now());
  });

  test("accepts an alert that comes again, so that nobody sends it a third time, and does not hand it on", async () => {
    expect(await post(JSON.stringify(alert))).toBe(200);
    expect(await post(JSON.stringify(alert))).toBe(200);
    expect(await post(JSON.stringify({ ...alert, alertId: "profile-ratio-v1-8" }))).toBe(200);

    expect(received.map((each) => each.alert.alertId)).toEqual(["profile-ratio-v1-7", "profile-ratio-v1-8"]);
  });

  test("listens on loopback, at an address that nobody can guess", async () => {
    const { hostname, origin } = new URL(address);
    expect(hostname).toBe("127.0.0.1");

    expect(await post(JSON.stringify(alert), `${origin}/alerts`)).toBe(404);
    expect((await fetch(address)).status).toBe(404);
    expect(received).toEqual([]);
  });

  test.each([
    ["no JSON", "alert"],
    ["nothing", ""],
    ["an alert without its id", JSON.stringify({ ...alert, alertId: undefined })],
    ["an amount that is text", JSON.stringify({ ...alert, amountCents: "900.00" })],
  ])("refuses %s", async (_, body) => {
    expect(await post(body)).toBe(400);
    expect(received).toEqual([]);
  });

  test("takes 64 KiB and refuses a byte more", async () => {
    const padded = (bytes: number) => {
      const empty = JSON.stringify({ ...alert, reason: "" });
      return JSON.stringify({ ...alert, reason: "x".repeat(bytes - empty.length) });
    };
    expect(await post(padded(64 * 1024 + 1))).toBe(400);
    expect(received).toEqual([]);
    expect(await post(padded(64 * 1024))).toBe(200);
    expect(received).toHaveLength(1);
  });
});
