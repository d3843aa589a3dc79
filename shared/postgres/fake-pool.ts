import type { Pool } from "./pool.ts";

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface FakePool {
  readonly pool: Pool;
  /** Every statement, in order, with BEGIN, COMMIT and ROLLBACK. */
  readonly statements: Statement[];
  /** What each client was released with: an error or true when it was thrown away. */
  readonly released: unknown[];
}

/**
 * A pool for unit tests: `answer` returns the rows of a statement, or throws what PostgreSQL would. The SQL itself is tried by the
 * integration tests, on PostgreSQL.
 */
export function fakePool(answer: (statement: Statement) => readonly object[] = () => []): FakePool {
  const statements: Statement[] = [];
  const released: unknown[] = [];
  const query = async (text: string, values: readonly unknown[] = []) => {
    statements.push({ text, values });
    const rows = answer({ text, values });
    return { rows, rowCount: rows.length, command: text.trim().split(/\s/, 1).join().toUpperCase() };
  };
  const release = (error?: unknown) => {
    released.push(error);
  };
  const pool = { query, connect: async () => ({ query, release }) };
  return { pool: pool as unknown as Pool, statements, released };
}
