import { describe, expect, test } from "@jest/globals";
import { endOf, showsAll, stepsOf } from "./document.ts";

const page = `
# A page

\`\`\`sh
echo hello
\`\`\`

> By hand: \`docker compose exec kafka echo hello\`

\`\`\`text
hello
\`\`\`

\`\`\`sh background
tail -f log
\`\`\`

\`\`\`text background
a line
\`\`\`

<!-- Ctrl-C -->
`;

test("the steps of a page are found in their order", () => {
  expect(stepsOf(page)).toEqual([
    {
      kind: "run",
      command: "echo hello",
      background: false,
      byHand: "docker compose exec kafka echo hello",
      shows: "hello",
      line: 4,
    },
    { kind: "run", command: "tail -f log", background: true, line: 14 },
    { kind: "watch", shows: "a line", line: 18 },
    { kind: "interrupt", line: 22 },
  ]);
  expect(() => stepsOf("```text\nhello\n```")).toThrow("Line 1 shows what no step before it prints");
});

describe("what is shown", () => {
  test.each([
    ["hello", "hello", true],
    ["hello\n\n", "hello", true],
    ["hello  ", "hello", true],
    ["hello", "hell", false],
    ["hello\nmore", "hello", false],
    ["took 12 ms (a+b)", "took … ms (a+b)", true],
    ["took 12 s", "took … ms", false],
    ["one\ntwo\nthree", "…\nthree", true],
    ["three", "…\nthree", true],
    ["one\ntwo", "…\nthree", false],
    ["one\ntwo", "one…two", false],
    ["axb", "a.b", false],
  ])("%j is %j: %s", (output, shown, same) => {
    expect(showsAll(output, shown)).toBe(same);
  });

  test("comes behind what was seen before, in a terminal that goes on", () => {
    const output = "a 1\na 2\nb\n";
    const first = endOf(output, 0, "a …");
    expect(first).toBe(4);
    expect(endOf(output, first ?? 0, "a …")).toBe(8);
    expect(endOf(output, 8, "a …")).toBeUndefined();
    expect(endOf(output, 0, "a 1\n…\nb")).toBe(output.length);
  });
});
