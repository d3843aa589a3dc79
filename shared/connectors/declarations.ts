import activity from "./activity-connector.json" with { type: "json" };
import alerts from "./fraud-alerts-connector.json" with { type: "json" };
import transactions from "./fraud-postgres-connector.json" with { type: "json" };

/** The declarations of this folder by the connector's name, for what is bundled or made from them; declaredConnectors fills them in. */
export const connectorDeclarations = {
  "fraud-postgres-connector": transactions,
  "fraud-alerts-connector": alerts,
  "activity-connector": activity,
} as const;

/** The connectors that are there where some are left out: a list of names with commas, as it is given to a deployment. */
export function connectorsBut(leftOut: string): string[] {
  const names = new Set(entriesOf(leftOut));
  return Object.keys(connectorDeclarations).filter((name) => !names.has(name));
}

/** `a, b` → a and b. */
export const entriesOf = (list: string): string[] =>
  list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
