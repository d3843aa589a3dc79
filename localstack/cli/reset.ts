import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { StackError } from "../stack/errors.ts";
import { exclusively, isLockFile } from "../stack/lock.ts";
import { removeData } from "../stack/parts/postgres.ts";
import { readSettings } from "../stack/settings.ts";
import { takeDown } from "./down.ts";
import { green, isTerminal, printJson } from "./output.ts";

/** `tripline reset` */
export async function reset(options: { json?: boolean; yes?: boolean }): Promise<void> {
  const settings = readSettings();
  if (!options.yes) {
    if (!isTerminal || options.json)
      throw new StackError("USAGE", "reset removes all local data: add --yes to say so.");
    const readline = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await readline.question(`Remove all data of the local stack in ${settings.home}? [y/N] `);
    readline.close();
    if (!/^y(es)?$/i.test(answer.trim())) {
      console.log("Nothing was removed.");
      return;
    }
  }
  await exclusively(settings, async () => {
    await takeDown(settings, true);
    await removeData(settings);
    const entries = await readdir(settings.home).catch(() => []);
    // The locks last, for until then nobody else may start.
    for (const entry of entries.filter((each) => !isLockFile(each))) {
      await rm(join(settings.home, entry), { recursive: true, force: true });
    }
    await rm(settings.home, { recursive: true, force: true });
  });
  if (options.json) printJson({ ok: true, removed: settings.home });
  else console.log(`${green("✔")} The data is gone; downloads are still in ${settings.cache}.`);
}
