import { connectorDeclarations, connectorsBut, entriesOf } from "../shared/connectors/declarations.ts";

/** What MSK Connect calls a connector, by the name of its declaration. */
export type DeployedConnectors = ReadonlyMap<string, string>;

/** Both are lists with commas, by the connectors' names in shared/connectors. */
export interface ConnectorChoices {
  /** A number behind the name of those that are to begin anew: `fraud-postgres-connector:2`. Offsets are kept by that name. */
  readonly generations: string;
  /** Those that are not there, for a while or for good. */
  readonly leftOut: string;
}

/** @throws {Error} naming what is not understood, and what there is */
export function deployedConnectors(name: string, { generations, leftOut }: ConnectorChoices): DeployedConnectors {
  const numbers = new Map<string, string>();
  for (const entry of entriesOf(generations)) {
    const [, connector = "", number = ""] = /^([^:]+):([1-9]\d{0,2})$/.exec(entry) ?? [];
    requireDeclared("connectorGenerations", entry, connector, "a connector, a colon and a number");
    numbers.set(connector, number);
  }
  for (const connector of entriesOf(leftOut)) {
    requireDeclared("connectorsLeftOut", connector, connector, "a connector");
  }
  return new Map(
    connectorsBut(leftOut).map((connector) => {
      const number = numbers.get(connector);
      return [connector, `${name}-${connector}${number === undefined ? "" : `-${number}`}`];
    }),
  );
}

function requireDeclared(parameter: string, entry: string, connector: string, form: string): void {
  if (Object.hasOwn(connectorDeclarations, connector)) return;
  const known = Object.keys(connectorDeclarations).join(", ");
  throw new Error(`${parameter}: '${entry}' is not understood. Each entry is ${form}; there are ${known}.`);
}
