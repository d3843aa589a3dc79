import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readSettings } from "../config/settings.ts";
import type { MappingConfig } from "../config/types.ts";
import type { CommandName } from "./commands.ts";
import { COMMANDS, runCommand } from "./commands.ts";
import type { FakeMapping } from "./fake-mapping.ts";
import { configOf, fakeMapping } from "./fake-mapping.ts";
import type { AdminEndpoint } from "./server.ts";
import { openAdmin } from "./server.ts";

let fake: FakeMapping;
let endpoint: AdminEndpoint;
const silent = { notice: () => {}, warning: () => {}, error: () => {}, debug: () => {} };

beforeEach(async () => {
  fake = fakeMapping([{ first: 0, end: 10, committed: 4, own: {} }]);
  endpoint = (await openAdmin({ port: 0, service: "shop", mappings: [fake], log: silent })) as AdminEndpoint;
});
afterEach(() => endpoint.close());

interface Run {
  readonly service?: string;
  readonly admin?: unknown;
  readonly mappings?: readonly MappingConfig[];
}

async function run(name: CommandName, options: Readonly<Record<string, unknown>> = {}, where: Run = {}) {
  let text = "";
  const admin = where.admin ?? Number(new URL(endpoint.url).port);
  await runCommand(name, options, {
    service: where.service ?? "shop",
    settings: readSettings({ "serverless-offline-kafka": { admin } }),
    readMappings: () => where.mappings ?? [],
    write: async (part) => {
      text += part;
    },
    paint: (_color, part) => part,
    sampling: { region: "us-east-1", log: silent },
  });
  return text;
}

describe("the commands", () => {
  test("stand beside those of serverless-offline, with nothing that would replace them", () => {
    expect(Object.keys(COMMANDS.offline)).toEqual(["commands"]);
    for (const { lifecycleEvents } of Object.values(COMMANDS.offline.commands.kafka.commands)) {
      expect(lifecycleEvents).toEqual(["run"]);
    }
  });

  test("list shows people a table and scripts what the endpoint says", async () => {
    expect(await run("list")).toMatch(/^agent ← orders {2}running {2}lag 6 .*\n.*\n.*\n.*\n {2}partition +end/);
    expect(JSON.parse(await run("list", { json: true }))).toMatchObject([{ functionKey: "agent", sumOffsetLag: 6 }]);
  });

  test("pause and resume say what has become of the mapping", async () => {
    expect(await run("pause", { function: "agent" })).toBe("agent ← orders: paused\n");
    expect(fake.mapping.status().paused).toBe(true);
    expect(await run("resume", { function: "AgentOrders" })).toBe("agent ← orders: running\n");
    expect(fake.mapping.status().paused).toBe(false);
  });

  test.each([
    [{ offset: "3" }, 3],
    [{ offset: "3", partition: ["0"] }, 3],
    [{ timestamp: "1795000000000" }, 9],
    [{ timestamp: "2026-11-30T12:00:00Z" }, 9],
    [{ "from-beginning": true }, 0],
    [{ latest: true }, 10],
  ])("replay %j goes on from offset %i", async (options, offset) => {
    expect(await run("replay", { function: "agent", ...options })).toBe(
      `agent goes on in partition 0 from offset ${offset}\n`,
    );
    expect(fake.calls.at(-1)).toEqual([{ topic: "orders", partition: 0, offset }]);
  });

  test.each<[CommandName, Record<string, unknown>, string, RegExp]>([
    ["replay", {}, "SOK_COMMAND_INVALID", /by one of --offset, --timestamp, --from-beginning and --latest/],
    ["replay", { latest: true, offset: "1" }, "SOK_COMMAND_INVALID", /by one of/],
    ["replay", { offset: "x" }, "SOK_COMMAND_INVALID", /--offset is x; write a whole number/],
    ["replay", { latest: true, partition: ["a"] }, "SOK_COMMAND_INVALID", /--partition is a/],
    ["pause", { function: "nobody" }, "SOK_MAPPING_UNKNOWN", /there are agent \(AgentOrders\)/],
    ["sample", { function: undefined }, "SOK_COMMAND_INVALID", /--topic or --function/],
    ["sample", { topic: "orders", count: "0" }, "SOK_COMMAND_INVALID", /--count is 0; write 1 to 10000/],
    ["sample", { topic: "nowhere", function: "agent" }, "SOK_MAPPING_UNKNOWN", /agent ← orders/],
    ["sample", { topic: "nowhere", function: undefined }, "SOK_BOOTSTRAP_SERVERS_MISSING", /topic nowhere; say where/],
  ])("%s %j is refused", async (name, options, code, message) => {
    const failed = run(name, { function: "agent", ...options }, { mappings: [configOf()] });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("sample asks which of several mappings is meant where they show a topic differently", async () => {
    const other = configOf({ logicalId: "AgentRefunds", topic: "refunds" });
    await expect(run("sample", { function: "agent" }, { mappings: [configOf(), other] })).rejects.toMatchObject({
      code: "SOK_MAPPING_AMBIGUOUS",
      message: expect.stringMatching(/AgentOrders, AgentRefunds$/),
    });
  });

  test("say to start sls offline where nobody answers, where another does, and where the endpoint is off", async () => {
    const message = (failed: Promise<string>) => failed.then(String, (error: Error) => error.message);
    expect(await message(run("pause", { function: "agent" }, { service: "other" }))).toMatch(
      /^the service shop answers at http:\/\/127\.0\.0\.1:\d+; start `sls offline` in this folder/,
    );
    expect(fake.mapping.status().paused).toBe(false);
    expect(await message(run("list", {}, { admin: false }))).toMatch(/admin is false; set it to a port/);

    const stranger = createServer((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const { port } = stranger.address() as AddressInfo;
    expect(await message(run("list", {}, { admin: port }))).toMatch(/^something else answers/);
    await new Promise((resolve) => stranger.close(resolve));
    await expect(run("list", {}, { admin: port })).rejects.toMatchObject({
      code: "SOK_ADMIN_UNREACHABLE",
      message: expect.stringMatching(/^nobody answers at .*; start `sls offline` in this folder first/),
    });
  });
});
