// node bench/tables.ts RESULT.json [DOCUMENT]: puts what `npm run bench -- --out RESULT.json` measured into the tables of
// docs/performance.md. A table stands between <!-- bench: NAME --> and <!-- /bench -->; the text around them is left alone.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../localstack/stack/settings.ts";
import { fillTables, markdownTables } from "./markdown.ts";
import type { Results } from "./results.ts";

const [file, document = join(projectRoot, "docs/performance.md")] = process.argv.slice(2);
if (file === undefined) {
  console.error("Give the file that 'npm run bench -- --out FILE' wrote: node bench/tables.ts FILE [DOCUMENT]");
  process.exit(2);
}
const results = JSON.parse(readFileSync(file, "utf8")) as Results;
const text = readFileSync(document, "utf8");
writeFileSync(document, fillTables(text, markdownTables(results)));
console.log(document);
