import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { inContainer } from "./run-tool.ts";
import { needsServer, toolLike, toolNamed, toolNames, withServer } from "./tools.ts";

describe("a tool is known", () => {
  test.each(["kafka-topics", "kafka-topics.sh", "bin/kafka-topics.sh", "./bin/windows/kafka-topics.bat"])(
    "as a book writes it: %s",
    (word) => expect(toolNamed(word)).toBe("kafka-topics"),
  );

  test("without its prefix behind 'kafka'", () => {
    expect(toolNamed("console-consumer", { prefixed: false })).toBe("kafka-console-consumer");
    expect(toolNamed("kafka-configs.sh", { prefixed: false })).toBe("kafka-configs");
    expect(toolNamed("topics")).toBeUndefined();
    expect(toolNamed("status")).toBeUndefined();
    expect(toolNamed("nonsense", { prefixed: false })).toBeUndefined();
  });
});

test("a name that is not quite right is answered with one that is", () => {
  expect(toolLike("kafka-topic")).toBe(" Did you mean kafka-topics?");
  expect(toolLike("kafka-topicss")).toBe(" Did you mean kafka-topics?");
  expect(toolLike("kafka-nonsense")).toContain("There are: kafka-acls, ");
});

describe("the broker of the stack", () => {
  const server = "127.0.0.1:9092";

  test("is what a tool gets that names none", () => {
    expect(withServer("kafka-topics", ["--list"], server)).toEqual(["--bootstrap-server", server, "--list"]);
  });

  test.each([
    ["names one", ["--bootstrap-server", "elsewhere:9092", "--list"]],
    ["names one in one word", ["--bootstrap-server=elsewhere:9092", "--list"]],
    ["asks for help", ["--help"]],
    ["asks for nothing", []],
  ])("is kept from one that %s", (_, args) => {
    expect(withServer("kafka-topics", args, server)).toEqual(args);
  });

  test("is kept from tools that read files", () => {
    expect(needsServer("kafka-dump-log", ["--files", "0.log"])).toBe(false);
  });
});

test("in containers, it is the same step", () => {
  expect(inContainer("kafka-topics", ["--list"])).toEqual([
    "/opt/kafka/bin/kafka-topics.sh",
    ...["--bootstrap-server", "kafka:19092", "--list"],
  ]);
});

test("every tool has a name that no command of ours has", () => {
  const commands = readdirSync(join(import.meta.dirname, "..")).map((file) => file.replace(/\.ts$/, ""));
  expect(toolNames.filter((name) => commands.includes(name))).toEqual([]);
});
