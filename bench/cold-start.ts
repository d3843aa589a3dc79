// What is ours of a cold start: npm run bench:cold. Loads each function as it is packaged for AWS, in a process of its own.
import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../localstack/stack/settings.ts";
import { load } from "../tests/deployment/bundle.ts";
import { Packaged } from "../tests/deployment/packaged.ts";
import { median } from "./statistics.ts";

const times = 9;
const packaged = new Packaged("prod");
try {
  await packaged.make();
  console.log(`function            zip KB   load ms (median of ${times})`);
  for (const functionName of (await readdir(join(projectRoot, "functions"))).sort()) {
    const folder = await packaged.unpack(functionName);
    const loads: number[] = [];
    for (let i = 0; i < times; i++) loads.push(await load(folder, functionName));
    const kilobytes = Math.round(statSync(join(packaged.folder, `${functionName}.zip`)).size / 1_000);
    console.log(
      `${functionName.padEnd(18)} ${String(kilobytes).padStart(7)} ${String(Math.round(median(loads))).padStart(9)}`,
    );
  }
} finally {
  packaged.remove();
}
