import {
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import * as v from "valibot";
import { type DatabaseSecret, readDatabaseSecret } from "../../shared/aws/database-secret.ts";
import { type LambdaHandler, lambdaHandler } from "../../shared/lambda/index.ts";
import { isSignInRefused } from "../../shared/postgres/errors.ts";
import { scramVerifier } from "../../shared/postgres/scram.ts";

export interface RotatePasswordOptions {
  readonly server: Pick<pg.ClientConfig, "host" | "port" | "ssl">;
  readonly database: string;
  readonly secrets: SecretsManagerClient;
}

/**
 * What Secrets Manager sends, four times for a rotation, with one token.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
const RotationEvent = v.object({
  Step: v.picklist(["createSecret", "setSecret", "testSecret", "finishSecret"]),
  SecretId: v.string(),
  ClientRequestToken: v.string(),
});

type Rotation = v.InferOutput<typeof RotationEvent>;

/** Characters that mean something in a URL, in JSON or in a shell; there are enough without them. */
const excludedCharacters = "/@\"'\\`$%:;&{}()";
const passwordLength = 40;

/**
 * Gives a user of PostgreSQL a new password, signed in as that user: nobody else's rights are needed. Every step may come again.
 * Between setSecret and finishSecret only the new password opens a connection; what is open stays open.
 */
export function createHandler({ server, database, secrets }: RotatePasswordOptions): LambdaHandler<void> {
  const connect = async ({ username, password }: DatabaseSecret) => {
    const client = new pg.Client({
      ...server,
      database,
      user: username,
      password,
      application_name: "tripline-rotate",
    });
    await client.connect();
    return client;
  };
  const opens = async (secret: DatabaseSecret) => {
    try {
      await (await connect(secret)).end();
      return true;
    } catch (error) {
      if (isSignInRefused(error)) return false;
      throw error;
    }
  };
  const pending = ({ SecretId, ClientRequestToken }: Rotation) =>
    readDatabaseSecret(secrets, SecretId, { stage: "AWSPENDING", id: ClientRequestToken });

  const steps: Record<Rotation["Step"], (rotation: Rotation) => Promise<void>> = {
    async createSecret(rotation) {
      const { SecretId, ClientRequestToken } = rotation;
      const current = await readDatabaseSecret(secrets, SecretId);
      try {
        await pending(rotation);
        return;
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
      const { RandomPassword } = await secrets.send(
        new GetRandomPasswordCommand({ PasswordLength: passwordLength, ExcludeCharacters: excludedCharacters }),
      );
      await secrets.send(
        new PutSecretValueCommand({
          SecretId,
          ClientRequestToken,
          SecretString: JSON.stringify({ ...current, password: RandomPassword }),
          VersionStages: ["AWSPENDING"],
        }),
      );
    },

    async setSecret(rotation) {
      const next = await pending(rotation);
      if (await opens(next)) return;
      const client = await connect(await readDatabaseSecret(secrets, rotation.SecretId));
      try {
        const user = client.escapeIdentifier(next.username);
        await client.query(`alter role ${user} password ${client.escapeLiteral(await scramVerifier(next.password))}`);
      } finally {
        await client.end();
      }
    },

    async testSecret(rotation) {
      await (await connect(await pending(rotation))).end();
    },

    async finishSecret({ SecretId, ClientRequestToken }) {
      const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      const current = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes("AWSCURRENT"))?.[0];
      if (current !== ClientRequestToken) {
        await secrets.send(
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: "AWSCURRENT",
            MoveToVersionId: ClientRequestToken,
            RemoveFromVersionId: current,
          }),
        );
      }
      // One that stays would keep the next rotation from beginning.
      if (!VersionIdsToStages[ClientRequestToken]?.includes("AWSPENDING")) return;
      await secrets.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: "AWSPENDING",
          RemoveFromVersionId: ClientRequestToken,
        }),
      );
    },
  };

  return lambdaHandler({ input: RotationEvent }, async (rotation, { logger }) => {
    if (await isDone(secrets, rotation)) return;
    await steps[rotation.Step](rotation);
    logger.info(`Rotation: ${rotation.Step} is done`, { secret: rotation.SecretId });
  });
}

/**
 * Whether this rotation has come to its end before.
 *
 * @throws {Error} for a call that Secrets Manager did not plan: it must not move a secret
 */
async function isDone(secrets: SecretsManagerClient, { SecretId, ClientRequestToken }: Rotation): Promise<boolean> {
  const { RotationEnabled, VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  const stages = VersionIdsToStages[ClientRequestToken];
  if (RotationEnabled !== true) throw new Error(`Secret ${SecretId} is not set up to be rotated.`);
  if (stages === undefined) throw new Error(`Secret ${SecretId} has no version for this rotation.`);
  return stages.includes("AWSCURRENT") && !stages.includes("AWSPENDING");
}
