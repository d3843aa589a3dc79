import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../config/environment.ts";
import { mskToken } from "./msk-token.ts";

const now = new Date("2026-11-24T12:00:00Z");
const environment = {
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature of a presigned GET as AWS describes it, computed without the library that signs. */
function signatureOf(url: URL): string {
  const parameters = [...url.searchParams].filter(([name]) => name !== "X-Amz-Signature" && name !== "User-Agent");
  const query = parameters
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&");
  const request = ["GET", "/", query, `host:${url.host}`, "", "host", createHash("sha256").update("").digest("hex")];
  const [, day = "", region = "", service = "", end = ""] = (url.searchParams.get("X-Amz-Credential") ?? "").split("/");
  const text = [
    "AWS4-HMAC-SHA256",
    url.searchParams.get("X-Amz-Date"),
    [day, region, service, end].join("/"),
    createHash("sha256").update(request.join("\n")).digest("hex"),
  ].join("\n");
  const key = [day, region, service, end].reduce<string | Buffer>(hmac, `AWS4${environment.AWS_SECRET_ACCESS_KEY}`);
  return hmac(key, text).toString("hex");
}

/** The request that a token stands for. */
async function decoded(more: Record<string, string> = {}): Promise<URL> {
  const token = await mskToken({ ...environment, ...more }, now);
  expect(token).toMatch(/^[\w-]+$/);
  return new URL(Buffer.from(token, "base64url").toString());
}

describe("mskToken", () => {
  test("is a presigned request to connect to the clusters of the region", async () => {
    const url = await decoded();
    expect(url.origin + url.pathname).toBe("https://kafka.eu-central-1.amazonaws.com/");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: "kafka-cluster:Connect",
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": "AKIDEXAMPLE/20261124/eu-central-1/kafka-cluster/aws4_request",
      "X-Amz-Date": "20261124T120000Z",
      "X-Amz-Expires": "900",
      "X-Amz-SignedHeaders": "host",
      "X-Amz-Signature": expect.stringMatching(/^[0-9a-f]{64}$/),
      "User-Agent": "tripline",
    });
  });

  test.each([{}, { AWS_SESSION_TOKEN: "FwoGZXIvYXdzEBYa/+=session" }])(
    "is signed as AWS wants it (%p)",
    async (more) => {
      const url = await decoded(more);
      expect(url.searchParams.get("X-Amz-Security-Token") ?? undefined).toBe(more.AWS_SESSION_TOKEN);
      expect(url.searchParams.get("X-Amz-Signature")).toBe(signatureOf(url));
    },
  );

  test("says which credentials are missing", async () => {
    await expect(mskToken({ AWS_REGION: "eu-central-1" })).rejects.toThrow(ConfigError);
    await expect(mskToken({ AWS_REGION: "eu-central-1" })).rejects.toThrow("AWS_ACCESS_KEY_ID is not set");
  });
});
