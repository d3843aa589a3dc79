import { expect, test } from "@jest/globals";
import type { AlertView } from "../api.ts";
import { csvOf, csvTitles } from "./csv.ts";

const alert: AlertView = {
  alertId: "profile-ratio-v1-7",
  agent: "profile",
  rule: "ratio",
  ruleVersion: 1,
  transactionId: 7,
  userId: 1234,
  amountCents: 481_250,
  why: "ratio: 3.4 × mean of 50 (1,415.44)",
  reason: {},
  historical: false,
  topic: "dbserver1.public.transactions",
  partition: 3,
  kafkaOffset: 99,
  committedAt: "2026-11-28T05:00:00.000001Z",
  createdAt: "2026-11-28T05:00:00.040000Z",
  delayMs: 40,
  transaction: { cardType: "VISA", merchantId: 5 },
  case: null,
};

const cellsOf = (line: string) => line.trimEnd().split(",");

test("a line an alert, under titles", () => {
  expect(cellsOf(csvTitles).slice(0, 4)).toEqual(["alert_id", "created_at", "committed_at", "agent"]);
  const line = csvOf([{ ...alert, why: "plain" }]);
  expect(line.endsWith("\r\n")).toBe(true);
  expect(cellsOf(line)).toHaveLength(cellsOf(csvTitles).length);
  expect(cellsOf(line)[cellsOf(csvTitles).indexOf("amount")]).toBe("4812.50");
  expect(cellsOf(line)[cellsOf(csvTitles).indexOf("status")]).toBe("open");
});

test("what has a comma, a quote or a line end is quoted", () => {
  expect(csvOf([alert])).toContain('"ratio: 3.4 × mean of 50 (1,415.44)"');
  const noted = { status: "acknowledged", note: 'he said "no"\nand left', actor: "me", changedAt: "" } as const;
  expect(csvOf([{ ...alert, case: noted }])).toContain('"he said ""no""\nand left"');
});

test.each(["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx"])(
  "%j is no formula in a spreadsheet",
  (cardType) => {
    const line = csvOf([{ ...alert, transaction: { cardType, merchantId: null } }]);
    expect(line).toContain(`'${cardType}`);
  },
);

test("a number below zero is a number", () => {
  expect(csvOf([{ ...alert, amountCents: -100, userId: -5 }])).toContain(",-5,7,-1.00,");
});
