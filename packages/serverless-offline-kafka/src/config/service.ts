export interface ServiceFunction {
  readonly key: string;
  /** Of the function on AWS. */
  readonly name: string;
  readonly events: readonly unknown[];
  readonly timeoutSeconds: number;
}

/** What this plugin needs to know of a service: serverless.yml after variables are resolved. */
export interface ServiceDescription {
  readonly functions: readonly ServiceFunction[];
  readonly region: string;
  readonly custom: unknown;
  readonly resources: unknown;
  /** The framework's own naming of the stack and of its CloudFormation resources. */
  stackName(): string;
  lambdaLogicalId(functionKey: string): string;
  mskLogicalId(functionKey: string, clusterToken: string, topic: string): string;
  kafkaLogicalId(functionKey: string, topic: string): string;
  /** Makes the consumer group of a mapping that names none: unique, as on AWS. */
  newGroupId(): string;
  nowMs(): number;
}

/** Nobody knows the account on a laptop. This one is what emulators of AWS use. */
export const LOCAL_ACCOUNT_ID = "000000000000";

export function functionArn(region: string, name: string): string {
  return `arn:aws:lambda:${region}:${LOCAL_ACCOUNT_ID}:function:${name}`;
}

/** What a handler sees for a cluster that only CloudFormation can name: the same in every run, and plainly local. */
export function localClusterArn(region: string, clusterToken: string): string {
  return `arn:aws:kafka:${region}:${LOCAL_ACCOUNT_ID}:cluster/local/${clusterToken}`;
}
