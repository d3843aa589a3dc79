import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { KafkaConnectClient } from "@aws-sdk/client-kafkaconnect";
import { describe, expect, test } from "@jest/globals";
import { awsClientSettings, keeping, keptFor } from "./aws.ts";
import { connectorsOfMsk } from "./connect/msk.ts";

test("a service that takes a question and never answers is given up", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new KafkaConnectClient({
    ...awsClientSettings,
    requestHandler: { ...awsClientSettings.requestHandler, requestTimeout: 100 },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  try {
    await expect(connectorsOfMsk({ stackName: "tripline-prod", client }).list()).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
});

describe("what is kept for a while", () => {
  const counted = (ms: number) => {
    let asked = 0;
    return keptFor(ms, async () => ++asked);
  };

  test("is asked for once, by however many", async () => {
    const kept = counted(60_000);
    expect(await Promise.all([kept.get(), kept.get()])).toEqual([1, 1]);
    expect(await kept.get()).toBe(1);
  });

  test("is asked for again when it is old, or was changed", async () => {
    const old = counted(0);
    expect([await old.get(), await old.get()]).toEqual([1, 2]);
    const kept = counted(60_000);
    await kept.get();
    kept.forget();
    expect(await kept.get()).toBe(2);
  });

  test("is not enough for who has to know", async () => {
    const kept = counted(60_000);
    await kept.get();
    expect(await kept.get({ fresh: true })).toBe(2);
    expect(await kept.get()).toBe(2);
  });

  test("is no failure", async () => {
    let asked = 0;
    const kept = keptFor(60_000, async () => {
      if (++asked === 1) throw new Error("away");
      return asked;
    });
    await expect(kept.get()).rejects.toThrow("away");
    expect(await kept.get()).toBe(2);
  });
});

describe("what is listed", () => {
  const served = () => {
    let asked = 0;
    const list = async () => [++asked];
    const act = async (name: string, _action: "pause") => {
      if (name === "slow") throw new Error("no answer in time");
    };
    return keeping(async () => ({ list, act }));
  };

  test("is kept, unless somebody has to know", async () => {
    const { list } = served();
    expect([await list(), await list(), await list({ fresh: true })]).toEqual([[1], [1], [2]]);
  });

  test.each(["quick", "slow"])("is asked for again behind an action, done or not: %s", async (name) => {
    const { list, act } = served();
    await list();
    await act(name, "pause").catch(() => {});
    expect(await list()).toEqual([2]);
  });
});
