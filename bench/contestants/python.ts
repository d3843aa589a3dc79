// The course's Python agent, as its authors would write it (bench/peers/python), with either of two clients. It keeps its state in
// memory and commits offsets on its own every five seconds, so what it has done is what it has processed.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { paths, projectRoot } from "../../localstack/stack/settings.ts";
import { Child, runToEnd } from "../children.ts";
import { BenchError } from "../errors.ts";
import type { Contestant, Drain, Ground, RunningDrain } from "./contestant.ts";

const programs = join(projectRoot, "bench/peers/python");

export const kafkaPython = pythonContestant("kafka-python", "kafka_python.py");
export const confluentPython = pythonContestant("confluent-kafka", "confluent.py");

function pythonContestant(name: string, program: string): Contestant {
  return {
    name,
    title: `Python, ${name}`,
    prepare: async (ground) => {
      await pythonOf(ground);
    },
    start: (ground, drain) => start(name, program, ground, drain),
  };
}

/** The Python of a virtual environment in the cache with both clients, made once; other requirements have another. */
async function pythonOf({ settings, progress, signal }: Ground): Promise<string> {
  const requirements = join(programs, "requirements.txt");
  const digest = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
  const folder = join(settings.cache, `bench-python-${digest.slice(0, 16)}`);
  const [python, complete] = [join(folder, "bin/python"), join(folder, "complete")];
  if (await stat(complete).catch(() => undefined)) return python;
  progress("installing kafka-python and confluent-kafka with pip (about 10 MB)");
  // A virtual environment holds absolute paths, so it is made where it stays.
  await rm(folder, { recursive: true, force: true });
  const made = await runToEnd("python3", ["-m", "venv", folder], { signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (made?.code !== 0) {
    throw new BenchError(
      "MISSING",
      "The Python agents need python3 with its venv module. Debian or Ubuntu: 'apt-get install python3-venv'. '--only' leaves them out.",
    );
  }
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  const { code, output } = await runToEnd(python, pip, { signal });
  if (code !== 0) {
    throw new BenchError(
      "MISSING",
      `pip could not install the Python clients: ${output.trim().split("\n").slice(0, 2).join(" ")}. It needs the network the first time.`,
    );
  }
  await mkdir(complete);
  return python;
}

async function start(name: string, program: string, ground: Ground, drain: Drain): Promise<RunningDrain> {
  const { settings } = ground;
  const alertsFile = join(settings.home, `${drain.id}-alerts.csv`);
  const finished = Promise.withResolvers<void>();
  let done = 0;
  const child = new Child(name, {
    command: await pythonOf(ground),
    args: [
      "-B", // No compiled copies in the repository.
      join(programs, program),
      ...[settings.bootstrapServers, drain.topic.name, drain.id, String(drain.topic.records), alertsFile],
    ],
    logFile: paths(settings).log(name),
    onEvent: (event) => {
      if (event.event === "progress") done = Number(event["done"]);
      if (event.event === "finished") finished.resolve();
      drain.onEvent(event);
    },
  });
  void child.ended.then(() => finished.reject(new BenchError("CONTESTANT_FAILED", `${name} ended too early.`)));
  finished.promise.catch(() => {});
  return {
    processes: [child],
    done: async () => [done],
    alerts: async () => {
      await finished.promise;
      const text = await readFile(alertsFile, "utf8");
      return text === "" ? [] : text.split(",").map(Number);
    },
    end: async () => {
      await child.end("SIGTERM");
      await rm(alertsFile, { force: true });
    },
  };
}
