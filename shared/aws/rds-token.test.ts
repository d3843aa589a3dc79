import { Signer } from "@aws-sdk/rds-signer";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { ConfigError } from "../config/environment.ts";
import { rdsToken } from "./rds-token.ts";

const now = new Date("2026-11-24T12:00:00Z");
const user = { host: "tripline-prod.abc.eu-central-1.rds.amazonaws.com", port: 5432, user: "tripline_agents" };
const environment = {
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

beforeEach(() => {
  jest.useFakeTimers({ now, doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** The parameters of a token, whatever their order. */
function parts(token: string) {
  const [address, query] = token.split("?") as [string, string];
  return { address, query: query.split("&").sort() };
}

describe("rdsToken", () => {
  test.each([undefined, "FwoGZXIvYXdzEBYa/+=session"])(
    "is what AWS's own signer makes (session token %s)",
    async (sessionToken) => {
      const official = new Signer({
        hostname: user.host,
        port: user.port,
        username: user.user,
        region: environment.AWS_REGION,
        credentials: {
          accessKeyId: environment.AWS_ACCESS_KEY_ID,
          secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
          ...(sessionToken === undefined ? {} : { sessionToken }),
        },
      });
      const own = await rdsToken(user, { ...environment, AWS_SESSION_TOKEN: sessionToken }, now);
      expect(parts(own)).toEqual(parts(await official.getAuthToken()));
    },
  );

  test("says which credentials are missing", async () => {
    await expect(rdsToken(user, { AWS_REGION: "eu-central-1" })).rejects.toThrow(ConfigError);
    await expect(rdsToken(user, { AWS_REGION: "eu-central-1" })).rejects.toThrow("AWS_ACCESS_KEY_ID is not set");
  });
});
