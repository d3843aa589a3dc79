import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { AccessConfiguration } from "../../src/config/types.ts";
import type { SourceListener } from "../../src/delivery/contract.ts";
import { recordValue } from "../../src/delivery/event.ts";
import { KafkaJsSource } from "../../src/kafka/kafka-source.ts";
import { readSecret, resolveSecurity, type SecurityOptions } from "../../src/kafka/security.ts";
import { type LocalAws, startAws } from "../support/aws.ts";
import { type Broker, connectAdmin, connectProducer, createTopic, startBroker, uniqueName } from "../support/broker.ts";

const REGION = "us-east-1";
const TOPIC = "orders";
/** For two servers, the first time that this machine starts them. */
const START_MS_MAX = 180_000;
/** Where the connection itself is refused, the end of a source may take 5 s. */
const TEST_MS_MAX = 30_000;

type AccessType = AccessConfiguration["type"];
type ListenerName = keyof Broker["listeners"];
/** What a mapping authenticates with: a secret's content by its kind, made when the broker is there. */
type Secrets = (broker: Broker) => { readonly [Type in AccessType]?: object };

const login = (user: keyof Broker["users"], password?: string) => (broker: Broker) => ({
  ...broker.users[user],
  ...(password !== undefined && { password }),
});
const rootCa = (broker: Broker) => ({ certificate: broker.certificates?.ca });
const clientCertificate = (broker: Broker) => ({
  certificate: broker.certificates?.clientCert,
  privateKey: broker.certificates?.clientKey,
});
const encryptedClientCertificate = (broker: Broker) => ({
  certificate: broker.certificates?.clientCert,
  privateKey: broker.certificates?.clientKeyEncrypted,
  privateKeyPassword: broker.certificates?.clientKeyPassword,
});

describe("a mapping and a broker that wants to know who reads", () => {
  let broker: Broker;
  let aws: LocalAws;
  let secretsManager: SecretsManagerClient;
  const environment = { ...process.env };
  const reading: Reading[] = [];

  beforeAll(async () => {
    [broker, aws] = await Promise.all([startBroker({ sasl: true, tls: true }), startAws()]);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    });
    secretsManager = new SecretsManagerClient({ region: REGION });
    const admin = await connectAdmin(broker);
    const producer = await connectProducer(broker);
    await createTopic(admin, TOPIC);
    await producer.send({ topic: TOPIC, messages: [{ value: "for those who may read" }] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }, START_MS_MAX);

  afterEach(async () => {
    await Promise.all(reading.splice(0).map((each) => each.source.stop()));
  }, TEST_MS_MAX);

  afterAll(async () => {
    secretsManager?.destroy();
    process.env = environment;
    await Promise.all([broker?.stop(), aws?.stop()]);
  });

  test.each<[how: string, ListenerName, Secrets]>([
    ["PLAIN", "saslPlaintext", (its) => ({ BASIC_AUTH: login("plain")(its) })],
    ["SCRAM-SHA-256", "saslPlaintext", (its) => ({ SASL_SCRAM_256_AUTH: login("scram256")(its) })],
    ["SCRAM-SHA-512", "saslPlaintext", (its) => ({ SASL_SCRAM_512_AUTH: login("scram512")(its) })],
    [
      "PLAIN over TLS",
      "saslSsl",
      (its) => ({ BASIC_AUTH: login("plain")(its), SERVER_ROOT_CA_CERTIFICATE: rootCa(its) }),
    ],
    [
      "SCRAM-SHA-512 over TLS",
      "saslSsl",
      (its) => ({ SASL_SCRAM_512_AUTH: login("scram512")(its), SERVER_ROOT_CA_CERTIFICATE: rootCa(its) }),
    ],
    ["the broker's certificate alone", "ssl", (its) => ({ SERVER_ROOT_CA_CERTIFICATE: rootCa(its) })],
    [
      "mutual TLS",
      "mutualTls",
      (its) => ({ CLIENT_CERTIFICATE_TLS_AUTH: clientCertificate(its), SERVER_ROOT_CA_CERTIFICATE: rootCa(its) }),
    ],
    [
      "mutual TLS with an encrypted key",
      "mutualTls",
      (its) => ({
        CLIENT_CERTIFICATE_TLS_AUTH: encryptedClientCertificate(its),
        SERVER_ROOT_CA_CERTIFICATE: rootCa(its),
      }),
    ],
  ])(
    "%s: reads",
    async (_how, listener, secrets) => {
      const { problem, value } = read(listener, await store(secrets(broker)));

      expect(await Promise.race([value, problem])).toBe("for those who may read");
    },
    TEST_MS_MAX,
  );

  test.each<[why: string, ListenerName, Secrets, SecurityOptions, problem: RegExp]>([
    [
      "a wrong password (PLAIN)",
      "saslPlaintext",
      (its) => ({ BASIC_AUTH: login("plain", "wrong")(its) }),
      {},
      /SASL PLAIN authentication failed/,
    ],
    [
      "a wrong password (SCRAM-SHA-256)",
      "saslPlaintext",
      (its) => ({ SASL_SCRAM_256_AUTH: login("scram256", "wrong")(its) }),
      {},
      /SASL SCRAM SHA256 authentication failed/,
    ],
    [
      "a wrong password (SCRAM-SHA-512)",
      "saslPlaintext",
      (its) => ({ SASL_SCRAM_512_AUTH: login("scram512", "wrong")(its) }),
      {},
      /SASL SCRAM SHA512 authentication failed/,
    ],
    [
      "a user that another mechanism knows",
      "saslPlaintext",
      (its) => ({ SASL_SCRAM_512_AUTH: login("scram256")(its) }),
      {},
      /SASL SCRAM SHA512 authentication failed/,
    ],
    ["an authority that this machine does not know", "ssl", () => ({}), { tls: true }, /self-signed certificate/],
    [
      "no client certificate",
      "mutualTls",
      (its) => ({ SERVER_ROOT_CA_CERTIFICATE: rootCa(its) }),
      {},
      /certificate required|bad certificate/,
    ],
  ])(
    "%s: says so, without the secret, and reads nothing",
    async (_why, listener, secrets, options, expected) => {
      const { lines, problem, value } = read(listener, await store(secrets(broker)), options);

      expect(await Promise.race([value, problem])).toMatch(expected);
      expect(lines.join("\n")).not.toMatch(/wrong|-secret/);
    },
    TEST_MS_MAX,
  );

  test(
    "a secret that is missing is named, and one that was corrected is read without a restart",
    async () => {
      const right = login("scram512")(broker);
      const access = await store({ SASL_SCRAM_512_AUTH: { ...right, password: "wrong" } });
      const [stored] = access;
      const { problem, value } = read("saslPlaintext", access);
      expect(await Promise.race([value, problem])).toMatch(/authentication failed/);

      await secretsManager.send(
        new PutSecretValueCommand({ SecretId: stored?.uri, SecretString: JSON.stringify(right) }),
      );
      expect(await value).toBe("for those who may read");

      await secretsManager.send(new DeleteSecretCommand({ SecretId: stored?.uri, ForceDeleteWithoutRecovery: true }));
      expect(await read("saslPlaintext", access).problem).toContain(
        `SOK_SECRET_MISSING: The secret ${stored?.uri} could not be read`,
      );
    },
    TEST_MS_MAX,
  );

  /** Puts the secrets into Secrets Manager, as a service on AWS would have them. */
  async function store(secrets: ReturnType<Secrets>): Promise<readonly AccessConfiguration[]> {
    return Promise.all(
      Object.entries(secrets).map(async ([type, content]) => {
        const command = new CreateSecretCommand({ Name: uniqueName(type), SecretString: JSON.stringify(content) });
        const { ARN: uri } = await secretsManager.send(command);
        if (uri === undefined) throw new Error("the local AWS made a secret without an ARN");
        return { type: type as AccessType, uri };
      }),
    );
  }

  /** Reads the topic as a mapping does. */
  function read(
    listener: ListenerName,
    access: readonly AccessConfiguration[],
    options: SecurityOptions = {},
  ): Reading {
    const value = Promise.withResolvers<string>();
    const problem = Promise.withResolvers<string>();
    const lines: string[] = [];
    const complain = (line: string) => {
      lines.push(line);
      // Whoever is the first to read in a group comes before the broker is ready for groups.
      if (!line.includes("The coordinator is loading")) problem.resolve(line);
    };
    const source = new KafkaJsSource({
      name: "orders",
      mapping: {
        bootstrapServers: [broker.listeners[listener] as string],
        groupId: uniqueName("agent"),
        topic: TOPIC,
        startingPosition: { kind: "TRIM_HORIZON" },
        filterPatterns: [],
      },
      security: () => resolveSecurity(access, (arn) => readSecret(arn, REGION), options),
      log: {
        debug: (line) => lines.push(line),
        notice: (line) => lines.push(line),
        warning: complain,
        error: complain,
      },
    });
    source.start({
      ...ANYTHING_ELSE,
      onRecords: (_partition, records) => value.resolve(String(records[0] && recordValue(records[0]))),
    });
    const started = { source, lines, value: value.promise, problem: problem.promise };
    reading.push(started);
    return started;
  }
});

interface Reading {
  readonly source: KafkaJsSource;
  /** Everything said, debug lines too. */
  readonly lines: readonly string[];
  /** Of the first record. */
  readonly value: Promise<string>;
  /** The first warning or error that is about signing in. */
  readonly problem: Promise<string>;
}

const ANYTHING_ELSE: Omit<SourceListener, "onRecords"> = {
  onAssigned: () => {},
  onRevoked: async () => {},
  onLost: () => {},
  onUnfenced: () => {},
};
