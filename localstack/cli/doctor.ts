import { access, mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findContainerEngine } from "../stack/containers.ts";
import { reasonOf } from "../stack/errors.ts";
import { findJava, locateJars, verifyJars } from "../stack/jars.ts";
import { awsIsInstalled, findPython } from "../stack/parts/aws.ts";
import { nativeParts } from "../stack/parts/index.ts";
import { describeHolder, isPortFree } from "../stack/processes.ts";
import { consolePort, projectRoot, readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { dim, formatBytes, green, printJson, red, yellow } from "./output.ts";

type Verdict = "good" | "optional" | "bad";
interface Finding {
  subject: string;
  verdict: Verdict;
  text: string;
}

/** A first run writes about this much: jars, the virtual environment, the cluster, the topics. */
const freeBytesMin = 2_000_000_000;

/** `tripline doctor`: ends with 1 when something that is needed is missing. */
export async function doctor(options: { json?: boolean }): Promise<void> {
  const settings = readSettings();
  const findings = (
    await Promise.all([node(), java(), jars(settings), python(settings), disk(settings), ports(settings), engine()])
  ).flat();
  const ok = findings.every(({ verdict }) => verdict !== "bad");
  if (!ok) process.exitCode = 1;
  if (options.json) {
    printJson({ ok, findings });
    return;
  }
  const marks = { good: green("✔"), optional: yellow("!"), bad: red("✖") };
  for (const { subject, verdict, text } of findings)
    console.log(`${marks[verdict]} ${subject.padEnd(16)} ${verdict === "good" ? dim(text) : text}`);
}

async function node(): Promise<Finding> {
  const installed = await access(join(projectRoot, "node_modules/serverless")).then(
    () => true,
    () => false,
  );
  if (!installed)
    return { subject: "Node packages", verdict: "bad", text: "node_modules is not complete: run 'npm ci'" };
  return { subject: "Node", verdict: "good", text: `${process.version} (${process.execPath})` };
}

async function java(): Promise<Finding> {
  try {
    const { version, command } = await findJava();
    return { subject: "Java", verdict: "good", text: `${version} (${command})` };
  } catch (error) {
    return { subject: "Java", verdict: (await findContainerEngine()) ? "optional" : "bad", text: reasonOf(error) };
  }
}

async function jars(settings: Settings): Promise<Finding> {
  const { complete, folder } = await locateJars(settings);
  if (!complete)
    return {
      subject: "Kafka, Debezium",
      verdict: "optional",
      text: "not fetched yet: the next 'npx tripline up' does (about 60 MB)",
    };
  try {
    return {
      subject: "Kafka, Debezium",
      verdict: "good",
      text: `${await verifyJars(folder)} files match jars.sha256 (${folder})`,
    };
  } catch (error) {
    return { subject: "Kafka, Debezium", verdict: "bad", text: reasonOf(error) };
  }
}

async function python(settings: Settings): Promise<Finding> {
  const found = await findPython();
  if ("missing" in found)
    return {
      subject: "Local AWS",
      verdict: "optional",
      text: `left out: alerts go to the log and the webhook. ${found.missing}`,
    };
  const installed = await awsIsInstalled(settings);
  return {
    subject: "Local AWS",
    verdict: "good",
    text: `Python ${found.version}, MiniStack ${installed ? "installed" : "will be installed by the next 'npx tripline up'"}`,
  };
}

async function disk(settings: Settings): Promise<Finding[]> {
  return Promise.all(
    [settings.home, settings.cache].map(async (folder): Promise<Finding> => {
      const subject = folder === settings.home ? "Disk, data" : "Disk, cache";
      try {
        await mkdir(folder, { recursive: true });
        const probe = join(folder, `.probe-${process.pid}`);
        await writeFile(probe, "");
        await rm(probe);
        const { bavail, bsize } = await statfs(folder);
        const free = bavail * bsize;
        if (free < freeBytesMin)
          return {
            subject,
            verdict: "bad",
            text: `${formatBytes(free)} free in ${folder}: at least ${formatBytes(freeBytesMin)} are needed`,
          };
        return { subject, verdict: "good", text: `${formatBytes(free)} free in ${folder}` };
      } catch (error) {
        return { subject, verdict: "bad", text: `${folder} cannot be written: ${reasonOf(error)}` };
      }
    }),
  );
}

async function ports(settings: Settings): Promise<Finding> {
  const live = readLiveState(settings);
  const all = [
    ...nativeParts.flatMap((part) => part.ports(settings)),
    settings.ports.functionsLambda,
    consolePort(settings, live?.mode),
  ];
  if (live) return { subject: "Ports", verdict: "good", text: `the stack runs on ${all.join(", ")}` };
  const taken: string[] = [];
  for (const port of all) {
    if (await isPortFree(port)) continue;
    taken.push(`${port} is held by ${describeHolder(port)}`);
  }
  if (taken.length > 0)
    return {
      subject: "Ports",
      verdict: "bad",
      text: `${taken.join("; ")}. Stop it, or set TRIPLINE_PORT_OFFSET=10000`,
    };
  return { subject: "Ports", verdict: "good", text: `${all.join(", ")} are free` };
}

async function engine(): Promise<Finding> {
  const found = await findContainerEngine();
  if (found)
    return {
      subject: "Containers",
      verdict: "good",
      text: `${found} answers: 'npx tripline up --containers' works too`,
    };
  return {
    subject: "Containers",
    verdict: "optional",
    text: "no container engine answers; it is only needed for 'npx tripline up --containers'",
  };
}
