import { afterEach, beforeEach, expect, test } from "@jest/globals";
import Guard from "./guard.ts";

const endpoint = process.env["AWS_ENDPOINT_URL"];
beforeEach(() => {
  delete process.env["AWS_ENDPOINT_URL"];
});
afterEach(() => {
  if (endpoint === undefined) delete process.env["AWS_ENDPOINT_URL"];
  else process.env["AWS_ENDPOINT_URL"] = endpoint;
});

function run(hook: string, stage: string, { region = "eu-central-1", isProtected = "true" as unknown } = {}) {
  const guard = new Guard({
    getProvider: () => ({ getStage: () => stage, getRegion: () => region }),
    service: { custom: { protected: isProtected } },
    classes: { Error },
  });
  return () => guard.hooks[hook]?.();
}
const deploying = "before:deploy:deploy";
const removing = "before:remove:remove";

test("a stage or a region that would fail half way is refused before anything is made", () => {
  expect(run(deploying, "local")).toThrow(/Stage local is the laptop's/);
  expect(run(deploying, "Prod")).toThrow(/small letters.*'Prod'/);
  expect(run(deploying, "prod", { region: "il-central-1" })).toThrow(/RDS in il-central-1.*eu-central-1/);
  expect(run(deploying, "prod")).not.toThrow();
});

test("a stage with protection is removed only by who says so", () => {
  expect(run(removing, "prod", { isProtected: true })).toThrow(/Stage prod is protected/);
  expect(run(removing, "prod", { isProtected: "false" })).not.toThrow();
  expect(run(removing, "dev", { isProtected: false })).not.toThrow();
});

test("an AWS that is emulated takes everything", () => {
  process.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566";
  expect(run(deploying, "local", { region: "il-central-1" })).not.toThrow();
  expect(run(removing, "local")).not.toThrow();
});
