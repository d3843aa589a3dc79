import type { SchemaRegistryConfig } from "../config/types.ts";
import type { HttpOptions } from "./http.ts";

export type Credentials = Pick<HttpOptions, "headers" | "tls">;

/**
 * Reads the secrets that AccessConfigs names. The fields are those that AWS documents for the same types of a Kafka
 * cluster [with-kafka, "Configuring secrets"]: username and password; certificate, privateKey and privateKeyPassword.
 */
export async function readCredentials(
  access: SchemaRegistryConfig["access"],
  readSecret: (arn: string) => Promise<string>,
): Promise<Credentials> {
  const headers: Record<string, string> = {};
  const tls: { -readonly [Name in keyof HttpOptions["tls"]]: HttpOptions["tls"][Name] } = {};
  for (const { type, uri } of access) {
    const secret = parseSecret(uri, await readSecret(uri));
    switch (type) {
      case "BASIC_AUTH": {
        const pair = `${secret("username")}:${secret("password")}`;
        headers["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
        break;
      }
      case "CLIENT_CERTIFICATE_TLS_AUTH": {
        tls.cert = secret("certificate");
        tls.key = secret("privateKey");
        const passphrase = secret("privateKeyPassword", "");
        if (passphrase !== "") tls.passphrase = passphrase;
        break;
      }
      case "SERVER_ROOT_CA_CERTIFICATE":
        tls.ca = secret("certificate");
        break;
    }
  }
  return { headers, tls };
}

/** Never shows what is in the secret. */
function parseSecret(arn: string, text: string): (field: string, otherwise?: string) => string {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw new Error(`the secret ${arn} is no JSON`);
  }
  const values = new Map(Object.entries(typeof fields === "object" && fields !== null ? fields : {}));
  return (field, otherwise) => {
    const value: unknown = values.get(field) ?? otherwise;
    if (typeof value !== "string") throw new Error(`the secret ${arn} has no string '${field}'`);
    return value;
  };
}
