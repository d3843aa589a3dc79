import { describe, expect, test } from "@jest/globals";
import { readSettings } from "./settings.ts";

const portOf = (admin: unknown) => readSettings({ "serverless-offline-kafka": { admin } }).adminPort;

test("TLS of the local brokers can be said for all clusters, or for one", () => {
  const { cluster } = readSettings({
    "serverless-offline-kafka": { tls: true, clusters: { mine: { bootstrapServers: "b:1", tls: false } } },
  });
  expect([cluster(["mine"]).tls, cluster(["other"]).tls]).toEqual([false, true]);
  expect(readSettings({}).cluster([]).tls).toBeUndefined();
  expect(() => readSettings({ "serverless-offline-kafka": { tls: "yes" } })).toThrow(
    /tls is "yes"; write true or false/,
  );
});

describe("custom.serverless-offline-kafka.admin", () => {
  test.each([
    [undefined, 3010],
    [null, 3010],
    [4000, 4000],
    ["4000", 4000],
    [false, undefined],
    ["false", undefined],
  ])("%j is port %j", (declared, port) => {
    expect(portOf(declared)).toBe(port);
  });

  test.each([true, 0, 65_536, "http", 3.5, {}])("%j is refused", (declared) => {
    expect(() => portOf(declared)).toThrow(expect.objectContaining({ code: "SOK_SETTINGS_INVALID" }));
    expect(() => portOf(declared)).toThrow(/^custom\.serverless-offline-kafka\.admin is .*; write a port such as 3010/);
  });
});

describe("custom.serverless-offline-kafka.environments", () => {
  const maxOf = (environments: unknown) =>
    readSettings({ "serverless-offline-kafka": { environments } }).environmentsMax;

  test.each([
    [undefined, Number.POSITIVE_INFINITY],
    [null, Number.POSITIVE_INFINITY],
    [1, 1],
    ["12", 12],
  ])("%p is %p", (declared, expected) => {
    expect(maxOf(declared)).toBe(expected);
  });

  test.each([0, -1, 1.5, "two", "", true, {}])("%p is refused", (declared) => {
    expect(() => maxOf(declared)).toThrow(
      /^custom\.serverless-offline-kafka\.environments is .*; write a whole number/,
    );
  });
});
