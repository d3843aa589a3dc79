import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "@jest/globals";

/** What somebody on a slow connection waits for. */
const compressedBytesMax = 150 * 1_000;

const { bundlePage } = createRequire(import.meta.url)("./bundle.cjs") as {
  bundlePage: () => Promise<{ files: Record<string, string>; sources: string[] }>;
};

let files: Record<string, string>;
let sources: string[];

beforeAll(async () => {
  ({ files, sources } = await bundlePage());
});

test("the page loads its own script and style, by the digest of what is in them, and has none in it", () => {
  const html = files["index.html"] ?? "";
  const loaded = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, name]) => name as string);
  expect(loaded).toHaveLength(2);
  for (const name of loaded) {
    expect(Object.keys(files)).toContain(name);
    expect(name).toMatch(/-[A-Z0-9]{8}\.(js|css)$/);
  }
  expect(html).not.toMatch(/<script[^>]*>[^<]|<style|style=|onload=/);
});

test("all of it is small", () => {
  const bytes = Object.values(files).reduce((sum, text) => sum + gzipSync(text).length, 0);
  expect(bytes).toBeLessThan(compressedBytesMax);
});

test("nothing in it makes HTML of a text, or code", () => {
  const script = Object.entries(files).find(([name]) => name.endsWith(".js"))?.[1] ?? "";
  // Preact has a way to ask for it, which is the one place where the word may be.
  expect(script.match(/\.innerHTML\s*=[^=]/g)?.length ?? 0).toBeLessThanOrEqual(1);
  expect(script).not.toMatch(/insertAdjacentHTML|document\.write|\beval\(|new Function\(/);
});

test("what it is made of is known, so that a change is seen while it runs", () => {
  for (const name of ["main.tsx", "views/alerts.tsx", "styles.css", "index.html"]) {
    expect(sources.some((source) => source.endsWith(`/page/${name}`))).toBe(true);
  }
});
