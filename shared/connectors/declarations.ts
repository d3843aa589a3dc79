import activity from "./activity-connector.json" with { type: "json" };
import alerts from "./fraud-alerts-connector.json" with { type: "json" };
import transactions from "./fraud-postgres-connector.json" with { type: "json" };

/** The declarations of this folder by the connector's name, for what is bundled or made from them; declaredConnectors fills them in. */
export const connectorDeclarations = {
  "fraud-postgres-connector": transactions,
  "fraud-alerts-connector": alerts,
  "activity-connector": activity,
} as const;
