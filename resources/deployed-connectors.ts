import { connectorDeclarations } from "../shared/connectors/declarations.ts";

/** What MSK Connect calls a connector, by the name of its declaration. */
export type DeployedConnectors = ReadonlyMap<string, string>;

/**
 * Connectors keep their offsets by their name: one that is to begin anew, with a snapshot, gets another one, and one whose slot is to be
 * dropped has to go first. Both are said for each of them, such as `fraud-postgres-connector:2,activity-connector:none`.
 *
 * @param generations by the connector's name in shared/connectors: a number behind its name, or `none` where it is left out
 * @throws {Error} naming what is not understood, and what there is
 */
export function deployedConnectors(name: string, generations: string): DeployedConnectors {
  const wanted = new Map<string, string>();
  for (const entry of generations.split(",").map((one) => one.trim())) {
    if (entry === "") continue;
    const [, connector = "", generation = ""] = /^([^:]+):([1-9]\d{0,2}|none)$/.exec(entry) ?? [];
    if (!Object.hasOwn(connectorDeclarations, connector)) {
      const known = Object.keys(connectorDeclarations).join(", ");
      throw new Error(
        `connectorGenerations: '${entry}' is not understood. Each is CONNECTOR:NUMBER or CONNECTOR:none, of ${known}: fraud-postgres-connector:2`,
      );
    }
    wanted.set(connector, generation);
  }
  const deployed = Object.keys(connectorDeclarations).flatMap((connector): [string, string][] => {
    const generation = wanted.get(connector);
    if (generation === "none") return [];
    return [[connector, `${name}-${connector}${generation === undefined ? "" : `-${generation}`}`]];
  });
  return new Map(deployed);
}
