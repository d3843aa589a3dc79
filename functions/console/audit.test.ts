import { Logger } from "@aws-lambda-powertools/logger";
import { expect, test } from "@jest/globals";
import { fakePool } from "../../shared/postgres/fake-pool.ts";
import { postgresAudit } from "./audit.ts";

const logger = new Logger({ logLevel: "SILENT" });
const entry = { actor: "me", action: "connector.pause", target: "c", outcome: "done" };

async function noted(detail: unknown): Promise<string> {
  const { pool, statements } = fakePool();
  await postgresAudit(pool).note({ ...entry, detail }, logger);
  return String(statements[0]?.values[3]);
}

test("what was done is noted with what came along", async () => {
  expect(await noted({ status: "acknowledged" })).toBe('{"status":"acknowledged"}');
  expect(await noted(undefined)).toBe("null");
});

test.each(["\0", "\ud800", "\udfff", "a\ud83d"])(
  "nobody acts unnoticed by sending %j, which jsonb refuses",
  async (text) => {
    const detail = await noted({ x: text });
    expect(detail).not.toMatch(/\\u(0000|d[89a-f])/i);
    expect(JSON.parse(detail)).toEqual({ x: expect.stringContaining("\ufffd") });
  },
);

test("what is whole stays as it is", async () => {
  expect(JSON.parse(await noted({ x: "😀 \\u0041" }))).toEqual({ x: "😀 \\u0041" });
});

test("of what is very long, the beginning is kept", async () => {
  const detail = await noted({ x: "y".repeat(50_000) });
  expect(detail.length).toBeLessThan(10_000);
  expect(JSON.parse(detail)).toEqual({ cut: expect.stringContaining("yyy") });
});

test("what cannot be noted in PostgreSQL is done all the same: it is in the log", async () => {
  const { pool } = fakePool(() => {
    throw new Error("away");
  });
  await expect(postgresAudit(pool).note({ ...entry, detail: null }, logger)).resolves.toBeUndefined();
});
