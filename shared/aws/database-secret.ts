import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as v from "valibot";

/** What the secret of a database user holds, as RDS and Secrets Manager write it. Other members are kept as they are. */
export const DatabaseSecret = v.looseObject({ username: v.string(), password: v.pipe(v.string(), v.minLength(1)) });
export type DatabaseSecret = v.InferOutput<typeof DatabaseSecret>;

/** Which version of a secret: the one in use, the one that is to be, or a certain one. */
export interface SecretVersion {
  readonly stage?: "AWSCURRENT" | "AWSPENDING";
  readonly id?: string;
}

/**
 * Reads the user and password that a secret holds.
 *
 * @throws {Error} that names the secret and what is wrong with it, and nothing of what it holds
 */
export async function readDatabaseSecret(
  client: SecretsManagerClient,
  secretId: string,
  { stage = "AWSCURRENT", id }: SecretVersion = {},
): Promise<DatabaseSecret> {
  const { SecretString } = await client.send(
    new GetSecretValueCommand({
      SecretId: secretId,
      VersionStage: stage,
      ...(id === undefined ? {} : { VersionId: id }),
    }),
  );
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), DatabaseSecret), SecretString);
  if (!parsed.success) throw new Error(`Secret ${secretId} (${stage}) is not JSON with a username and a password.`);
  return parsed.output;
}
