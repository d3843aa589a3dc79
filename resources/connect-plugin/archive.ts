import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fetchJars, lockJars, runMaven, verifyJars } from "../../localstack/stack/jars.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import { checksumsFile, pluginVersion, rdsAuthorities } from "./plugin.ts";

const folder = import.meta.dirname;

export interface BuildOptions {
  readonly progress?: (text: string) => void;
  /** Takes what arrives as what is to arrive: after a change of pom.xml on purpose. */
  readonly lock?: boolean;
}

/**
 * Builds the archive that MSK Connect loads, in the cache, and answers where it is. Debezium is the one that runs on a laptop, checked as
 * there; the rest comes from Maven, and is held against jars.sha256.
 *
 * @throws {StackError} JARS_DOWNLOAD, JARS_CHECKSUM, JAVA_MISSING
 */
export async function buildPlugin(
  settings: Settings,
  { progress = () => {}, lock = false }: BuildOptions = {},
): Promise<string> {
  const archive = () => join(settings.cache, `debezium-${pluginVersion()}.zip`);
  if (!lock && (await exists(archive()))) return archive();
  const { plugins } = await fetchJars(settings, progress);
  const staging = join(settings.cache, `connect-plugin.${process.pid}`);
  try {
    const authorities = join(staging, "authorities");
    await mkdir(authorities, { recursive: true });
    await writeFile(join(authorities, "rds-authorities.pem"), rdsAuthorities());
    progress("Maven builds the plugin for MSK Connect");
    await runMaven(
      settings,
      [
        "-f",
        join(folder, "pom.xml"),
        "package",
        `-Dplugin.directory=${join(staging, "target")}`,
        `-Ddebezium.directory=${join(plugins, "debezium-connector-postgres")}`,
        `-Dauthorities.directory=${authorities}`,
      ],
      progress,
    );
    const libraries = join(staging, "target/lib");
    if (lock) await lockJars(libraries, checksumsFile);
    await verifyJars(libraries, checksumsFile);
    await rename(join(staging, "target/plugin.zip"), archive());
    return archive();
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
