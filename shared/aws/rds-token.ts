import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import * as v from "valibot";
import { type Environment, readEnvironment } from "../config/environment.ts";

export interface RdsUser {
  /** The instance's own name: a token is for that alone. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** Lambda gives every environment the credentials of the function's role. */
const Credentials = v.object({
  AWS_REGION: v.string(),
  AWS_ACCESS_KEY_ID: v.string(),
  AWS_SECRET_ACCESS_KEY: v.string(),
  AWS_SESSION_TOKEN: v.exactOptional(v.string()),
});

const lifetimeSeconds = 900;

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
  const settings = readEnvironment(Credentials, environment);
  const signer = new SignatureV4({
    service: "rds-db",
    region: settings.AWS_REGION,
    credentials: {
      accessKeyId: settings.AWS_ACCESS_KEY_ID,
      secretAccessKey: settings.AWS_SECRET_ACCESS_KEY,
      ...(settings.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: settings.AWS_SESSION_TOKEN }),
    },
    sha256: Sha256,
  });
  const { query } = await signer.presign(
    new HttpRequest({
      method: "GET",
      protocol: "https:",
      hostname: host,
      port,
      headers: { host: `${host}:${port}` },
      query: { Action: "connect", DBUser: user },
    }),
    { expiresIn: lifetimeSeconds, signingDate: now },
  );
  const parameters = Object.entries(query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return `${host}:${port}/?${parameters.join("&")}`;
}
