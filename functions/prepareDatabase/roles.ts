import pg from "pg";
import { connectorDeclarations } from "../../shared/connectors/declarations.ts";
import { databases } from "../../shared/postgres/migrate.ts";
import { scramVerifier } from "../../shared/postgres/scram.ts";
import { users } from "../../shared/postgres/users.ts";

/** Roles that RDS brings along: who may sign in by IAM, and who may read the write-ahead log. */
const signsInByIam = "rds_iam";
const readsWriteAheadLog = "rds_replication";

/** What a user may do in a database; schemas are those that the tables are in. */
interface Grants {
  readonly user: string;
  readonly database: string;
  readonly tables: Readonly<Record<string, string>>;
  readonly sequences?: readonly string[];
}

/** Debezium reads the table of each connector. */
const captured = Object.values(connectorDeclarations).map((connector) => ({
  database: connector["database.dbname"],
  publication: connector["publication.name"],
  table: connector["table.include.list"],
}));

/** Everything that the functions and Debezium do to tables, and nothing else. */
const grants: readonly Grants[] = [
  ...captured.map(({ database, table }) => ({ user: users.capture, database, tables: { [table]: "select" } })),
  {
    user: users.agents,
    database: "mydb",
    tables: {
      "fraud.progress": "select, insert, update",
      "fraud.checkpoints": "select, insert, update",
      "fraud.changes": "select, insert, delete",
      "fraud.alerts": "select, insert",
    },
  },
  { user: users.forwarder, database: "mydb", tables: { "fraud.forwarded": "select, insert" } },
  {
    user: users.temperature,
    database: "mydb",
    tables: {
      "public.temperature_readings": "select, insert",
      "public.temperature_reports": "select, insert, update",
    },
    sequences: ["public.temperature_readings_id_seq"],
  },
  {
    user: users.console,
    database: "mydb",
    tables: {
      "public.transactions": "select",
      "public.temperature_readings": "select",
      "public.temperature_reports": "select",
      "fraud.alerts": "select",
      "fraud.forwarded": "select",
      "fraud.progress": "select",
      "console.cases": "select, insert, update, delete",
      "console.audit": "select, insert",
      "console.redriven": "select, insert",
    },
  },
];

export interface RolesOptions {
  readonly connection: Omit<pg.ClientConfig, "database">;
  readonly capturePassword: string;
  readonly log: (line: string) => void;
}

/** Makes the users, and gives each exactly its rights. May run again and again: also the password is set anew. */
export async function ensureRoles({ connection, capturePassword, log }: RolesOptions): Promise<void> {
  for (const database of databases) {
    const client = new pg.Client({ ...connection, database });
    await client.connect();
    try {
      await client.query("begin");
      if (database === databases[0]) await ensureUsers(client, capturePassword, log);
      // Who has no business here cannot even connect.
      await client.query(`revoke all on database ${client.escapeIdentifier(database)} from public`);
      for (const user of Object.values(users)) await revokeAll(client, database, user);
      for (const each of grants) if (each.database === database) await grant(client, each);
      for (const each of captured) if (each.database === database) await ensurePublication(client, each, log);
      await client.query("commit");
    } finally {
      await client.end();
    }
  }
}

/** Users are those of the server, not of one database. */
async function ensureUsers(client: pg.Client, capturePassword: string, log: RolesOptions["log"]): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>("select rolname from pg_roles");
  const existing = new Set(rows.map(({ rolname }) => rolname));
  for (const user of Object.values(users)) {
    const role = client.escapeIdentifier(user);
    if (!existing.has(user)) {
      await client.query(`create role ${role} login`);
      log(`user ${user}: created`);
    }
    if (user === users.capture) {
      await client.query(`alter role ${role} password ${client.escapeLiteral(await scramVerifier(capturePassword))}`);
      await client.query(`grant ${readsWriteAheadLog} to ${role}`);
    } else await client.query(`grant ${signsInByIam} to ${role}`);
  }
}

/** So that a right that is no longer listed is gone. */
async function revokeAll(client: pg.Client, database: string, user: string): Promise<void> {
  const role = client.escapeIdentifier(user);
  await client.query(`revoke all on database ${client.escapeIdentifier(database)} from ${role}`);
  const { rows } = await client.query<{ nspname: string }>(
    "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
  );
  for (const { nspname } of rows) {
    const schema = client.escapeIdentifier(nspname);
    await client.query(`revoke all on all tables in schema ${schema} from ${role}`);
    await client.query(`revoke all on all sequences in schema ${schema} from ${role}`);
    await client.query(`revoke all on schema ${schema} from ${role}`);
  }
}

async function grant(client: pg.Client, { user, database, tables, sequences = [] }: Grants): Promise<void> {
  const role = client.escapeIdentifier(user);
  await client.query(`grant connect on database ${client.escapeIdentifier(database)} to ${role}`);
  const schemas = new Set(Object.keys(tables).map((table) => table.split(".")[0] as string));
  for (const schema of schemas)
    await client.query(`grant usage on schema ${client.escapeIdentifier(schema)} to ${role}`);
  for (const [table, rights] of Object.entries(tables)) {
    await client.query(`grant ${rights} on ${qualified(client, table)} to ${role}`);
  }
  for (const sequence of sequences)
    await client.query(`grant usage on sequence ${qualified(client, sequence)} to ${role}`);
}

/** A publication belongs to the owner of its table, which Debezium's user is not: it finds it made. */
async function ensurePublication(
  client: pg.Client,
  { publication: name, table }: { publication: string; table: string },
  log: RolesOptions["log"],
): Promise<void> {
  const { rowCount } = await client.query("select from pg_publication where pubname = $1", [name]);
  const publication = client.escapeIdentifier(name);
  if (rowCount === 0) {
    await client.query(`create publication ${publication} for table ${qualified(client, table)}`);
    log(`publication ${name}: created`);
  } else await client.query(`alter publication ${publication} set table ${qualified(client, table)}`);
}

function qualified(client: pg.Client, name: string): string {
  return name
    .split(".")
    .map((part) => client.escapeIdentifier(part))
    .join(".");
}
