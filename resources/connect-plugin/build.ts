// npm run connect-plugin: builds what `sls deploy` brings to MSK Connect, and says where it is. With --lock, after a change of
// pom.xml, it writes jars.sha256 anew.
import { StackError } from "../../localstack/stack/errors.ts";
import { readSettings } from "../../localstack/stack/settings.ts";
import { buildPlugin } from "./archive.ts";

const options = process.argv.slice(2);
if (options.some((option) => option !== "--lock")) {
  console.error("Usage: npm run connect-plugin [-- --lock]");
  process.exit(2);
}
try {
  const archive = await buildPlugin(readSettings(), { progress: console.error, lock: options.includes("--lock") });
  console.log(archive);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
