// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub is written.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Scope } from "./intrinsics.ts";
import { intrinsicName, resolveIfKnown, resolveIntrinsics, Unresolvable } from "./intrinsics.ts";

/** Knows every name that begins with a letter: `Name` is <Name>, and its attribute A <Name.A>. */
const scope: Scope = {
  refer: (name, attribute) => {
    if (name === "Nothing") return undefined;
    if (name === "List") return ["a", "b"];
    if (!/^[A-Za-z]/.test(name)) throw new Unresolvable(`no ${name}`, name);
    return attribute === undefined ? `<${name}>` : `<${name}.${attribute}>`;
  },
  importValue: (name) => `imported ${name}`,
};

describe("resolveIntrinsics", () => {
  test.each<[unknown, unknown]>([
    ["text", "text"],
    [{ Ref: "Queue" }, "<Queue>"],
    [{ "Fn::GetAtt": ["Queue", "Arn"] }, "<Queue.Arn>"],
    [{ "Fn::GetAtt": "Nested.Outputs.Arn" }, "<Nested.Outputs.Arn>"],
    [{ "Fn::ImportValue": { "Fn::Sub": "${Stack}-queue" } }, "imported <Stack>-queue"],
    [{ "Fn::Sub": "a-${Queue.Arn}-${!Queue}-${Topic}" }, "a-<Queue.Arn>-${Queue}-<Topic>"],
    [{ "Fn::Sub": ["${Own}-${Queue}", { Own: { Ref: "Topic" } }] }, "<Topic>-<Queue>"],
    [{ "Fn::Join": ["/", ["a", { Ref: "Queue" }, 1]] }, "a/<Queue>/1"],
    [{ "Fn::Join": ["", { "Fn::Split": ["-", "a-b"] }] }, "ab"],
    [{ "Fn::Select": [1, { "Fn::Split": [",", "x,y,z"] }] }, "y"],
    [{ "Fn::Select": ["0", { Ref: "List" }] }, "a"],
    [[{ Ref: "Nothing" }, "b"], ["b"]],
    [{ a: { Ref: "Nothing" }, b: [{ Ref: "Queue" }] }, { b: ["<Queue>"] }],
    [
      { Ref: "Queue", other: 1 },
      { Ref: "Queue", other: 1 },
    ],
  ])("%j is %j", (value, expected) => {
    expect(resolveIntrinsics(value, scope)).toEqual(expected);
  });

  test.each<[unknown, RegExp, string | undefined]>([
    [{ Ref: "1" }, /no 1/, "1"],
    [{ Ref: ["a"] }, /^Ref has/, undefined],
    [{ "Fn::GetAtt": ["Queue"] }, /^Fn::GetAtt has/, undefined],
    [{ "Fn::GetAtt": "Queue" }, /^Fn::GetAtt has/, undefined],
    [{ "Fn::Join": ["", "text"] }, /^Fn::Join has/, undefined],
    [{ "Fn::Join": ["", [{ a: 1 }]] }, /^Fn::Join has/, undefined],
    [{ "Fn::Select": [2, ["a", "b"]] }, /^Fn::Select has/, undefined],
    [{ "Fn::Split": ["", "a"] }, /^Fn::Split has/, undefined],
    [{ "Fn::Sub": ["${A}"] }, /^Fn::Sub has/, undefined],
    [{ "Fn::Sub": "${Nothing}" }, /^Fn::Sub has/, undefined],
    [{ "Fn::If": ["a", 1, 2] }, /^Fn::If is not evaluated/, undefined],
  ])("%j is not known", (value, reason, reference) => {
    const resolved = resolveIfKnown({ within: [value] }, scope);
    expect(resolved).toBeInstanceOf(Unresolvable);
    expect(resolved).toMatchObject({ message: expect.stringMatching(reason), reference });
  });

  const name = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/).filter((text) => text !== "Nothing" && text !== "List");
  const text = fc.string().filter((part) => !part.includes("$"));

  test("Fn::Sub and Fn::Join put the same parts together, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, name, fc.option(name, { nil: undefined }))), (parts) => {
        const sub = parts.map(
          ([before, id, attribute]) => `${before}\${${attribute === undefined ? id : `${id}.${attribute}`}}`,
        );
        const join = parts.flatMap(([before, id, attribute]) => [
          before,
          attribute === undefined ? { Ref: id } : { "Fn::GetAtt": [id, attribute] },
        ]);
        const joined = resolveIntrinsics({ "Fn::Join": ["", join] }, scope);
        expect(resolveIntrinsics({ "Fn::Sub": sub.join("") }, scope)).toBe(joined);
        expect(joined).toBe(
          parts
            .map(([before, id, attribute]) => `${before}<${id}${attribute === undefined ? "" : `.${attribute}`}>`)
            .join(""),
        );
      }),
    );
  });

  test("Fn::Split undoes Fn::Join", () => {
    const part = fc.string().filter((item) => !item.includes("|"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        expect(resolveIntrinsics({ "Fn::Split": ["|", { "Fn::Join": ["|", parts] }] }, scope)).toEqual(parts);
      }),
    );
  });
});

test("intrinsicName takes only an object with one key for a call", () => {
  expect(intrinsicName({ Ref: "A" })).toBe("Ref");
  expect(intrinsicName({ "Fn::Anything": 1 })).toBe("Fn::Anything");
  expect([{}, { Ref: "A", b: 1 }, { Reference: 1 }, "Ref", null, ["Ref"]].map(intrinsicName)).toEqual(
    Array(6).fill(undefined),
  );
});
