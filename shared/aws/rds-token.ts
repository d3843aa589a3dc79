import { HttpRequest } from "@smithy/core/protocols";
import type { Environment } from "../config/environment.ts";
import { roleSigner, tokenSeconds } from "./role-signer.ts";

export interface RdsUser {
  /** The instance's own name: a token is for that alone. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/**
 * What stands in place of a password when PostgreSQL is told to trust IAM: a presigned request to connect, made without asking anybody.
 * A connection that has been opened with it outlives it.
 *
 * @aws-sdk/rds-signer does the same, and with every way to find credentials that there is makes a function nearly twice as large; a test
 * holds the two together.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
 * @throws {ConfigError} naming what is missing in the environment
 */
export async function rdsToken(
  { host, port, user }: RdsUser,
  environment: Environment = process.env,
  now: Date = new Date(),
): Promise<string> {
  const { signer } = roleSigner("rds-db", environment);
  const { query } = await signer.presign(
    new HttpRequest({
      method: "GET",
      protocol: "https:",
      hostname: host,
      port,
      headers: { host: `${host}:${port}` },
      query: { Action: "connect", DBUser: user },
    }),
    { expiresIn: tokenSeconds, signingDate: now },
  );
  const parameters = Object.entries(query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return `${host}:${port}/?${parameters.join("&")}`;
}
