import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { Admin } from "kafkajs";
import { KeptAdmin } from "./kept-admin.ts";

let opened: { readonly disconnect: jest.Mock<() => Promise<void>> }[];
let kept: KeptAdmin;

beforeEach(() => {
  jest.useFakeTimers();
  opened = [];
  kept = new KeptAdmin(async () => {
    const admin = { disconnect: jest.fn(async () => {}) };
    opened.push(admin);
    return admin as unknown as Admin;
  });
});
afterEach(() => {
  jest.useRealTimers();
});

const disconnected = () => opened.map(({ disconnect }) => disconnect.mock.calls.length);

describe("KeptAdmin", () => {
  test("asks again by the connection that it has", async () => {
    for (const answer of [1, 2, 3]) {
      expect(await kept.ask(async () => answer)).toBe(answer);
      await jest.advanceTimersByTimeAsync(2_000);
    }
    expect(disconnected()).toEqual([0]);
  });

  test("lets go of it when nobody asks any more", async () => {
    await kept.ask(async () => {});
    await jest.advanceTimersByTimeAsync(11_000);
    expect(disconnected()).toEqual([1]);
    await kept.ask(async () => {});
    expect(disconnected()).toEqual([1, 0]);
  });

  test("does not let go of it while an answer is awaited", async () => {
    const slow = kept.ask(() => new Promise<void>((resolve) => setTimeout(resolve, 15_000)));
    await jest.advanceTimersByTimeAsync(12_000);
    expect(disconnected()).toEqual([0]);
    await jest.advanceTimersByTimeAsync(15_000);
    await slow;
    expect(disconnected()).toEqual([1]);
  });

  test("takes a new one in place of an old one, so that added partitions are seen", async () => {
    for (let asked = 0; asked < 20; asked++) {
      await kept.ask(async () => {});
      await jest.advanceTimersByTimeAsync(2_000);
    }
    expect(disconnected()).toEqual([1, 0]);
  });

  test("takes a new one after a question has failed, and ends the old one when its last question is over", async () => {
    const slow = kept.ask(() => new Promise<void>((resolve) => setTimeout(resolve, 1_000)));
    await expect(kept.ask(async () => Promise.reject(new Error("gone")))).rejects.toThrow("gone");
    expect(disconnected()).toEqual([0]);
    await kept.ask(async () => {});
    expect(opened).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1_000);
    await slow;
    expect(disconnected()).toEqual([1, 0]);
  });

  test("can be asked again where no connection could be made", async () => {
    let isThere = false;
    const later = new KeptAdmin(async () => {
      if (!isThere) throw new Error("no broker");
      return { disconnect: async () => {} } as unknown as Admin;
    });
    await expect(later.ask(async () => 1)).rejects.toThrow("no broker");
    isThere = true;
    expect(await later.ask(async () => 2)).toBe(2);
    await later.close();
  });

  test("is closed", async () => {
    await kept.ask(async () => {});
    await kept.close();
    expect(disconnected()).toEqual([1]);
  });
});
