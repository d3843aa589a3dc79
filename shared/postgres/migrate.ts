import { runner } from "node-pg-migrate";
import pg from "pg";
import { PostgresError } from "./errors.ts";

/** The databases of the system, each with its migrations in migrations/NAME. */
export const databases = ["mydb", "activity"] as const;

export interface MigrateOptions {
  /** How to reach the server as a user who may create databases. */
  readonly connection: Omit<pg.ClientConfig, "database">;
  /** The folder `migrations`. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Makes the databases that are missing and brings each to its last migration. Does nothing when all is done; two that run at
 * the same time are kept apart by node-pg-migrate's lock.
 *
 * @throws {PostgresError} MIGRATION_FAILED: what was applied before the failing one stays
 */
export async function migrateDatabases({ connection, folder, log }: MigrateOptions): Promise<void> {
  await createMissing(connection, log);
  for (const name of databases) {
    try {
      const done = await runner({
        databaseUrl: { ...connection, database: name },
        dir: `${folder}/${name}`,
        migrationsTable: "migrations",
        migrationsSchema: "tripline",
        createMigrationsSchema: true,
        direction: "up",
        log: () => {},
      });
      for (const migration of done) log(`database ${name}: migration ${migration.name} applied`);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PostgresError("MIGRATION_FAILED", `A migration of database ${name} failed: ${reason}`, { cause });
    }
  }
}

async function createMissing(connection: MigrateOptions["connection"], log: MigrateOptions["log"]): Promise<void> {
  const client = new pg.Client({ ...connection, database: "postgres" });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
    for (const name of databases) {
      if (rows.some(({ datname }) => datname === name)) continue;
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      log(`database ${name}: created`);
    }
  } finally {
    await client.end();
  }
}
