import { describe, expect, jest, test } from "@jest/globals";
import { awsReasonOf, Lazy, loadClient } from "./aws-sdk.ts";

describe("loadClient", () => {
  test("says how to install a client that is not there", async () => {
    const absent = "@aws-sdk/client-absent";

    await expect(loadClient(absent, () => import(absent))).rejects.toMatchObject({
      code: "SOK_DEPENDENCY_MISSING",
      message: "@aws-sdk/client-absent is not installed: npm install --save-dev @aws-sdk/client-absent",
    });
  });

  test("leaves other errors of a module alone", async () => {
    await expect(loadClient("any", () => Promise.reject(new SyntaxError("broken")))).rejects.toThrow(SyntaxError);
  });
});

describe("Lazy", () => {
  test("loads once, for all who ask", async () => {
    const load = jest.fn(async () => ({}));
    const lazy = new Lazy(load);

    const [first, second] = await Promise.all([lazy.get(), lazy.get()]);

    expect(first).toBe(second);
    expect(load).toHaveBeenCalledTimes(1);
  });

  test("tries again after a failure", async () => {
    const load = jest.fn<() => Promise<string>>().mockRejectedValueOnce(new Error("not yet")).mockResolvedValue("now");
    const lazy = new Lazy(load);

    await expect(lazy.get()).rejects.toThrow("not yet");
    await expect(lazy.get()).resolves.toBe("now");
  });

  test("ends only what was loaded", async () => {
    const end = jest.fn();
    const lazy = new Lazy(async () => "value");

    await lazy.end(end);
    expect(end).not.toHaveBeenCalled();

    await lazy.get();
    await lazy.end(end);
    expect(end).toHaveBeenCalledWith("value");
  });
});

describe("awsReasonOf", () => {
  test("looks into an error for each address of a host", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:4566"), { code: "ECONNREFUSED" });

    expect(awsReasonOf(new AggregateError([refused, refused]))).toBe(
      "connect ECONNREFUSED ::1:4566 (is the local AWS running, and AWS_ENDPOINT_URL its address?)",
    );
  });

  test("names the service's error, and puts it on one line", () => {
    const gone = Object.assign(new Error("The specified queue\n  does not exist."), { name: "QueueDoesNotExist" });

    expect(awsReasonOf(gone)).toBe(
      "QueueDoesNotExist: The specified queue does not exist. (create it, or correct the ARN)",
    );
  });
});
