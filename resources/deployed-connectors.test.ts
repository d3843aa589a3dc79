import { describe, expect, test } from "@jest/globals";
import { alarmResources } from "./alarms.ts";
import { connectorResources } from "./connectors.ts";
import { dashboard } from "./dashboard.ts";
import { deployedConnectors } from "./deployed-connectors.ts";

const service = { functions: {}, extensions: {} };

function made({ generations = "", leftOut = "" }) {
  const connectors = deployedConnectors("tripline-prod", { generations, leftOut });
  const deployment = {
    name: "tripline-prod",
    stage: "prod",
    databaseResourceId: "db",
    databaseSecretArn: "arn",
    consoleReadOnly: false,
    connectors,
  };
  const alarms = alarmResources(deployment, service, { slotLogMB: 1_024, storageGiB: 20 });
  return { ...connectorResources(deployment), ...alarms, ...dashboard(deployment, service, Object.keys(alarms)) };
}

const names = ["fraud-postgres-connector", "fraud-alerts-connector", "activity-connector"];

describe("connectors", () => {
  test("are called by the stage and their declaration", () => {
    const connectors = deployedConnectors("tripline-prod", { generations: "", leftOut: "" });
    expect([...connectors]).toEqual(names.map((name) => [name, `tripline-prod-${name}`]));
  });

  test("that are to begin anew have another name wherever one is", () => {
    const resources = made({ generations: "fraud-postgres-connector:2" });
    expect(resources["FraudPostgresConnector"]?.Properties["ConnectorName"]).toBe(
      "tripline-prod-fraud-postgres-connector-2",
    );
    const text = JSON.stringify(resources);
    expect(text).not.toMatch(/tripline-prod-fraud-postgres-connector(?!-2)/);
    // Its two alarms, its line in the dashboard, and itself.
    expect(text.match(/tripline-prod-fraud-postgres-connector-2/g)).toHaveLength(4);
    expect(text.match(/tripline-prod-activity-connector(?!-)/g)).toHaveLength(4);
  });

  test("that are left out leave nothing behind that waits for them, and the others as they are", () => {
    const text = JSON.stringify(
      made({
        leftOut: "fraud-postgres-connector",
        generations: "fraud-postgres-connector:2, fraud-alerts-connector:3",
      }),
    );
    expect(text).not.toMatch(/FraudPostgresConnector|fraud-postgres-connector/);
    expect(text).toMatch(/"tripline-prod-fraud-alerts-connector-3"/);
  });

  test.each([
    [{ generations: "fraud-postgres-connector" }, "connectorGenerations: 'fraud-postgres-connector'"],
    [{ generations: "nobody:2" }, "connectorGenerations: 'nobody:2'"],
    [{ generations: "fraud-postgres-connector:0" }, "connectorGenerations: 'fraud-postgres-connector:0'"],
    [{ leftOut: "activity-connector,nobody" }, "connectorsLeftOut: 'nobody'"],
  ])("are not guessed from %j", (choices, start) => {
    expect(() => made(choices)).toThrow(`${start} is not understood. Each entry is a connector`);
  });
});
