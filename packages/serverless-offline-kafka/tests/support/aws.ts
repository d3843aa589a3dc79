import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aws, installAws } from "../../../../localstack/stack/parts/aws.ts";
import { loopback, readSettings } from "../../../../localstack/stack/settings.ts";

export interface LocalAws {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** MiniStack answers within a second; the rest is for a machine that is busy. */
const START_MS_MAX = 30_000;
const CHECK_INTERVAL_MS = 100;

/** Starts a local AWS of its own: a port that is free, and a folder that goes away with it. */
export async function startAws(): Promise<LocalAws> {
  const standard = readSettings();
  const missing = await installAws(standard);
  if (missing !== undefined) throw new Error(missing.missing);
  const home = await mkdtemp(join(tmpdir(), "sok-aws-"));
  const port = await freePort();
  const endpoint = `http://${loopback}:${port}`;
  const settings = { ...standard, home, awsUrl: endpoint, ports: { ...standard.ports, aws: port } };

  const { args, cwd, env, file } = await aws.prepare(settings);
  const server = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: "ignore" });
  const kill = () => server.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    if (server.exitCode === null && server.signalCode === null) {
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      await ended;
    }
    await rm(home, { recursive: true, force: true });
  };
  const giveUpAtMs = Date.now() + START_MS_MAX;
  for (;;) {
    try {
      await aws.check(settings);
      return { endpoint, stop };
    } catch (cause) {
      if (server.exitCode !== null || Date.now() > giveUpAtMs) {
        await stop();
        throw new Error("the local AWS does not start", { cause });
      }
      await sleep(CHECK_INTERVAL_MS);
    }
  }
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, loopback);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
