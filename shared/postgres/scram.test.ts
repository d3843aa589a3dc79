import { describe, expect, test } from "@jest/globals";
import { scramVerifier } from "./scram.ts";

describe("scramVerifier", () => {
  // The exchange of RFC 7677, section 3, gives these keys; that PostgreSQL takes them is tried by tests/deployment.
  test("is what the RFC's example comes to", async () => {
    expect(await scramVerifier("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"))).toBe(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });

  test("is another one each time", async () => {
    expect(await scramVerifier("pencil")).not.toBe(await scramVerifier("pencil"));
  });
});
