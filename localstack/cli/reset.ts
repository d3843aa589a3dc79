import { rm } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { StackError } from "../stack/errors.ts";
import { removeData } from "../stack/parts/postgres.ts";
import { readSettings } from "../stack/settings.ts";
import { bringDown } from "./down.ts";
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
    if (!/^y(es)?$/i.test(answer.trim())) return;
  }
  await bringDown(settings, true);
  await removeData(settings);
  await rm(settings.home, { recursive: true, force: true });
  if (options.json) printJson({ ok: true, removed: settings.home });
  else console.log(`${green("✔")} The data is gone; downloads are still in ${settings.cache}.`);
}
