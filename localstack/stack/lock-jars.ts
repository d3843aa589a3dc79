// Writes jars.sha256 after a change of pom.xml: npm run lock-jars
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockJars, resolveJars } from "./jars.ts";
import { readSettings } from "./settings.ts";

const folder = await mkdtemp(join(tmpdir(), "tripline-jars-"));
try {
  await resolveJars(readSettings(), folder, console.log);
  await lockJars(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
