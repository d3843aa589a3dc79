import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import * as v from "valibot";
import { type Environment, readEnvironment } from "../config/environment.ts";

/** Lambda gives every environment the credentials of the function's role. */
const Credentials = v.object({
  AWS_REGION: v.string(),
  AWS_ACCESS_KEY_ID: v.string(),
  AWS_SECRET_ACCESS_KEY: v.string(),
  AWS_SESSION_TOKEN: v.exactOptional(v.string()),
});

/** How long a token that is signed here can be used to open a connection: the longest that RDS and MSK take. */
export const tokenSeconds = 900;

/**
 * Signs as the function's role, without asking anybody.
 *
 * @throws {ConfigError} naming what is missing in the environment
 */
export function roleSigner(service: string, environment: Environment): { signer: SignatureV4; region: string } {
  const settings = readEnvironment(Credentials, environment);
  const region = settings.AWS_REGION;
  const signer = new SignatureV4({
    service,
    region,
    credentials: {
      accessKeyId: settings.AWS_ACCESS_KEY_ID,
      secretAccessKey: settings.AWS_SECRET_ACCESS_KEY,
      ...(settings.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: settings.AWS_SESSION_TOKEN }),
    },
    sha256: Sha256,
  });
  return { signer, region };
}
