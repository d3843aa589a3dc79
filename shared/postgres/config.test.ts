import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../config/environment.ts";
import { postgresConfig } from "./index.ts";

const local = { PGHOST: "localhost", PGUSER: "postgres", PGPASSWORD: "postgrespw", PGDATABASE: "mydb" };

describe("postgresConfig", () => {
  test("reads libpq's variables", () => {
    expect(postgresConfig({ ...local, PGPORT: "5433", AWS_LAMBDA_FUNCTION_NAME: "tripline-dev-profileAgent" })).toEqual(
      {
        host: "localhost",
        port: 5433,
        user: "postgres",
        password: "postgrespw",
        database: "mydb",
        tls: false,
        applicationName: "tripline-dev-profileAgent",
      },
    );
  });

  test("signs in with the function's own credentials where it is told to", async () => {
    const { password } = postgresConfig({
      PGHOST: "db.example.rds.amazonaws.com",
      PGUSER: "tripline_agents",
      PGDATABASE: "mydb",
      PG_AUTHENTICATION: "iam",
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    expect(password).toBeInstanceOf(Function);
    // A new one for every connection.
    expect(await (password as () => Promise<string>)()).toMatch(
      /^db\.example\.rds\.amazonaws\.com:5432\/\?Action=connect&DBUser=tripline_agents&.*X-Amz-Signature=[0-9a-f]{64}/,
    );
  });

  test("an empty variable is one that is not set", () => {
    expect(postgresConfig({ ...local, PGPORT: "", PGSSLMODE: "" }).port).toBe(5432);
  });

  test("names everything that is missing or wrong, and tells no secret", () => {
    const read = () => postgresConfig({ PGPORT: "postgres", PGSSLMODE: "prefer", PGPASSWORD: "hunter2" });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/PGHOST is not set.*PGPORT must be a whole number from 1 to 65535.*PGUSER is not set/);
    expect(read).toThrow(/PGSSLMODE must be one of disable, require, verify-ca, verify-full/);
    expect(read).not.toThrow(/hunter2/);
  });

  test.each([
    ["localhost", undefined, false],
    ["127.0.0.1", undefined, false],
    ["/var/run/postgresql", undefined, false],
    ["db.example.rds.amazonaws.com", undefined, { rejectUnauthorized: true }],
    ["db.example.rds.amazonaws.com", "require", { rejectUnauthorized: false }],
    ["db.example.rds.amazonaws.com", "disable", false],
    ["localhost", "verify-full", { rejectUnauthorized: true }],
  ])("host %s with PGSSLMODE %s", (PGHOST, PGSSLMODE, tls) => {
    expect(postgresConfig({ ...local, PGHOST, PGSSLMODE }).tls).toEqual(tls);
  });
});
