import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import {
  endProcess,
  identify,
  isAlive,
  isPortFree,
  type ProcessIdentity,
  portHolder,
  residentBytes,
  until,
} from "./processes.ts";

/** Other processes take part here, and a busy machine starts them slowly. */
jest.setTimeout(60_000);

const children: ChildProcess[] = [];

/** A child that says when it is ready. */
async function start(script: string): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ["-e", `${script}; setInterval(() => {}, 1000); console.log("ready")`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return identify(child.pid as number) as ProcessIdentity;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("identity", () => {
  test("of this process, the same each time", () => {
    expect(identify(process.pid)).toEqual(identify(process.pid));
    expect(isAlive(identify(process.pid))).toBe(true);
  });

  test("a pid that was given to another process since is not the one we know", () => {
    expect(isAlive({ pid: process.pid, startedAt: "1" })).toBe(false);
  });

  test("nobody has a pid that does not exist", () => {
    expect(identify(2 ** 22 + 1)).toBeUndefined();
    expect(isAlive(undefined)).toBe(false);
  });

  test("a process that ended and was not yet fetched by its parent does not count", async () => {
    // The shell starts a child that ends, and never asks for it.
    const child = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 30"], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];

    expect(await until(() => identify(Number(line)) === undefined, 5_000)).toBe(true);
  });
});

describe("endProcess", () => {
  test("asks, and the process ends", async () => {
    const child = await start("");

    expect(await endProcess(child, "SIGTERM", 5_000)).toBe(true);
    expect(isAlive(child)).toBe(false);
  });

  test("no longer asks a process that ignores SIGTERM", async () => {
    const child = await start('process.on("SIGTERM", () => {})');

    expect(await endProcess(child, "SIGTERM", 300)).toBe(true);
    expect(isAlive(child)).toBe(false);
  });

  test("leaves a process alone that only has the same pid", async () => {
    const child = await start("");

    expect(await endProcess({ ...child, startedAt: "1" })).toBe(true);
    expect(isAlive(child)).toBe(true);
  });
});

test("residentBytes is about what a process takes, and 0 where there is none", async () => {
  expect(residentBytes((await start("")).pid)).toBeGreaterThan(5_000_000);
  expect(residentBytes(2 ** 22 + 1)).toBe(0);
});

describe("ports", () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  test.each(["127.0.0.1", "0.0.0.0"])("one that is taken on %s names its holder", async (host) => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as { port: number };

    expect(await isPortFree(port)).toBe(false);
    expect(portHolder(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining("node") });
  });

  test("one that is free has none", async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));

    expect(await isPortFree(port)).toBe(true);
    expect(portHolder(port)).toBeUndefined();
  });
});
