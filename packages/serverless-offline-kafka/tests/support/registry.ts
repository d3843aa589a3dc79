import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { findJava } from "../../../../localstack/stack/jars.ts";
import { loopback, readSettings } from "../../../../localstack/stack/settings.ts";
import { freePort } from "./aws.ts";

const run = promisify(execFile);

/** The last series of Apicurio Registry that runs on Java 17, as Kafka does. In memory, with Confluent's API. 142 MB. */
const apicurio = {
  version: "2.6.13.Final",
  coordinates: "io.apicurio:apicurio-registry-app:tar.gz:all:2.6.13.Final",
  archive: "apicurio-registry-app-2.6.13.Final-all.tar.gz",
  sha256: "3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba",
  runner: "apicurio-registry-app-2.6.13.Final-runner.jar",
};

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;

export interface TestRegistry {
  /** Of Confluent's API. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a registry of its own on a free port of the loopback interface; the first time on a machine, it is fetched. */
export async function startRegistry(): Promise<TestRegistry> {
  const folder = await fetchApicurio();
  const port = await freePort();
  const java = await findJava();
  const settings = [`-Dquarkus.http.host=${loopback}`, `-Dquarkus.http.port=${port}`];
  const speed = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  const child = spawn(java.command, [...speed, ...settings, "-jar", join(folder, apicurio.runner)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      failure = error;
      resolve();
    });
  });
  // A test run that is ended must not leave a server behind.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const running = () => failure === undefined && child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    process.off("exit", kill);
    child.kill();
    const timer = setTimeout(kill, STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  };
  const url = `http://${loopback}:${port}/apis/ccompat/v7`;
  for (const deadline = Date.now() + START_MS_MAX; running() && Date.now() < deadline; ) {
    const ready = await fetch(`${url}/subjects`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ready) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`Apicurio Registry did not start. ${output.join("").slice(-2_000)}`, { cause: failure });
}

/** Checked against its digest and put in place in one move: a folder that is there is complete. */
async function fetchApicurio(): Promise<string> {
  const folder = join(readSettings().cache, `apicurio-registry-${apicurio.version}`);
  if (await exists(folder)) return folder;
  const staging = `${folder}.${process.pid}`;
  await mkdir(staging, { recursive: true });
  try {
    const { default: artifact } = await import("mvn-artifact-download");
    await artifact.default(apicurio.coordinates, staging);
    const archive = join(staging, apicurio.archive);
    const hash = createHash("sha256");
    await pipeline(createReadStream(archive), hash);
    const actual = hash.digest("hex");
    if (actual !== apicurio.sha256) throw new Error(`${apicurio.archive} has sha256 ${actual}, not ${apicurio.sha256}`);
    await run("tar", ["-xzf", archive, "-C", staging]);
    await rm(archive);
    // Another run may have been faster: then its copy is as good as ours.
    await rename(staging, folder).catch(async (error) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
