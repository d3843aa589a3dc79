import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import LocalGuard from "./guard.ts";

let server: Server;
let taken: number;
let free: number;

const listening = () =>
  new Promise<Server>((resolve) => {
    const one = createServer().listen(0, "127.0.0.1", () => resolve(one));
  });
const portOf = (one: Server) => (one.address() as AddressInfo).port;

beforeEach(async () => {
  const other = await listening();
  server = await listening();
  [taken, free] = [portOf(server), portOf(other)];
  await new Promise((resolve) => other.close(resolve));
});

afterEach(() => {
  server.close();
});

function run(
  hook: string,
  {
    stage = "local",
    ports = {},
    postgres = free,
    options = {},
  }: {
    stage?: string;
    ports?: { httpPort?: number; lambdaPort?: number; admin?: number };
    postgres?: number;
    options?: Record<string, unknown>;
  } = {},
) {
  const { admin = free, ...offline } = ports;
  const serverless = {
    getProvider: () => ({ getStage: () => stage }),
    service: {
      custom: {
        "serverless-offline": { httpPort: free, lambdaPort: free, ...offline },
        "serverless-offline-kafka": { admin },
      },
      provider: { environment: { PGHOST: "127.0.0.1", PGPORT: String(postgres) } },
      getFunction: (name: string) => (name === "showActivity" ? { vpc: false } : {}),
    },
    classes: { Error },
  };
  return new LocalGuard(serverless, options).hooks[hook]?.();
}

describe("sls offline", () => {
  test.each(["before:offline:start", "before:offline:start:init"])(
    "says who holds a port that it needs (%s)",
    async (hook) => {
      for (const name of ["httpPort", "lambdaPort", "admin"]) {
        await expect(run(hook, { ports: { [name]: taken } })).rejects.toThrow(
          new RegExp(`Port ${taken}, which the functions need, is held by pid ${process.pid} .*TRIPLINE_PORT_OFFSET`),
        );
      }
      await run(hook);
    },
  );

  test("goes by the port that was asked for", async () => {
    await run("before:offline:start", { ports: { httpPort: taken }, options: { httpPort: String(free) } });
    await expect(run("before:offline:start", { options: { lambdaPort: taken } })).rejects.toThrow(/Port \d+, which/);
  });
});

describe("sls invoke local", () => {
  const hook = "before:invoke:local:invoke";

  test("says that the stack does not run", async () => {
    await expect(run(hook, { options: { function: "reportTemperature" } })).rejects.toThrow(
      `PostgreSQL does not answer at 127.0.0.1:${free}: 'npx tripline up' starts the stack.`,
    );
    await run(hook, { postgres: taken, options: { function: "reportTemperature" } });
  });

  test("of a function that asks PostgreSQL nothing, or of another stage, does not ask for it", async () => {
    await run(hook, { options: { function: "showActivity" } });
    await run(hook, { stage: "dev", options: { function: "reportTemperature" } });
  });
});
