import { expect, test } from "@jest/globals";
import type { ActionRoute } from "../http/router.ts";
import { type Connectors, connectorRoutes, maskedConfig, withoutSecrets } from "./connectors.ts";

const shownOf = (name: string, value: string) => maskedConfig({ [name]: value })[0]?.value;

test.each([
  "database.password",
  "sasl.jaas.config",
  "schema.registry.basic.auth.credentials",
  "ssl.keystore.key",
  "ssl.key.passphrase",
  "producer.override.sasl.client.secret",
  "API_TOKEN",
  "http.headers.authorization",
  "basic.auth.user.info",
  "x.api.key",
  "aws.access.key.id",
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

test.each([
  [
    "jdbc:postgresql://db/mydb?user=a&password=hunter2&ssl=true",
    "jdbc:postgresql://db/mydb?user=a&password=••••&ssl=true",
  ],
  ["https://user:p/hunter2@host/x", "https://••••@host/x"],
  ['Invalid value {"password": "hunter2"} for x', 'Invalid value {"password": "••••"} for x'],
])("what is secret in %s is masked, a trace's as well", (text, masked) => {
  expect(withoutSecrets(text)).toBe(masked);
});

test("everything else is shown, by name", () => {
  const config = maskedConfig({ "topic.prefix": "dbserver1", "database.hostname": "127.0.0.1" });
  expect(config).toEqual([
    { name: "database.hostname", value: "127.0.0.1" },
    { name: "topic.prefix", value: "dbserver1" },
  ]);
});

test("whether an action is possible is asked of whoever knows, not of what was known a moment ago", async () => {
  const view = { name: "a", state: "PAUSED", tasks: [], config: [], actions: ["resume"] } as const;
  const told: string[] = [];
  const connectors: Connectors = {
    list: async ({ fresh } = { fresh: false }) => [fresh ? view : { ...view, actions: [] }],
    act: async (name, action) => void told.push(`${action} ${name}`),
  };
  const route = connectorRoutes(connectors).find(({ path }) => path.endsWith("/resume")) as ActionRoute;
  await route.act({ path: { connector: "a" }, query: new URLSearchParams(), body: {}, actor: "me" });
  expect(told).toEqual(["resume a"]);
});
