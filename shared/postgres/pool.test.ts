import { describe, expect, test } from "@jest/globals";
import { fakePool, type Statement } from "./fake-pool.ts";
import { inTransaction } from "./index.ts";

const texts = (statements: readonly Statement[]) => statements.map(({ text }) => text);

describe("inTransaction", () => {
  test("commits what the work did and returns its result", async () => {
    const { pool, statements, released } = fakePool();
    const result = await inTransaction(pool, async (client) => {
      await client.query("insert");
      return 42;
    });
    expect(result).toBe(42);
    expect(texts(statements)).toEqual(["begin", "insert", "commit"]);
    expect(released).toEqual([undefined]);
  });

  test("rolls back and passes the error on when the work throws", async () => {
    const { pool, statements, released } = fakePool();
    const failure = new Error("no");
    await expect(
      inTransaction(pool, async () => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(texts(statements)).toEqual(["begin", "rollback"]);
    expect(released).toEqual([undefined]);
  });

  test("throws the connection away when it cannot even roll back", async () => {
    const lost = new Error("Connection terminated unexpectedly");
    const { pool, released } = fakePool(({ text }) => {
      if (text !== "begin") throw lost;
      return [];
    });
    await expect(inTransaction(pool, (client) => client.query("insert"))).rejects.toBe(lost);
    expect(released).toEqual([lost]);
  });

  test("begins again on a new connection when the kept one had died unnoticed", async () => {
    let begins = 0;
    const { pool, statements, released } = fakePool(({ text }) => {
      if (text === "begin" && ++begins === 1) throw new Error("Connection terminated unexpectedly");
      return [];
    });
    await inTransaction(pool, (client) => client.query("insert"));
    expect(texts(statements)).toEqual(["begin", "begin", "insert", "commit"]);
    expect(released).toEqual([true, undefined]);
  });

  test("gives up when a new connection cannot begin either", async () => {
    const { pool, statements } = fakePool(() => {
      throw new Error("the database system is shutting down");
    });
    await expect(inTransaction(pool, async () => {})).rejects.toThrow("shutting down");
    expect(texts(statements)).toEqual(["begin", "begin"]);
  });

  test("a commit that PostgreSQL turned into a rollback is an error", async () => {
    const client = {
      query: async (text: string) => ({ rows: [], command: text === "commit" ? "ROLLBACK" : text.toUpperCase() }),
      release: () => {},
    };
    const pool = { connect: async () => client } as never;
    await expect(inTransaction(pool, async () => {})).rejects.toMatchObject({ code: "TRANSACTION_ABORTED" });
  });
});
