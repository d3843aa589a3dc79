import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readSecret, resolveSecurity } from "../../src/kafka/security.ts";
import { freePort, type LocalAws, startAws } from "../support/aws.ts";

const REGION = "eu-central-1";
const LOGIN = { username: "agent", password: "hunter2" };

let aws: LocalAws;
let client: SecretsManagerClient;
const environment = { ...process.env };

beforeAll(async () => {
  aws = await startAws();
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL: aws.endpoint,
  });
  client = new SecretsManagerClient({ region: REGION });
}, 120_000);

afterAll(async () => {
  client.destroy();
  await aws.stop();
  process.env = environment;
});

test("a secret's text is what a login is made of", async () => {
  const { ARN = "" } = await client.send(
    new CreateSecretCommand({ Name: "kafka", SecretString: JSON.stringify(LOGIN) }),
  );

  const security = await resolveSecurity([{ type: "SASL_SCRAM_512_AUTH", uri: ARN }], (arn) => readSecret(arn, REGION));

  expect(security).toStrictEqual({ sasl: { mechanism: "scram-sha-512", ...LOGIN } });
});

test("a binary secret is refused", async () => {
  const SecretBinary = Buffer.from(JSON.stringify(LOGIN));
  const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: "binary", SecretBinary }));

  await expect(readSecret(ARN, REGION)).rejects.toMatchObject({
    code: "SOK_SECRET_INVALID",
    message: `The secret ${ARN} is binary: store it as a string of JSON`,
  });
});

test("a secret that is not there is named", async () => {
  const arn = `arn:aws:secretsmanager:${REGION}:000000000000:secret:nowhere-abcdef`;

  await expect(readSecret(arn, REGION)).rejects.toMatchObject({
    code: "SOK_SECRET_MISSING",
    message: expect.stringMatching(`^The secret ${arn} could not be read: ResourceNotFoundException: .*create it`),
  });
});

test("without a Secrets Manager the error says where to look", async () => {
  process.env["AWS_ENDPOINT_URL"] = `http://127.0.0.1:${await freePort()}`;

  await expect(readSecret("arn", REGION)).rejects.toMatchObject({
    code: "SOK_SECRET_MISSING",
    message: expect.stringMatching(/ECONNREFUSED/),
  });
});
