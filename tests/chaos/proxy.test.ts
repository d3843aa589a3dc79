import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Fate, readdress, TcpProxy } from "./proxy.ts";

let echo: Server;
let echoPort: number;
let received: string;
const opened: { close(): unknown }[] = [];

beforeEach(async () => {
  received = "";
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += String(bytes);
      socket.write(bytes);
    });
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  echoPort = (echo.address() as { port: number }).port;
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  echo.close();
});

async function openProxy(fate?: () => Fate): Promise<TcpProxy> {
  const proxy = await TcpProxy.open({ targetPort: echoPort, ...(fate && { fate }) });
  opened.push(proxy);
  return proxy;
}

async function connectTo(proxy: TcpProxy): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  opened.push({ close: () => socket.destroy() });
  await once(socket, "connect");
  return socket;
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return String((await once(socket, "data"))[0]);
}

/** Resolves with the code of the error that ends the connection. */
const brokenBy = (socket: Socket) =>
  new Promise<string>((resolve) => socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "")));

const isQuiet = async (socket: Socket) =>
  Promise.race([
    once(socket, "data").then(() => false),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 50)),
  ]);

test("carries what is said, both ways", async () => {
  const socket = await connectTo(await openProxy());
  expect(await echoed(socket, "one")).toBe("one");
  expect(await echoed(socket, "two")).toBe("two");
  expect(received).toBe("onetwo");
});

test("cuts every connection with a reset, and takes new ones", async () => {
  const proxy = await openProxy();
  const sockets = [await connectTo(proxy), await connectTo(proxy)];
  for (const socket of sockets) await echoed(socket, "hello");
  const broken = Promise.all(sockets.map(brokenBy));
  proxy.cut();
  expect(await broken).toEqual(["ECONNRESET", "ECONNRESET"]);
  expect(proxy.connections).toBe(0);
  expect(await echoed(await connectTo(proxy), "again")).toBe("again");
});

test("refuses newcomers, keeps who is there, and accepts again on the same port", async () => {
  const proxy = await openProxy();
  const { port } = proxy;
  const there = await connectTo(proxy);
  await echoed(there, "hello");
  await proxy.refuse();
  await expect(connectTo(proxy)).rejects.toThrow("ECONNREFUSED");
  expect(await echoed(there, "still")).toBe("still");
  await proxy.accept();
  expect(proxy.port).toBe(port);
  expect(await echoed(await connectTo(proxy), "again")).toBe("again");
});

test("stands still without closing, for newcomers as well, and delivers everything afterwards", async () => {
  const proxy = await openProxy();
  const socket = await connectTo(proxy);
  await echoed(socket, "hello");
  proxy.stall();
  socket.write("late");
  const newcomer = await connectTo(proxy);
  newcomer.write("new");
  expect(await Promise.all([isQuiet(socket), isQuiet(newcomer)])).toEqual([true, true]);
  expect(received).toBe("hello");
  const answers = Promise.all([once(socket, "data"), once(newcomer, "data")]);
  proxy.flow();
  expect((await answers).map(String)).toEqual(["late", "new"]);
});

test("holds the answers back alone", async () => {
  const proxy = await openProxy();
  const socket = await connectTo(proxy);
  await echoed(socket, "hello");
  proxy.stall("answers");
  socket.write("done");
  expect(await isQuiet(socket)).toBe(true);
  expect(received).toBe("hellodone");
});

test("carries more than fits into its buffers, in order", async () => {
  const socket = await connectTo(await openProxy());
  const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 251));
  socket.write(sent);
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < sent.length; ) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    chunks.push(chunk);
    bytes += chunk.length;
  }
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
});

describe.each<[Fate, string]>([
  ["drop", "hello"],
  ["tear", "hellofa"],
  ["swallow", "hellofate"],
])("bytes whose fate is %s", (fate, arrived) => {
  test("arrive that far, and the connection breaks", async () => {
    let next: Fate = "pass";
    const socket = await connectTo(await openProxy(() => next));
    await echoed(socket, "hello");
    next = fate;
    const broken = brokenBy(socket);
    socket.write("fate");
    expect(await broken).toBe("ECONNRESET");
    // The server reads what was sent before the reset, or learns of the reset first.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fate === "tear" ? ["hello", arrived] : [arrived]).toContain(received);
  });
});

describe("Kafka's answers", () => {
  const frame = (body: Buffer) => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(body.length);
    return Buffer.concat([size, body]);
  };
  const brokerAt = (port: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(port);
    return Buffer.concat([Buffer.from("\0\0\0\x01\0\x09127.0.0.1"), bytes, Buffer.from("tail")]);
  };
  const long = Buffer.concat([Buffer.alloc(100_000, 7), brokerAt(9092), Buffer.alloc(100_000, 7)]);

  test.each([1, 3, 7, 65_536, 1_000_000])(
    "name the proxy, in pieces of %d bytes; long ones stay as they are",
    (bytesMax) => {
      const convert = readdress(9092, () => 19_999)();
      const sent = Buffer.concat([frame(brokerAt(9092)), frame(long), frame(brokerAt(9093)), frame(brokerAt(9092))]);
      const got: Buffer[] = [];
      for (let at = 0; at < sent.length; at += bytesMax) got.push(convert(sent.subarray(at, at + bytesMax)));
      const wanted = [frame(brokerAt(19_999)), frame(long), frame(brokerAt(9093)), frame(brokerAt(19_999))];
      expect(Buffer.concat(got).equals(Buffer.concat(wanted))).toBe(true);
    },
  );
});
