import { readdirSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { topics } from "../kafka/topics.ts";
import { declaredConnectors } from "./index.ts";

const values = {
  "postgres.host": "db.example",
  "postgres.port": "6543",
  "postgres.user": "reader",
  "postgres.password": "a-password",
  "topics.transactions.partitions": "8",
};

describe("declaredConnectors", () => {
  test("has one for each file, named after it", async () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".json"));

    expect([...(await declaredConnectors(values)).keys()]).toEqual(files.map((file) => file.slice(0, -5)).sort());
  });

  test("fills in what the environment says, and leaves no placeholder", async () => {
    for (const config of (await declaredConnectors(values)).values()) {
      expect(config).toMatchObject({
        "database.hostname": "db.example",
        "database.port": "6543",
        "database.user": "reader",
        "database.password": "a-password",
      });
      expect(JSON.stringify(config)).not.toContain("{{");
    }
  });

  test("takes a value as it is, whatever characters it has", async () => {
    const password = "$& $1 {{x}} \\ \" '";
    const connectors = await declaredConnectors({ ...values, "postgres.password": password });

    expect(connectors.get("activity-connector")?.["database.password"]).toBe(password);
  });

  test("says which file asks for what, when the environment does not know it", async () => {
    const { "postgres.password": _, ...rest } = values;

    await expect(declaredConnectors(rest)).rejects.toThrow(
      "activity-connector.json: database.password asks for {{postgres.password}}, which is not known here",
    );
  });

  test("are declared without a secret: user and password come from the environment", async () => {
    const [one, other] = [values, { ...values, "postgres.user": "u2", "postgres.password": "p2" }];
    const [first, second] = [await declaredConnectors(one), await declaredConnectors(other)];
    for (const [name, config] of first) {
      for (const property of ["database.user", "database.password"]) {
        expect(second.get(name)?.[property]).not.toBe(config[property]);
      }
    }
  });

  test("each has a slot, a publication and metrics of its own, and all text", async () => {
    const all = [...(await declaredConnectors(values)).values()];
    for (const property of ["slot.name", "publication.name", "custom.metric.tags"]) {
      expect(new Set(all.map((config) => config[property])).size).toBe(all.length);
    }
    expect(all.flatMap((config) => Object.values(config)).every((value) => typeof value === "string")).toBe(true);
  });

  test("write to the topics that are declared", async () => {
    const written = [...(await declaredConnectors(values)).values()].map(
      (config) => `${config["topic.prefix"]}.${config["table.include.list"]}`,
    );
    expect(written.sort()).toEqual([topics.transactions.name, topics.alerts.name, topics.activity.name].sort());
  });
});
