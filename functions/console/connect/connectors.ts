import { type ConnectorAction, type ConnectorList, type ConnectorView, connectorActions } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { NoBody, parse, type Route } from "../http/router.ts";

/** Where the connectors run: Kafka Connect, or MSK Connect. */
export interface Connectors {
  /** @param options.fresh asks whoever knows, and not what was known a moment ago */
  list(options?: { readonly fresh: boolean }): Promise<readonly ConnectorView[]>;
  act(name: string, action: ConnectorAction): Promise<void>;
}

/** What no one is to read over a shoulder; the names are those of Debezium, Kafka's clients and Connect. */
const secretNames =
  /password|secret|token|credential|jaas|passphrase|authorization|user\.info|(private|api|access|keystore)[._-]?key/i;

/** Sorted, and without what is secret. A reference to a secret (`${secretManager:…}`) is none itself. */
export function maskedConfig(config: Readonly<Record<string, string>>): ConnectorView["config"] {
  return Object.entries(config)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => ({
      name,
      value: secretNames.test(name) && !/^\$\{[\w.-]+:[^}]*\}$/.test(value) ? "••••••••" : withoutSecrets(value),
    }));
}

/** `https://user:password@host` → `https://••••@host`, `password=…` → `password=••••`, in whatever text it stands. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/(\w+:\/\/)[^\s"'<>]*@/g, "$1••••@")
    .replaceAll(/((?:password|passwd|pwd|secret|token)["']?\s*[=:]\s*["']?)[^\s"'&;,)}]+/gi, "$1••••");
}

export function connectorRoutes(connectors: Connectors): Route[] {
  const nameOf = (path: Readonly<Record<string, string>>) => path["connector"] as string;
  return [
    {
      method: "GET",
      path: "/api/connectors",
      view: async (): Promise<ConnectorList> => ({ connectors: await connectors.list() }),
    },
    ...connectorActions.map(
      (action): Route => ({
        method: "POST",
        path: `/api/connectors/:connector/${action}`,
        action: ({ path }) => ({ name: `connector.${action}`, target: nameOf(path) }),
        act: async ({ path, body }) => {
          parse(NoBody, body);
          const known = (await connectors.list({ fresh: true })).find(({ name }) => name === nameOf(path));
          if (known === undefined) throw new ConsoleError("NOT_FOUND", `There is no connector '${nameOf(path)}'.`);
          if (!known.actions.includes(action)) {
            throw new ConsoleError("CONFLICT", `A connector here cannot be told to ${action}.`);
          }
          await connectors.act(known.name, action);
          return {};
        },
      }),
    ),
  ];
}
