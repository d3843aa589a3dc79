import { MappingError } from "../errors.ts";
import type { Properties } from "./json.ts";
import { asObject, isObject, own, show } from "./json.ts";

/** The key of this plugin's settings under `custom` in serverless.yml. */
const CUSTOM_KEY = "serverless-offline-kafka";
/** Beside serverless-offline's own 3000 to 3003. */
const ADMIN_PORT_DEFAULT = 3010;
const PORT_MAX = 65_535;
const REGISTRY_URL_PATTERN = /^https?:\/\/\S+$/;

/** What is different about one cluster on this machine. */
export interface LocalCluster {
  /** As written: a list, or `host:port,host:port`. */
  readonly bootstrapServers: unknown;
  /** False where the local brokers let anybody in. */
  readonly authenticates: boolean;
  /** Whether the local brokers speak TLS; undefined: where certificates are configured. */
  readonly tls: boolean | undefined;
  /** In place of SchemaRegistryURI. */
  readonly schemaRegistryUrl: string | undefined;
}

/** `custom.serverless-offline-kafka`. */
export interface Settings {
  /** Of the endpoint on 127.0.0.1 that shows and steers the mappings; undefined for none. */
  readonly adminPort: number | undefined;
  /** How many environments of a function there may be; Infinity for as many as it has invocations at once. */
  readonly environmentsMax: number;
  /** The settings of the first of these names that `clusters` has, over those of the service. */
  cluster(names: readonly string[]): LocalCluster;
  /** What a logical id, a parameter or an export stands for locally: an ARN or a name. */
  readonly resources: ReadonlyMap<string, string>;
}

/** @throws MappingError SOK_SETTINGS_INVALID */
export function readSettings(custom: unknown): Settings {
  const settings = asObject(own(asObject(custom), CUSTOM_KEY));
  const clusters = asObject(own(settings, "clusters"));
  const ofService = readCluster(settings, settingPath());
  const ofCluster = new Map(
    Object.entries(clusters).map(([name, entry]) => [
      name,
      readCluster(isObject(entry) ? entry : { bootstrapServers: entry }, settingPath(`clusters.${name}`)),
    ]),
  );
  return {
    adminPort: readAdminPort(own(settings, "admin")),
    environmentsMax: readEnvironmentsMax(own(settings, "environments")),
    resources: readResources(own(settings, "resources")),
    cluster: (names) => {
      const found = names.map((name) => ofCluster.get(name)).find((entry) => entry !== undefined);
      return {
        bootstrapServers: found?.bootstrapServers ?? ofService.bootstrapServers,
        authenticates: found?.authenticates ?? ofService.authenticates ?? true,
        tls: found?.tls ?? ofService.tls,
        schemaRegistryUrl: found?.schemaRegistryUrl ?? ofService.schemaRegistryUrl,
      };
    },
  };
}

/** Where a setting is written. */
export function settingPath(name = ""): string {
  return name === "" ? `custom.${CUSTOM_KEY}` : `custom.${CUSTOM_KEY}.${name}`;
}

function readCluster(
  entry: Properties,
  path: string,
): { [Name in keyof LocalCluster]: LocalCluster[Name] | undefined } {
  const authentication = own(entry, "authentication");
  if (authentication !== undefined && authentication !== "none" && authentication !== "configured") {
    throw invalid(`${path}.authentication is ${show(authentication)}; write none, or configured`);
  }
  const tls = own(entry, "tls");
  if (tls !== undefined && typeof tls !== "boolean") throw invalid(`${path}.tls is ${show(tls)}; write true or false`);
  const registry = own(entry, "schemaRegistry");
  if (registry !== undefined && (typeof registry !== "string" || !REGISTRY_URL_PATTERN.test(registry))) {
    throw invalid(`${path}.schemaRegistry is ${show(registry)}; write a URL such as http://127.0.0.1:8081`);
  }
  return {
    bootstrapServers: own(entry, "bootstrapServers") ?? undefined,
    authenticates: authentication === undefined ? undefined : authentication === "configured",
    tls,
    schemaRegistryUrl: registry,
  };
}

function readAdminPort(declared: unknown): number | undefined {
  if (declared === undefined || declared === null) return ADMIN_PORT_DEFAULT;
  if (declared === false || declared === "false") return undefined;
  const port = wholeNumber(declared);
  if (port !== undefined && port >= 1 && port <= PORT_MAX) return port;
  throw invalid(`${settingPath("admin")} is ${show(declared)}; write a port such as ${ADMIN_PORT_DEFAULT}, or false`);
}

function readEnvironmentsMax(declared: unknown): number {
  if (declared === undefined || declared === null) return Number.POSITIVE_INFINITY;
  const count = wholeNumber(declared);
  if (count !== undefined && count >= 1) return count;
  throw invalid(`${settingPath("environments")} is ${show(declared)}; write a whole number from 1 on`);
}

/** Of a number, or of a string of one as `${env:…}` gives it. */
function wholeNumber(declared: unknown): number | undefined {
  const value = typeof declared === "string" && /^\d+$/.test(declared) ? Number(declared) : declared;
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}

function readResources(declared: unknown): ReadonlyMap<string, string> {
  const resources = new Map<string, string>();
  for (const [name, value] of Object.entries(asObject(declared))) {
    if (typeof value !== "string" || value === "") {
      throw invalid(`${settingPath(`resources.${name}`)} is ${show(value)}; write an ARN or a name`);
    }
    resources.set(name, value);
  }
  return resources;
}

function invalid(message: string): MappingError {
  return new MappingError("SOK_SETTINGS_INVALID", message);
}
