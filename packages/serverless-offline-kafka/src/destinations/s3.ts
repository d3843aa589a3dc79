import { createHash, randomUUID } from "node:crypto";
import { ANSWER_MS_MAX, type AwsContext, awsReasonOf, clientOptions, Lazy, loadClient } from "./aws-sdk.ts";
import type { Channel } from "./channel.ts";
import { invocationRecordWithPayload } from "./invocation-record.ts";

/** 2 Mbit/s: an uplink slower than this is no destination. A payload of 6 MB then has some half a minute. */
const UPLOAD_BYTES_PER_SECOND_MIN = 256 * 1_024;

/** Puts an object into the bucket `arn:aws:s3:::name`. */
export function openBucket(arn: string, mappingId: string, context: AwsContext): Channel {
  const [, , , , , bucket = ""] = arn.split(":");
  const mapping = mappingUuid(mappingId);
  const client = new Lazy(async () => {
    const sdk = await loadClient("@aws-sdk/client-s3", () => import("@aws-sdk/client-s3"));
    // A bucket's name before that of a local host would be a host that nobody can resolve.
    return { sdk, s3: new sdk.S3Client({ ...clientOptions(context), forcePathStyle: true }) };
  });

  return {
    name: arn,
    limitMs: ({ payloadBytes }) => ANSWER_MS_MAX + 1_000 * Math.floor(payloadBytes / UPLOAD_BYTES_PER_SECOND_MIN),
    explain: awsReasonOf,
    async send(batch, abortSignal) {
      const { sdk, s3 } = await client.get();
      const key = objectKey(mapping, batch.timestampMs, randomUUID());
      const command = new sdk.PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: JSON.stringify(invocationRecordWithPayload(batch)),
        ContentType: "application/json",
      });
      await s3.send(command, { abortSignal });
      return key;
    },
    close: () => client.end(({ s3 }) => s3.destroy()),
  };
}

/**
 * `aws/lambda/<ESM-UUID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>`, in UTC. (AWS does not say: the pattern is that of
 * Kinesis and DynamoDB [kinesis-on-failure-destination] without its shard, for a batch of Kafka may hold many partitions.)
 */
export function objectKey(mapping: string, timestampMs: number, random: string): string {
  const time = new Date(timestampMs).toISOString();
  const day = time.slice(0, 10).replaceAll("-", "/");
  return `aws/lambda/${mapping}/${day}/${time.slice(0, 19).replaceAll(":", ".")}-${random}`;
}

/** On AWS a mapping gets a random UUID at its creation. Here it is the same at each start: a UUID of version 8, RFC 9562. */
export function mappingUuid(mappingId: string): string {
  const bytes = createHash("sha256").update(mappingId).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
