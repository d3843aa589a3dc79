import { expect } from "@jest/globals";
import type { Broker } from "../../support/broker.ts";
import { conformance } from "../conformance.ts";
import type { Case } from "../harness.ts";

type AccessType =
  | "BASIC_AUTH"
  | "SASL_SCRAM_256_AUTH"
  | "SASL_SCRAM_512_AUTH"
  | "SERVER_ROOT_CA_CERTIFICATE"
  | "CLIENT_CERTIFICATE_TLS_AUTH";

/** Reads a record from a listener that wants these secrets; without them it does not let the mapping in. */
async function readsWith(
  t: Case,
  listener: keyof Broker["listeners"],
  secrets: Partial<Record<AccessType, unknown>>,
): Promise<void> {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const access = Object.entries(secrets).map(async ([Type, content]) => ({ Type, URI: await t.secret(content) }));
  const bootstrapServers = t.stage.broker.listeners[listener];
  const m = t.map(topic, { SourceAccessConfigurations: await Promise.all(access) }, { settings: { bootstrapServers } });
  await m.fn.invoked(1);
  expect(m.config.bootstrapServers).toEqual([bootstrapServers]);
}

const rootCa = ({ stage }: Case) => ({ SERVER_ROOT_CA_CERTIFICATE: { certificate: stage.broker.certificates?.ca } });

conformance("authentication", "a mapping logs in by SASL/PLAIN", async (t) => {
  await readsWith(t, "saslPlaintext", { BASIC_AUTH: t.stage.broker.users.plain });
});

conformance("authentication", "a mapping logs in by SCRAM-SHA-256", async (t) => {
  await readsWith(t, "saslPlaintext", { SASL_SCRAM_256_AUTH: t.stage.broker.users.scram256 });
});

conformance("authentication", "a mapping logs in by SCRAM-SHA-512", async (t) => {
  await readsWith(t, "saslSsl", { SASL_SCRAM_512_AUTH: t.stage.broker.users.scram512, ...rootCa(t) });
});

conformance("authentication", "a mapping trusts the root CA of a secret", async (t) => {
  await readsWith(t, "ssl", rootCa(t));
});

conformance("authentication", "a mapping shows the client certificate of a secret", async (t) => {
  const { certificates } = t.stage.broker;
  const client = { certificate: certificates?.clientCert, privateKey: certificates?.clientKey };
  await readsWith(t, "mutualTls", { ...rootCa(t), CLIENT_CERTIFICATE_TLS_AUTH: client });
});

const SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:of-the-cloud";

conformance("authentication", "authentication: none leaves out what the local cluster does not need", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const access = [{ Type: "SASL_SCRAM_512_AUTH", URI: SECRET_ARN }];
  const m = t.map(
    topic,
    { SourceAccessConfigurations: access },
    { msk: true, settings: { bootstrapServers: t.stage.broker.bootstrapServers, authentication: "none" } },
  );
  await m.fn.invoked(1);
});

conformance("iam", "a mapping of Amazon MSK without a login reads without one", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  await t.map(topic, {}, { msk: true }).fn.invoked(1);
});

conformance("iam", "a login that only the cloud has is refused, unless nobody logs in locally", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const access = { SourceAccessConfigurations: [{ Type: "OAUTHBEARER_AUTH", URI: SECRET_ARN }] };
  const { bootstrapServers } = t.stage.broker;
  expect(() => t.map(topic, access)).toThrow(expect.objectContaining({ code: "SOK_AUTHENTICATION_INVALID" }));
  await t.map(topic, access, { settings: { bootstrapServers, authentication: "none" } }).fn.invoked(1);
});
