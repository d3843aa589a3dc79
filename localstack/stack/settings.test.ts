import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { consolePort, projectRoot, readSettings } from "./settings.ts";

describe("readSettings", () => {
  test("has the course's ports, names and password, on loopback", () => {
    expect(readSettings({})).toEqual({
      home: join(projectRoot, ".tripline"),
      cache: join(homedir(), ".cache/tripline"),
      ports: expect.objectContaining({ postgres: 5432, kafka: 9092, kafkaExternal: 9094, connect: 8083, aws: 4566 }),
      portOffset: 0,
      postgres: { host: "127.0.0.1", port: 5432, user: "postgres", password: "postgrespw" },
      bootstrapServers: "127.0.0.1:9092",
      connectUrl: "http://127.0.0.1:8083",
      awsUrl: "http://127.0.0.1:4566",
      jvmOptions: [],
    });
  });

  test("an offset moves every port, and every address with it", () => {
    const [standard, moved] = [readSettings({}), readSettings({ TRIPLINE_PORT_OFFSET: "10000" })];

    for (const [name, port] of Object.entries(moved.ports)) {
      expect(port).toBe(standard.ports[name as keyof typeof standard.ports] + 10_000);
    }
    expect(moved).toMatchObject({
      portOffset: 10_000,
      postgres: { port: 15_432 },
      bootstrapServers: "127.0.0.1:19092",
      connectUrl: "http://127.0.0.1:18083",
      awsUrl: "http://127.0.0.1:14566",
    });
  });

  test("options for the virtual machines are told apart by blanks", () => {
    expect(readSettings({}).jvmOptions).toEqual([]);
    expect(readSettings({ TRIPLINE_JVM_OPTIONS: " -XX:TieredStopAtLevel=1  -Xmx512m" }).jvmOptions).toEqual([
      "-XX:TieredStopAtLevel=1",
      "-Xmx512m",
    ]);
  });

  test("the console has a port of its own, and in containers another one, for Kafka UI has that", () => {
    expect(consolePort(readSettings({}))).toBe(8080);
    expect(consolePort(readSettings({}), "containers")).toBe(3000);
    expect(consolePort(readSettings({ TRIPLINE_PORT_OFFSET: "10000" }), "native")).toBe(18_080);
  });

  test("an empty offset is none", () => {
    expect(readSettings({ TRIPLINE_PORT_OFFSET: "" }).portOffset).toBe(0);
  });

  test.each(["-1", "1.5", "many", "60000", "1e9"])("refuses the offset '%s', and says what to give", (offset) => {
    expect(() => readSettings({ TRIPLINE_PORT_OFFSET: offset })).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(`TRIPLINE_PORT_OFFSET is '${offset}': give a whole number from 0 to \\d{5}\\.`),
      }),
    );
  });

  test("takes the highest offset that it names, with every port below 65,536", () => {
    const name = (offset: string) =>
      /0 to (\d+)\./.exec(thrownBy(() => readSettings({ TRIPLINE_PORT_OFFSET: offset })));
    const highest = name("-1")?.[1] ?? "";

    expect(Math.max(...Object.values(readSettings({ TRIPLINE_PORT_OFFSET: highest }).ports))).toBe(65_535);
  });

  test("home and cache can be moved, and become absolute", () => {
    expect(readSettings({ TRIPLINE_HOME: "here", TRIPLINE_CACHE: "/there", XDG_CACHE_HOME: "/else" })).toMatchObject({
      home: join(process.cwd(), "here"),
      cache: "/there",
    });
    expect(readSettings({ XDG_CACHE_HOME: "/else" }).cache).toBe("/else/tripline");
  });
});

function thrownBy(action: () => void): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
