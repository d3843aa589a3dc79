import { expect, test } from "@jest/globals";
import { maskedConfig } from "./connectors.ts";

const shownOf = (name: string, value: string) => maskedConfig({ [name]: value })[0]?.value;

test.each([
  "database.password",
  "sasl.jaas.config",
  "schema.registry.basic.auth.credentials",
  "ssl.keystore.key",
  "ssl.key.passphrase",
  "producer.override.sasl.client.secret",
  "API_TOKEN",
])("%s is masked", (name) => {
  expect(shownOf(name, "hunter2")).not.toContain("hunter2");
});

test("what only refers to a secret is shown, for it may be the wrong one", () => {
  const reference = `\${secretManager:tripline:password}`;
  expect(shownOf("database.password", reference)).toBe(reference);
  expect(shownOf("database.password", `${reference}hunter2`)).not.toContain("hunter2");
});

test("who signs in by an address is masked in it", () => {
  expect(shownOf("registry.url", "https://me:hunter2@registry:8081")).toBe("https://••••@registry:8081");
});

test("everything else is shown, by name", () => {
  const config = maskedConfig({ "topic.prefix": "dbserver1", "database.hostname": "127.0.0.1" });
  expect(config).toEqual([
    { name: "database.hostname", value: "127.0.0.1" },
    { name: "topic.prefix", value: "dbserver1" },
  ]);
});
