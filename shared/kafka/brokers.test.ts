import { afterEach, expect, test } from "@jest/globals";
import { answerMsMax, BrokerSilentError, Brokers, connectMsMax, type Prepare } from "./brokers.ts";
import { connectKafka } from "./client.ts";
import { FakeBroker } from "./fake-broker.ts";

const echo: Prepare<string> = () => ({
  request: {
    apiKey: 35,
    apiVersion: 1,
    apiName: "Echo",
    encode: async () => ({ buf: Buffer.alloc(0), buffer: Buffer.alloc(0), size: () => 0 }),
  },
  response: { decode: async (answer) => answer.toString() },
});

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

async function startBroker(port?: number): Promise<FakeBroker> {
  const broker = await FakeBroker.start(port);
  running.push(broker);
  broker.answers = () => Buffer.from("here");
  return broker;
}

function connectTo(...ports: readonly number[]): Brokers {
  const bootstrapServers = ports.map((port) => `127.0.0.1:${port}`).join();
  const brokers = new Brokers(connectKafka({ bootstrapServers, clientId: "test" }));
  running.push({ stop: () => brokers.close() });
  return brokers;
}

async function closedPort(): Promise<number> {
  const broker = await FakeBroker.start();
  const { port } = broker;
  await broker.stop();
  return port;
}

test("connects once for all that is asked", async () => {
  const broker = await startBroker();
  const brokers = connectTo(broker.port);

  expect(await Promise.all([brokers.ask("any", echo), brokers.ask("any", echo)])).toEqual(["here", "here"]);
  expect(broker.requests).toEqual([18, 35, 35]);
});

test("tries the other brokers of the list", async () => {
  const broker = await startBroker();

  const [first, second] = [await closedPort(), await closedPort()];

  await expect(connectTo(first, second, broker.port).ask("any", echo)).resolves.toBe("here");
});

test("says at once that nobody is there, and connects when somebody is", async () => {
  const port = await closedPort();
  const brokers = connectTo(port);
  const startedAt = performance.now();

  await expect(brokers.ask("any", echo)).rejects.toThrow("ECONNREFUSED");
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  await startBroker(port);
  await expect(brokers.ask("any", echo)).resolves.toBe("here");
});

test("connects again when the connection was lost, also while an answer was on its way", async () => {
  const broker = await startBroker();
  const brokers = connectTo(broker.port);
  await brokers.ask("any", echo);

  broker.hangUp();
  await expect(brokers.ask("any", echo)).resolves.toBe("here");
  let isFirst = true;
  broker.answers = () => {
    if (!isFirst) return Buffer.from("again");
    isFirst = false;
    broker.hangUp();
    return undefined;
  };
  await expect(brokers.ask("any", echo)).resolves.toBe("again");
});

test("does not wait for a broker that is silent, and takes a new connection when it speaks again", async () => {
  const broker = await startBroker();
  const brokers = connectTo(broker.port);
  broker.answers = () => undefined;
  const startedAt = performance.now();

  await expect(brokers.ask("any", echo)).rejects.toThrow(BrokerSilentError);
  expect(performance.now() - startedAt).toBeLessThan(answerMsMax + 500);
  broker.answers = () => Buffer.from("back");
  await expect(brokers.ask("any", echo)).resolves.toBe("back");
  expect(broker.requests).toEqual([18, 35, 18, 35]);
  expect(connectMsMax).toBeLessThan(answerMsMax);
});
