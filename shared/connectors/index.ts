import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What Connect is given: its property names and their values, all text. */
export type ConnectorConfig = Record<string, string>;

/**
 * The connectors that the system needs, from the JSON files beside this module: the file's name is the connector's.
 * `{{name}}` in a value is replaced by what this environment says of it.
 * @throws {Error} when a file names something that `values` does not have.
 */
export async function declaredConnectors(values: Record<string, string>): Promise<Map<string, ConnectorConfig>> {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).sort();
  const connectors = new Map<string, ConnectorConfig>();
  for (const file of files) {
    const template = JSON.parse(await readFile(join(folder, file), "utf8")) as ConnectorConfig;
    const config = Object.entries(template).map(([property, text]) => [
      property,
      text.replace(/\{\{([^}]+)\}\}/g, (_, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`${file}: ${property} asks for {{${name}}}, which is not known here`);
        return value;
      }),
    ]);
    connectors.set(file.replace(/\.json$/, ""), Object.fromEntries(config));
  }
  return connectors;
}
