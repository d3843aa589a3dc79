import { readFile } from "node:fs/promises";
import {
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { readSettings } from "../../localstack/stack/settings.ts";
import { buildPlugin } from "./archive.ts";
import { pluginKey } from "./plugin.ts";

/** The part of the framework that is used here. */
interface Serverless {
  getProvider(name: "aws"): {
    getStage(): string;
    getServerlessDeploymentBucketName(): Promise<string>;
    getAwsSdkV3Config(): Promise<S3ClientConfig>;
  };
}

interface Utils {
  readonly log: { notice(text: string): void };
}

/**
 * Part of `sls deploy`: builds Debezium's archive, where it is not in the cache, and puts it into the deployment bucket before the stack
 * asks for it.
 */
export default class ConnectPluginDeployment {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;

  constructor(serverless: Serverless, _options: unknown, { log }: Utils) {
    this.hooks = {
      "after:aws:deploy:deploy:uploadArtifacts": async () => {
        const provider = serverless.getProvider("aws");
        const bucket = await provider.getServerlessDeploymentBucketName();
        const client = new S3Client(await provider.getAwsSdkV3Config());
        try {
          const object = { Bucket: bucket, Key: pluginKey(provider.getStage()) };
          if (await isThere(client, object)) return;
          const archive = await buildPlugin(readSettings(), { progress: (text) => log.notice(text) });
          await client.send(new PutObjectCommand({ ...object, Body: await readFile(archive) }));
          log.notice(`Debezium for MSK Connect: s3://${bucket}/${object.Key}`);
        } finally {
          client.destroy();
        }
      },
    };
  }
}

async function isThere(client: S3Client, object: { Bucket: string; Key: string }): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand(object));
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
    throw error;
  }
}
