import type { DeployedConnectors } from "./deployed-connectors.ts";

/** The parts of a CloudFormation template that are made here. */

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: "Retain" | "RetainExceptOnCreate";
  readonly UpdateReplacePolicy?: "Retain";
  readonly Metadata?: unknown;
}

export type Resources = Record<string, Resource>;

export const ref = (name: string) => ({ Ref: name });
export const attribute = (name: string, of: string) => ({ "Fn::GetAtt": [name, of] });
export const sub = (text: string) => ({ "Fn::Sub": text });
export const ifAws = (then: unknown) => ({ "Fn::If": ["IsAws", then, ref("AWS::NoValue")] });

/** Checks of checkov that a resource does not have to pass, each with the reason. */
export function skipping(reasons: Readonly<Record<string, string>>): Resource["Metadata"] {
  return { checkov: { skip: Object.entries(reasons).map(([id, comment]) => ({ id, comment })) } };
}

/** `fraud.failed-records` → `FraudFailedRecords`: what may stand in a logical id. */
export function logicalId(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join("");
}

/** What a template is made for. */
export interface Deployment {
  /** tripline-STAGE: what things are called that have names of their own. */
  readonly name: string;
  readonly stage: string;
  /** The instance that users sign in to by IAM, and the secret of its administrator: others than the stack's own after a restore. */
  readonly databaseResourceId: unknown;
  readonly databaseSecretArn: unknown;
  readonly connectors: DeployedConnectors;
  /** What a console that only shows cannot be made to do either, whatever is wrong with its code. */
  readonly consoleReadOnly: boolean;
}
