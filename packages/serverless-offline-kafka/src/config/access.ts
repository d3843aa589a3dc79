import type { Declaration } from "./declaration.ts";
import { show } from "./json.ts";
import type { ClusterSource } from "./source.ts";
import type { AccessConfiguration } from "./types.ts";

/** The part of a network that a mapping reaches its cluster through: a local Kafka has no use for it. */
const NETWORK_TYPES: readonly unknown[] = ["VPC_SUBNET", "VPC_SECURITY_GROUP"];

const LOGIN_TYPES: readonly unknown[] = ["BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH"];

/** How a mapping may authenticate with each kind of cluster [API_SourceAccessConfiguration; msk-esm-parameters]. */
const AUTHENTICATION_TYPES: Readonly<Record<ClusterSource["kind"], ReadonlyArray<AccessConfiguration["type"]>>> = {
  msk: ["SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH"],
  kafka: [
    "BASIC_AUTH",
    "SASL_SCRAM_256_AUTH",
    "SASL_SCRAM_512_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
  ],
};

/** AWS has these as well, with an identity provider or its own IAM behind them. */
const CLOUD_ONLY_PATTERN = /^(IAM|OAUTHBEARER|IAM_OAUTHBEARER)_[A-Z_]+$/;

const SECRET_ARN_PATTERN = /^arn:[\w-]+:secretsmanager:/;

/**
 * SourceAccessConfigurations that have a meaning for the connection.
 *
 * @throws MappingError SOK_AUTHENTICATION_INVALID
 */
export function readAccess(declaration: Declaration, { kind, local }: ClusterSource): readonly AccessConfiguration[] {
  const access: AccessConfiguration[] = [];
  const network = new Set<unknown>();
  for (const item of declaration.items("SourceAccessConfigurations", ["Type", "URI"])) {
    const declared = item.value("Type");
    if (NETWORK_TYPES.includes(declared)) {
      network.add(declared);
      continue;
    }
    const type = AUTHENTICATION_TYPES[kind].find((known) => known === declared);
    if (type === undefined) {
      // Where nobody authenticates it is no matter that this plugin could not.
      if (typeof declared === "string" && CLOUD_ONLY_PATTERN.test(declared) && !local.authenticates) continue;
      throw unsupportedType(item, kind, declared);
    }
    if (local.authenticates) access.push({ type, uri: readSecretArn(item, "URI") });
  }
  if (network.size === 1) {
    throw declaration.fail(
      "SOK_AUTHENTICATION_INVALID",
      `${declaration.label("SourceAccessConfigurations")}: AWS takes VPC_SUBNET and VPC_SECURITY_GROUP together`,
    );
  }
  refuseSeveral(declaration, access);
  return access;
}

/** @throws MappingError SOK_AUTHENTICATION_INVALID */
export function readSecretArn(item: Declaration, name: string): string {
  const arn = item.value(name);
  if (typeof arn === "string" && SECRET_ARN_PATTERN.test(arn)) return arn;
  throw item.fail(
    "SOK_AUTHENTICATION_INVALID",
    `${item.label(name)} is ${show(arn)}; write the ARN of a secret in Secrets Manager`,
  );
}

function unsupportedType(item: Declaration, kind: ClusterSource["kind"], type: unknown) {
  const known = AUTHENTICATION_TYPES[kind].join(", ");
  const remedy =
    typeof type === "string" && CLOUD_ONLY_PATTERN.test(type)
      ? "this plugin does not speak it; set authentication: none if the local Kafka needs none"
      : `for ${kind === "msk" ? "MSK" : "a self-managed cluster"} write one of ${known}`;
  return item.fail("SOK_AUTHENTICATION_INVALID", `${item.label("Type")} is ${show(type)}; ${remedy}`);
}

/** A connection has one login, one certificate and one authority. */
function refuseSeveral(declaration: Declaration, access: readonly AccessConfiguration[]): void {
  const roles = access.map(({ type }) => (LOGIN_TYPES.includes(type) ? "login" : type));
  if (new Set(roles).size === roles.length) return;
  const types = access.map(({ type }) => type).join(", ");
  throw declaration.fail(
    "SOK_AUTHENTICATION_INVALID",
    `${declaration.label("SourceAccessConfigurations")} has ${types}; keep one login, one certificate and one authority`,
  );
}
