import pg from "pg";
import type { DatabaseSecret } from "../../shared/aws/database-secret.ts";
import { type RdsUser, rdsToken } from "../../shared/aws/rds-token.ts";
import { isSignInRefused } from "../../shared/postgres/errors.ts";

/**
 * What the administrator signs in with, for each connection: the password, or a token where that is refused. For RDS takes nothing but
 * tokens of members of rds_iam, and since version 16 PostgreSQL makes whoever creates a user a member of it, and so of what it belongs to.
 */
export function administratorPassword(
  server: Pick<pg.ClientConfig, "host" | "port" | "ssl">,
  { username: user, password }: DatabaseSecret,
  token: (user: RdsUser) => Promise<string> = rdsToken,
): () => Promise<string> {
  const isTaken = async () => {
    const client = new pg.Client({
      ...server,
      user,
      password,
      database: "postgres",
      application_name: "tripline-prepare",
    });
    try {
      await client.connect();
      return true;
    } catch (error) {
      if (isSignInRefused(error)) return false;
      throw error;
    } finally {
      await client.end();
    }
  };
  return async () => {
    if (await isTaken()) return password;
    return token({ host: String(server.host), port: Number(server.port), user });
  };
}
