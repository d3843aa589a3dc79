import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { reasonOf, StackError } from "./errors.ts";
import { projectRoot, type Settings } from "./settings.ts";

const run = promisify(execFile);

const pomFile = join(projectRoot, "localstack/pom.xml");
const checksumsFile = join(projectRoot, "localstack/jars.sha256");

/** Kafka 4 runs on 17 and later. */
const javaMajorMinimum = 17;
const installJava =
  "Debian or Ubuntu: 'apt-get install openjdk-17-jre-headless'; macOS: 'brew install openjdk@17'. " +
  "With a container engine, Java is not needed: 'npx tripline up --containers'.";

/** Maven by its coordinates, for machines without it. The digest is the one that Apache publishes for this file. */
const maven = {
  coordinates: "org.apache.maven:apache-maven:tar.gz:bin:3.9.11",
  folder: "apache-maven-3.9.11",
  archive: "apache-maven-3.9.11-bin.tar.gz",
  sha512:
    "bcfe4fe305c962ace56ac7b5fc7a08b87d5abd8b7e89027ab251069faebee516b0ded8961445d6d91ec1985dfe30f8153268843c89aa392733d1a3ec956c9978",
};

export interface Java {
  /** The java executable. */
  command: string;
  major: number;
  /** What it says of itself, such as 17.0.15. */
  version: string;
}

/**
 * The Java runtime of JAVA_HOME, or else of the PATH.
 * @throws {StackError} JAVA_MISSING or JAVA_TOO_OLD, with the command that installs one.
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<Java> {
  const command = env["JAVA_HOME"] ? join(env["JAVA_HOME"], "bin/java") : "java";
  let text: string;
  try {
    text = (await run(command, ["-version"])).stderr;
  } catch (cause) {
    const where = env["JAVA_HOME"] ? `at JAVA_HOME (${env["JAVA_HOME"]})` : "on the PATH";
    throw new StackError(
      "JAVA_MISSING",
      `Kafka needs Java ${javaMajorMinimum} or newer, and there is none ${where}. ${installJava}`,
      { cause },
    );
  }
  const version = /version "([^"]+)"/.exec(text)?.[1] ?? "of an unknown version";
  const major = Number(version.split(/[.-]/)[0]);
  if (!(major >= javaMajorMinimum)) {
    throw new StackError(
      "JAVA_TOO_OLD",
      `Kafka needs Java ${javaMajorMinimum} or newer, and '${command}' is ${version}. ${installJava}`,
    );
  }
  return { command, major, version };
}

export interface Jars {
  /** For java -cp. */
  kafkaClasspath: string;
  /** For Connect's plugin.path. */
  plugins: string;
  folder: string;
}

/** Where the jars of this pom.xml are, fetched or not: a changed pom.xml or checksum has a folder of its own. */
export async function locateJars(settings: Settings): Promise<Jars & { complete: boolean }> {
  const hash = createHash("sha256");
  for (const file of [pomFile, checksumsFile]) hash.update(await readFile(file).catch(() => ""));
  const folder = join(settings.cache, `jars-${hash.digest("hex").slice(0, 16)}`);
  return {
    folder,
    kafkaClasspath: join(folder, "kafka", "*"),
    plugins: join(folder, "plugins"),
    complete: await stat(folder).then(
      () => true,
      () => false,
    ),
  };
}

/**
 * Fetches Kafka, Connect and Debezium with Maven, checks every file, and puts them in the cache in one move: a folder
 * that is there is complete. Needs the network once; afterwards it only looks.
 * @throws {StackError} JARS_DOWNLOAD, JARS_CHECKSUM
 */
export async function fetchJars(settings: Settings, progress: (text: string) => void = () => {}): Promise<Jars> {
  const jars = await locateJars(settings);
  if (jars.complete) return jars;
  const staging = `${jars.folder}.${process.pid}`;
  await mkdir(staging, { recursive: true });
  try {
    await resolveJars(settings, staging, progress);
    progress("checking what arrived");
    await verifyJars(staging);
    await moveInto(staging, jars.folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return jars;
}

/** Another checkout shares the cache and may have been faster: then its copy is as good as ours. */
async function moveInto(staging: string, folder: string): Promise<void> {
  await rename(staging, folder).catch(async (error) => {
    if ((await stat(folder).catch(() => undefined)) === undefined) throw error;
  });
}

/** Runs Maven on localstack/pom.xml, so that `folder` holds kafka/ and plugins/. */
export async function resolveJars(settings: Settings, folder: string, progress: (text: string) => void): Promise<void> {
  progress("Maven resolves Kafka 4.3 and Debezium 3.7 (about 60 MB)");
  // Not -C: Debezium's archive has no checksum in the repository. jars.sha256 holds every file that arrives instead.
  await runMaven(settings, ["-f", pomFile, "package", `-Dstack.directory=${folder}`], progress);
  await rm(join(folder, "markers"), { recursive: true, force: true });
}

/**
 * Runs Maven: the one on the PATH, or its own copy.
 * @throws {StackError} JARS_DOWNLOAD with Maven's first error
 */
export async function runMaven(
  settings: Settings,
  args: readonly string[],
  progress: (text: string) => void,
): Promise<void> {
  const command = await findMaven(settings, progress);
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(command, ["-B", "-ntp", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return;
  const errors = output
    .join("")
    .split("\n")
    .filter((line) => line.includes("ERROR"));
  throw new StackError(
    "JARS_DOWNLOAD",
    `Maven could not fetch the jars: ${errors[0] ?? `exit code ${code}`}. Check the network (and ~/.m2/settings.xml for a proxy or mirror), then try again.`,
  );
}

async function findMaven(settings: Settings, progress: (text: string) => void): Promise<string> {
  try {
    await run("mvn", ["-v"]);
    return "mvn";
  } catch {
    // Not installed: its own copy then.
  }
  const command = join(settings.cache, maven.folder, "bin/mvn");
  if (await stat(command).catch(() => undefined)) return command;
  progress("fetching Maven 3.9");
  const staging = join(settings.cache, `maven.${process.pid}`);
  await mkdir(staging, { recursive: true });
  try {
    const { default: artifact } = await import("mvn-artifact-download");
    await artifact.default(maven.coordinates, staging);
    const archive = join(staging, maven.archive);
    const actual = await digest(archive, "sha512");
    if (actual !== maven.sha512)
      throw new StackError(
        "JARS_CHECKSUM",
        `${maven.archive} has sha512 ${actual}, and ${maven.sha512} was expected: it was not used.`,
      );
    await run("tar", ["-xzf", archive, "-C", staging]);
    await moveInto(join(staging, maven.folder), join(settings.cache, maven.folder));
  } catch (cause) {
    if (cause instanceof StackError) throw cause;
    throw new StackError(
      "JARS_DOWNLOAD",
      `Maven could not be fetched (${reasonOf(cause)}). Check the network, or install Maven ('apt-get install maven', 'brew install maven').`,
      { cause },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return command;
}

async function digest(file: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Every file below `folder` as `sha256  path`, sorted: the form of jars.sha256. */
export async function checksums(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = await Promise.all(
    files.sort().map(async (file) => [relative(folder, file), await digest(file, "sha256")] as const),
  );
  return new Map(pairs);
}

/**
 * Holds the files below `folder` against jars.sha256.
 * @throws {StackError} JARS_CHECKSUM names the first file that differs, is missing, or should not be there.
 */
export async function verifyJars(folder: string, expectedIn = checksumsFile): Promise<number> {
  const expected = new Map(
    (await readFile(expectedIn, "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const actual = await checksums(folder);
  for (const file of new Set([...expected.keys(), ...actual.keys()])) {
    if (expected.get(file) !== actual.get(file)) {
      throw new StackError(
        "JARS_CHECKSUM",
        `${file} is not the file that ${relative(projectRoot, expectedIn)} names (${actual.get(file) ?? "missing"}, expected ${expected.get(file) ?? "none"}). ` +
          `Remove ${folder} and ~/.m2/repository, then try again; after a change of pom.xml on purpose, run 'npm run lock-jars'.`,
      );
    }
  }
  return actual.size;
}

/** Writes jars.sha256 anew; for whoever changed pom.xml. */
export async function lockJars(folder: string, into = checksumsFile): Promise<void> {
  const lines = [...(await checksums(folder))].map(([file, sha256]) => `${sha256}  ${file}\n`);
  await writeFile(into, lines.join(""));
}
