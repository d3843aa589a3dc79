import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../localstack/stack/settings.ts";

const files = (pattern: string) =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", pattern], {
    cwd: projectRoot,
    encoding: "utf8",
  })
    .split("\n")
    .filter((file) => file !== "");

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(files("*.md"))("%s", (file) => {
  const text = readFileSync(join(projectRoot, file), "utf8").replaceAll(/```.*?```/gs, "");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);

  test("leads to files, pictures and headings that are there", () => {
    const broken = links.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const there = path === "" ? join(projectRoot, file) : join(projectRoot, dirname(file), path);
      if (!existsSync(there)) return true;
      return anchor !== undefined && there.endsWith(".md") && !anchorsOf(readFileSync(there, "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});
