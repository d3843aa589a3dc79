import { describe, expect, test } from "@jest/globals";
import { alarmResources } from "./alarms.ts";
import { connectorResources } from "./connectors.ts";
import { dashboard } from "./dashboard.ts";
import { deployedConnectors } from "./deployed-connectors.ts";

const service = { functions: {}, extensions: {} };

function made(generations: string) {
  const connectors = deployedConnectors("tripline-prod", generations);
  const deployment = {
    name: "tripline-prod",
    stage: "prod",
    databaseResourceId: "db",
    databaseSecretArn: "arn",
    connectors,
  };
  const alarms = alarmResources(deployment, service, { slotLogMB: 1_024, storageGiB: 20 });
  return { ...connectorResources(deployment), ...alarms, ...dashboard(deployment, service, Object.keys(alarms)) };
}

const names = ["fraud-postgres-connector", "fraud-alerts-connector", "activity-connector"];

describe("connectors", () => {
  test("are called by the stage and their declaration", () => {
    expect([...deployedConnectors("tripline-prod", "")]).toEqual(names.map((name) => [name, `tripline-prod-${name}`]));
  });

  test("that are to begin anew have another name wherever one is", () => {
    const resources = made("fraud-postgres-connector:2");
    expect(resources["FraudPostgresConnector"]?.Properties["ConnectorName"]).toBe(
      "tripline-prod-fraud-postgres-connector-2",
    );
    const text = JSON.stringify(resources);
    expect(text).not.toMatch(/tripline-prod-fraud-postgres-connector(?!-2)/);
    // Its two alarms, its line in the dashboard, and itself.
    expect(text.match(/tripline-prod-fraud-postgres-connector-2/g)).toHaveLength(4);
    expect(text.match(/tripline-prod-activity-connector(?!-)/g)).toHaveLength(4);
  });

  test("that are left out leave nothing behind that waits for them", () => {
    const text = JSON.stringify(made("fraud-postgres-connector:none"));
    expect(text).not.toMatch(/FraudPostgresConnector|fraud-postgres-connector/);
    expect(text).toMatch(/"FraudAlertsConnector"/);
  });

  test.each(["fraud-postgres-connector", "nobody:2", "fraud-postgres-connector:0", "fraud-postgres-connector:two"])(
    "are not guessed from %s",
    (generations) => {
      expect(() => deployedConnectors("tripline-prod", generations)).toThrow(
        `'${generations}' is not understood. Each is CONNECTOR:NUMBER or CONNECTOR:none, of fraud-postgres-connector`,
      );
    },
  );
});
