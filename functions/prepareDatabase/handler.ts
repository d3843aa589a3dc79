import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type pg from "pg";
import * as v from "valibot";
import { readDatabaseSecret } from "../../shared/aws/database-secret.ts";
import { customResourceHandler, type LambdaHandler } from "../../shared/lambda/index.ts";
import { migrateDatabases } from "../../shared/postgres/migrate.ts";
import { administratorPassword } from "./administrator.ts";
import { ensureRoles } from "./roles.ts";

export interface PrepareDatabaseOptions {
  readonly server: Pick<pg.ClientConfig, "host" | "port" | "ssl">;
  readonly secrets: SecretsManagerClient;
  /** The folder `migrations`. */
  readonly migrations: string;
}

const Properties = v.object({
  /** The secret of the user who owns the databases. */
  AdministratorSecret: v.string(),
  /** The secret with the password of Debezium's user. */
  CaptureSecret: v.string(),
  /** What the functions wait for by asking for it: it changes with what is done here. */
  Revision: v.string(),
});

/** A custom resource: databases, tables, users and publications, as this version of the code needs them. */
export function createHandler({ server, secrets, migrations }: PrepareDatabaseOptions): LambdaHandler<void> {
  return customResourceHandler({
    properties: Properties,
    ensure: async ({ AdministratorSecret, CaptureSecret, Revision }, { logger }) => {
      const log = (line: string) => logger.info(line);
      const administrator = await readDatabaseSecret(secrets, AdministratorSecret);
      const capture = await readDatabaseSecret(secrets, CaptureSecret);
      const connection = {
        ...server,
        user: administrator.username,
        password: administratorPassword(server, administrator),
        application_name: "tripline-prepare",
      };
      await migrateDatabases({ connection, folder: migrations, log });
      await ensureRoles({ connection, capturePassword: capture.password, log });
      return { Revision };
    },
  });
}
