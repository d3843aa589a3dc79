import { describe, expect, test } from "@jest/globals";
import ServerlessOfflineKafka from "./plugin.ts";

class FrameworkError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

class ServerlessOffline {
  readonly calls: string[] = [];
  async start(): Promise<void> {
    this.calls.push("start");
  }
  async end(skipExit?: boolean): Promise<void> {
    this.calls.push(`end ${skipExit}`);
  }
}

function pluginOf(msk: Record<string, unknown>, settings: unknown = { bootstrapServers: "localhost:1" }) {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const offline = new ServerlessOffline();
  const plugin = new ServerlessOfflineKafka(
    {
      service: {
        service: "shop",
        provider: {},
        custom: { "serverless-offline-kafka": settings },
        getAllFunctions: () => ["agent"],
        getFunction: () => ({}),
        getAllEventsInFunction: () => [{ msk: { arn: "arn:aws:kafka:r:1:cluster/c/1", topic: "t", ...msk } }],
      },
      pluginManager: { plugins: [{}, offline] },
      classes: { Error: FrameworkError },
      getProvider: () => ({
        naming: {
          getMSKEventLogicalId: () => "AgentMsk",
          getKafkaEventLogicalId: () => "AgentKafka",
          getLambdaLogicalId: () => "AgentLambdaFunction",
          getStackName: () => "service-dev",
        },
      }),
    },
    {},
    { log: { debug: write, notice: write, warning: write, error: write } },
  );
  return { plugin, offline, lines, run: (hook: string) => plugin.hooks[hook]?.() };
}

describe("ServerlessOfflineKafka", () => {
  test("ends the start, before anything listens, with the code of what is wrong", async () => {
    const { run } = pluginOf({}, {});
    for (const hook of ["before:offline:start:init", "before:offline:start"]) {
      await expect(run(hook)).rejects.toMatchObject({
        code: "SOK_BOOTSTRAP_SERVERS_MISSING",
        message: expect.stringMatching(/^SOK_BOOTSTRAP_SERVERS_MISSING: agent \(msk t\): say where/),
      });
    }
  });

  test("lists a mapping that is not enabled and starts nothing", async () => {
    const { lines, run } = pluginOf({ enabled: false });
    await run("before:offline:start:init");
    await run("after:offline:start:init");
    await run("before:offline:start:end");
    expect(lines).toEqual(["Kafka: agent: t, not enabled"]);
  });

  test("follows the two methods by which plain `offline` starts and ends", async () => {
    const { offline, run } = pluginOf({ enabled: false });
    await run("before:offline:start");
    await offline.start();
    await offline.end(true);
    expect(offline.calls).toEqual(["start", "end true"]);
    expect(Object.hasOwn(offline, "start") && Object.hasOwn(offline, "end")).toBe(true);
  });

  test("has a hook for each of its commands, whose failures are the framework's errors", async () => {
    const settings = { bootstrapServers: "localhost:1", admin: false };
    const { plugin, run } = pluginOf({}, settings);
    for (const name of Object.keys(plugin.commands.offline.commands.kafka.commands)) {
      const failed = run(`offline:kafka:${name}:run`);
      await expect(failed).rejects.toBeInstanceOf(FrameworkError);
      await expect(failed).rejects.toMatchObject({
        code: name === "sample" ? "SOK_COMMAND_INVALID" : "SOK_ADMIN_UNREACHABLE",
        message: expect.stringMatching(/^SOK_/),
      });
    }
  });
});
