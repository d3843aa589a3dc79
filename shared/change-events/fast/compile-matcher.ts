// Compiles assembly/matcher.ts into matcher.wasm.ts, whose text a bundler takes along: npm run matcher. With --print, to
// standard output.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const folder = import.meta.dirname;
const source = "assembly/matcher.ts";
const output = "matcher.wasm";

/** The module that matcher.wasm.ts should be. */
async function compileMatcher(): Promise<string> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [source, "--outFile", output, "-O3", "--noAssert", "--enable", "simd", "--runtime", "stub", "--baseDir", folder],
    {
      writeFile: (name, contents) => {
        if (name === output && typeof contents !== "string") wasm = contents;
      },
    },
  );
  if (wasm === undefined) throw new Error(`${source} does not compile: ${stderr.toString()}`, { cause: error });
  return `// Made of ${source} by \`npm run matcher\`.
export const matcherWasm =
  "${Buffer.from(wasm).toString("base64")}";
`;
}

const compiled = await compileMatcher();
if (process.argv.includes("--print")) process.stdout.write(compiled);
else writeFileSync(join(folder, "matcher.wasm.ts"), compiled);
