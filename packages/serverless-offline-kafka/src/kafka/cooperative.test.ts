import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Claim, Member } from "./cooperative.ts";
import { assignCooperatively, decodeClaim, encodeClaim } from "./cooperative.ts";

const member = (memberId: string, owned: number[] = [], leaving: number[] = []): Member => ({
  memberId,
  claim: { memberId, owned, leaving },
});
const show = (assignment: ReadonlyMap<string, readonly number[]>) => Object.fromEntries([...assignment].sort());

describe("assignCooperatively", () => {
  test("divides evenly what nobody has", () => {
    expect(show(assignCooperatively([member("b"), member("a")], [0, 1, 2, 3, 4]))).toEqual({ a: [0, 2, 4], b: [1, 3] });
  });

  test("takes back first, and gives away when the owner has let go", () => {
    const all = [0, 1, 2, 3];
    expect(show(assignCooperatively([member("a", all), member("b")], all))).toEqual({ a: [0, 1], b: [] });
    expect(show(assignCooperatively([member("a", all, [2, 3]), member("b")], all))).toEqual({ a: [0, 1], b: [] });
    expect(show(assignCooperatively([member("a", [0, 1]), member("b")], all))).toEqual({ a: [0, 1], b: [2, 3] });
  });

  test("moves nothing where it is even already, also after a member has gone", () => {
    const members = [member("a", [4, 1]), member("b", [0, 3, 2])];
    expect(show(assignCooperatively(members, [0, 1, 2, 3, 4]))).toEqual({ a: [1, 4], b: [0, 2, 3] });
    expect(show(assignCooperatively([member("a", [4, 1])], [0, 1, 2, 3, 4]))).toEqual({ a: [1, 4, 0, 2, 3] });
  });

  test("believes no claim that was made under another id, or of a partition that somebody has", () => {
    const forgotten: Member = { memberId: "new", claim: { memberId: "old", owned: [0, 1], leaving: [] } };
    expect(show(assignCooperatively([forgotten, member("a", [0, 1])], [0, 1]))).toEqual({ a: [0], new: [] });
    expect(show(assignCooperatively([member("a", [0]), member("b", [0])], [0]))).toEqual({ a: [0], b: [] });
  });
});

test("a claim comes back as it was sent; what is no claim is none", () => {
  const claim: Claim = { memberId: "m-1", owned: [0, 7], leaving: [7] };
  expect(decodeClaim(encodeClaim(claim))).toEqual(claim);
  for (const other of ["", "null", "{}", "[1]", '{"memberId":1,"owned":[],"leaving":[]}']) {
    expect(decodeClaim(Buffer.from(other))).toBeUndefined();
  }
});

/** Members come, go and let go at random; the group is divided after each change. */
test("never gives a partition to one member while another has it, and ends even with everything given away", () => {
  const ids = ["a", "b", "c", "d"];
  const change = fc.record({ who: fc.constantFrom(...ids), lets: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 20 }),
      (changes, count) => {
        const partitions = Array.from({ length: count }, (_, i) => i);
        const group = new Map<string, { owned: Set<number>; leaving: Set<number> }>([
          ["z", { owned: new Set(), leaving: new Set() }],
        ]);
        const divide = () => {
          const members = [...group].map(([id, { owned, leaving }]) =>
            member(id, [...owned, ...leaving], [...leaving]),
          );
          for (const [id, assigned] of assignCooperatively(members, partitions)) {
            const state = group.get(id) as { owned: Set<number>; leaving: Set<number> };
            for (const one of state.owned) if (!assigned.includes(one)) state.leaving.add(one);
            state.owned = new Set(assigned);
          }
          const held = [...group.values()].flatMap(({ owned, leaving }) => [...owned, ...leaving]);
          expect(new Set(held).size).toBe(held.length);
        };
        for (const { who, lets } of changes) {
          if (lets) group.get(who)?.leaving.clear();
          else if (!group.delete(who)) group.set(who, { owned: new Set(), leaving: new Set() });
          divide();
        }
        for (let round = 0; round < 3; round += 1) {
          for (const state of group.values()) state.leaving.clear();
          divide();
        }
        const counts = [...group.values()].map(({ owned }) => owned.size);
        expect(counts.reduce((sum, one) => sum + one, 0)).toBe(count);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
