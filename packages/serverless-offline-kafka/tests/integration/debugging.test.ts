import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Admin, Producer } from "kafkajs";
import type { Broker } from "../support/broker.ts";
import { connectAdmin, connectProducer, createTopic, freePorts, startBroker } from "../support/broker.ts";
import type { RunningService, ServiceFolder } from "../support/service.ts";
import { copyExample } from "../support/service.ts";

/** Longer than the function's timeout, and than a session of the consumer group, which is 10 s. */
const BREAKPOINT_MS = 12_000;

let broker: Broker;
let admin: Admin;
let producer: Producer;
let folder: ServiceFolder;
let service: RunningService | undefined;

beforeAll(async () => {
  broker = await startBroker();
  [admin, producer] = await Promise.all([connectAdmin(broker), connectProducer(broker)]);
}, 120_000);

afterAll(async () => {
  await Promise.all([producer?.disconnect(), admin?.disconnect()]);
  await broker?.stop();
});

beforeEach(async () => {
  const [port] = await freePorts(1);
  folder = await copyExample("minimal", { BOOTSTRAP_SERVERS: broker.bootstrapServers, ADMIN_PORT: String(port) });
  const topics = await admin.listTopics();
  for (const topic of ["orders", "payments"]) if (!topics.includes(topic)) await createTopic(admin, topic);
});

afterEach(async () => {
  await service?.interrupt();
  service = undefined;
  await folder.remove();
});

const order = (id: number) =>
  producer.send({ topic: "orders", messages: [{ value: JSON.stringify({ id, pieces: 1 }) }] });

test("a breakpoint in process may take longer than the timeout and the session: the record comes once", async () => {
  await folder.edit("serverless.yml", (yaml) => yaml.replace("handler: handler.countOrders", "$&\n    timeout: 1"));
  await folder.edit("handler.mjs", (code) =>
    // What is awaited after the breakpoint gives an expired timer its turn.
    code.replace(
      "countOrders = async (event) =>",
      "countOrders = async (event) => { debugger; await new Promise((resolve) => setTimeout(resolve, 20)); return count(event); };\nconst count = (event) =>",
    ),
  );
  service = await folder.start({ nodeArgs: ["--inspect=127.0.0.1:0"], args: ["--useInProcess"] });
  const listening = await service.line(/^Debugger listening on (ws:\S+)$/);
  const debug = await attach(listening.slice(listening.indexOf("ws:")));
  await service.line(/countOrders: orders, partition 0,/);

  await order(1);
  await debug.paused();
  await new Promise((resolve) => setTimeout(resolve, BREAKPOINT_MS));
  debug.resume();
  await service.line(/order 1: 1 pieces/);
  // If the first one came again, it would come before this one.
  await order(2);
  await debug.paused();
  debug.resume();
  await service.line(/order 2: 1 pieces/);
  debug.close();

  expect(await service.interrupt()).toBe(0);
  expect(service.lines.filter((line) => /order \d/.test(line))).toHaveLength(2);
  expect(service.lines.filter((line) => /SOK_/.test(line))).toEqual([]);
}, 120_000);

test.each([
  ["--reloadHandler", undefined],
  ["the hook that bundlers call", "offline:functionsUpdated"],
])(
  "a handler that is edited is the one that runs, in workers, by %s",
  async (_how, hook) => {
    if (hook !== undefined) {
      // As serverless-esbuild does after a rebuild.
      await folder.edit("serverless.yml", (yaml) => yaml.replace("- ./plugin.mjs", "- ./plugin.mjs\n  - ./watch.mjs"));
      await folder.write("watch.mjs", WATCH_PLUGIN);
    }
    service = await folder.start({ args: hook === undefined ? ["--reloadHandler"] : [] });
    await service.line(/countOrders: orders, partition 0,/);
    await order(3);
    await service.line(/^order 3: /);

    await folder.edit("handler.mjs", (code) => code.replaceAll("order ${", "edited ${"));
    if (hook !== undefined) await service.line(/^functions are updated$/);
    await order(4);
    await service.line(/^edited 4: /);
  },
  120_000,
);

/** Calls the hook when the handler is written, and says when all have followed it. */
const WATCH_PLUGIN = `
import { watch } from "node:fs";
export default class Watch {
  constructor(serverless) {
    const updated = async () => {
      await serverless.pluginManager.spawn("offline:functionsUpdated");
      console.log("functions are updated");
    };
    this.hooks = {
      "after:offline:start:init": () => { watch("handler.mjs", () => void updated()).unref(); },
    };
  }
}
`;

/** A debugger: it goes on at breakpoints when it is told to. */
async function attach(url: string) {
  const socket = new WebSocket(url);
  const pauses: (() => void)[] = [];
  let pausesSeen = 0;
  let calls = 0;
  const call = (method: string) => socket.send(JSON.stringify({ id: ++calls, method }));
  const enabled = Promise.withResolvers<void>();
  socket.addEventListener("open", () => call("Debugger.enable"));
  socket.addEventListener("error", () => enabled.reject(new Error(`nobody listens at ${url}`)));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as { readonly id?: number; readonly method?: string };
    if (message.id === 1) enabled.resolve();
    if (message.method !== "Debugger.paused") return;
    const waiting = pauses.shift();
    if (waiting === undefined) pausesSeen += 1;
    else waiting();
  });
  await enabled.promise;
  return {
    /** Resolves when the next breakpoint has been reached. */
    paused: () =>
      new Promise<void>((resolve) => {
        if (pausesSeen === 0) pauses.push(resolve);
        else {
          pausesSeen -= 1;
          resolve();
        }
      }),
    resume: () => call("Debugger.resume"),
    close: () => socket.close(),
  };
}
