import { afterEach, expect, test } from "@jest/globals";
import ConnectPluginDeployment from "./deploy.ts";

const endpoint = process.env["AWS_ENDPOINT_URL"];
afterEach(() => {
  if (endpoint === undefined) delete process.env["AWS_ENDPOINT_URL"];
  else process.env["AWS_ENDPOINT_URL"] = endpoint;
});

function deploy(stage: string, region: string): Promise<void> | undefined {
  const provider = {
    getStage: () => stage,
    getRegion: () => region,
    getServerlessDeploymentBucketName: async () => "",
    getAwsSdkV3Config: async () => ({}),
  };
  const log = { notice: () => {} };
  return new ConnectPluginDeployment({ getProvider: () => provider }, {}, { log }).hooks["before:deploy:deploy"]?.();
}

test("what would not work on AWS is refused before anything is made", async () => {
  delete process.env["AWS_ENDPOINT_URL"];
  await expect(deploy("local", "us-east-1")).rejects.toThrow(/Stage local is the laptop's/);
  await expect(deploy("prod", "il-central-1")).rejects.toThrow(/RDS in il-central-1.*eu-central-1/);
  await deploy("prod", "eu-central-1");
});

test("an AWS that is emulated takes every stage and region", async () => {
  process.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566";
  await deploy("local", "il-central-1");
});
