import { HttpRequest } from "@smithy/core/protocols";
import type { Environment } from "../config/environment.ts";
import { roleSigner, tokenSeconds } from "./role-signer.ts";

/**
 * What MSK takes as an OAuth token: a presigned request to connect, as base64. The broker asks IAM whose signature it is. What the library
 * of AWS's own adds to it, its name, is wanted as well.
 *
 * @see https://github.com/aws/aws-msk-iam-sasl-signer-js
 * @throws {ConfigError} naming what is missing in the environment
 */
export async function mskToken(environment: Environment = process.env, now: Date = new Date()): Promise<string> {
  const { signer, region } = roleSigner("kafka-cluster", environment);
  const hostname = `kafka.${region}.amazonaws.com`;
  const { query } = await signer.presign(
    new HttpRequest({
      method: "GET",
      protocol: "https:",
      hostname,
      headers: { host: hostname },
      query: { Action: "kafka-cluster:Connect" },
    }),
    { expiresIn: tokenSeconds, signingDate: now },
  );
  // Behind the signature, as there: it is no part of what is signed.
  const signed = { ...query, "User-Agent": "tripline" };
  const parameters = Object.entries(signed).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return Buffer.from(`https://${hostname}/?${parameters.join("&")}`).toString("base64url");
}
