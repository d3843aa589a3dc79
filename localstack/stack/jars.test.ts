import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { checksums, findJava, verifyJars } from "./jars.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tripline-jars-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("verifyJars", () => {
  let jars: string;
  let expected: string;

  beforeEach(async () => {
    jars = join(folder, "jars");
    expected = join(folder, "jars.sha256");
    mkdirSync(join(jars, "kafka"), { recursive: true });
    writeFileSync(join(jars, "kafka/a.jar"), "a");
    writeFileSync(join(jars, "b.jar"), "b");
    writeFileSync(expected, [...(await checksums(jars))].map(([file, sha256]) => `${sha256}  ${file}\n`).join(""));
  });

  test("counts the files when all are as they should be", async () => {
    expect(await verifyJars(jars, expected)).toBe(2);
  });

  test("knows the form of sha256sum", async () => {
    expect((await checksums(jars)).get("kafka/a.jar")).toBe(
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    );
  });

  test.each([
    ["was changed", () => writeFileSync(join(jars, "b.jar"), "B"), /^b\.jar is not the file .* expected 3e23e816/],
    ["is missing", () => rmSync(join(jars, "kafka/a.jar")), /^kafka\/a\.jar is not .* \(missing, expected ca978112/],
    ["should not be there", () => writeFileSync(join(jars, "c.jar"), ""), /^c\.jar is not .* expected none\)/],
  ])("names a file that %s, and what to do", async (_, tamper, message) => {
    tamper();

    const failure = expect(verifyJars(jars, expected)).rejects;
    await failure.toMatchObject({ code: "JARS_CHECKSUM", message: expect.stringMatching(message) });
    await expect(verifyJars(jars, expected)).rejects.toThrow(`Remove ${jars}`);
  });
});

describe("findJava", () => {
  /** A Java that says this of itself. */
  function fakeJava(script: string): NodeJS.ProcessEnv {
    mkdirSync(join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "bin/java"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "bin/java"), 0o755);
    return { JAVA_HOME: folder };
  }
  const saying = (version: string) => fakeJava(`echo 'openjdk version "${version}" 2026-01-01' >&2`);

  test.each([
    ["17.0.15", 17],
    ["17", 17],
    ["25-ea", 25],
    ["21.0.2", 21],
  ])("takes %s", async (version, major) => {
    expect(await findJava(saying(version))).toEqual({ command: join(folder, "bin/java"), major, version });
  });

  test.each(["1.8.0_292", "11.0.20", "16-ea"])("refuses %s, and says what to install", async (version) => {
    const failure = expect(findJava(saying(version))).rejects;
    await failure.toMatchObject({
      code: "JAVA_TOO_OLD",
      message: expect.stringMatching(
        new RegExp(`^Kafka needs Java 17 or newer, and '${folder}/bin/java' is ${version}\\. Debian .*openjdk-17`),
      ),
    });
  });

  test("refuses one that does not say its version", async () => {
    const failure = expect(findJava(fakeJava("true"))).rejects;
    await failure.toMatchObject({ code: "JAVA_TOO_OLD", message: expect.stringContaining("is of an unknown version") });
  });

  test("says that JAVA_HOME is wrong where it is", async () => {
    const failure = expect(findJava({ JAVA_HOME: join(folder, "nowhere") })).rejects;
    await failure.toMatchObject({
      code: "JAVA_MISSING",
      message: expect.stringContaining(`there is none at JAVA_HOME (${folder}/nowhere). Debian`),
    });
  });

  test("takes a Java that cannot run, such as macOS's stand-in, for none", async () => {
    const failure = expect(findJava(fakeJava("echo 'Unable to locate a Java Runtime.' >&2; exit 1"))).rejects;
    await failure.toMatchObject({ code: "JAVA_MISSING" });
  });
});
