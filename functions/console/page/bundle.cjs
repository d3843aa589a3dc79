// What serverless-esbuild does with `import page from "tripline:console-page"`: the files beside this one, bundled for a browser, become
// part of the function. CommonJS, for that is how it is loaded.
const { readFile } = require("node:fs/promises");
const { basename, join } = require("node:path");
const esbuild = require("esbuild");

/** Bundles the page. Resolves with its files by name, and with the sources that they are made of. */
async function bundlePage() {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: __dirname,
    entryPoints: ["main.tsx"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    outdir: "assets",
    entryNames: "[name]-[hash]",
    logLevel: "silent",
  });
  const files = {};
  for (const { path, text } of outputFiles) files[`assets/${basename(path)}`] = text;
  const named = (extension) => Object.keys(files).find((name) => name.endsWith(extension));
  const html = await readFile(join(__dirname, "index.html"), "utf8");
  files["index.html"] = html.replace("main.tsx", `/${named(".js")}`).replace("main.css", `/${named(".css")}`);
  files["icon.svg"] = await readFile(join(__dirname, "icon.svg"), "utf8");
  const sources = [...Object.keys(metafile.inputs), "index.html", "icon.svg"].map((name) => join(__dirname, name));
  return { files, sources };
}

const consolePage = {
  name: "tripline-console-page",
  setup(build) {
    build.onResolve({ filter: /^tripline:console-page$/ }, ({ path }) => ({ path, namespace: "console-page" }));
    build.onLoad({ filter: /.*/, namespace: "console-page" }, async () => {
      const { files, sources } = await bundlePage();
      return { contents: JSON.stringify(files), loader: "json", watchFiles: sources };
    });
  },
};

module.exports = [consolePage];
module.exports.bundlePage = bundlePage;
