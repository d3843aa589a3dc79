#!/usr/bin/env node
// The tripline command. The sources are TypeScript that Node 24 runs as it is; `npm ci` brings that Node along, so
// whatever Node started this file, the work is done by the one in node_modules.
import { spawn } from "node:child_process";
import * as module from "node:module";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const nodeMajorMinimum = 24;

if (Number(process.versions.node.split(".")[0]) >= nodeMajorMinimum) {
  // Taking the types away takes longer than what most commands do: once for each version of a file is enough.
  module.enableCompileCache();
  await import(main);
} else {
  const child = spawn(findNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // The child decides what a signal means; this process only passes on those that a terminal does not send to both.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}

function findNode() {
  try {
    return module.createRequire(import.meta.url).resolve("node/bin/node");
  } catch {
    console.error(
      `tripline needs Node ${nodeMajorMinimum} and found neither it nor its copy in node_modules: run 'npm ci' first.`,
    );
    process.exit(1);
  }
}
