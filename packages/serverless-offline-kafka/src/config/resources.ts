import type { Scope } from "./intrinsics.ts";
import { resolveIntrinsics, Unresolvable } from "./intrinsics.ts";
import type { Properties } from "./json.ts";
import { asObject, own } from "./json.ts";
import type { ServiceDescription } from "./service.ts";
import { functionArn, LOCAL_ACCOUNT_ID, localClusterArn } from "./service.ts";
import type { Template } from "./template.ts";

/** What a type of resource answers to `Ref` and `Fn::GetAtt`, given the name of the resource. */
interface ResourceType {
  /** The property that names it. A resource without one is called like its logical id (AWS adds random characters). */
  readonly nameProperty?: string;
  readonly unnamed?: (logicalId: string, properties: Properties) => string;
  readonly attributes: (name: string, region: string) => Readonly<Record<string, string>>;
}

const arnOf = (service: string, region: string, resource: string) =>
  `arn:aws:${service}:${region}:${LOCAL_ACCOUNT_ID}:${resource}`;

const clusterType: ResourceType = {
  attributes: (logicalId, region) => ({
    Ref: localClusterArn(region, logicalId),
    Arn: localClusterArn(region, logicalId),
  }),
};

/** The types that a Kafka mapping may refer to [CloudFormation, "Return values" of each]. */
const RESOURCE_TYPES: ReadonlyMap<string, ResourceType> = new Map<string, ResourceType>([
  [
    "AWS::SQS::Queue",
    {
      nameProperty: "QueueName",
      unnamed: (logicalId, properties) => (own(properties, "FifoQueue") === true ? `${logicalId}.fifo` : logicalId),
      attributes: (name, region) => {
        const url = `https://sqs.${region}.amazonaws.com/${LOCAL_ACCOUNT_ID}/${name}`;
        return { Ref: url, QueueUrl: url, QueueName: name, Arn: arnOf("sqs", region, name) };
      },
    },
  ],
  [
    "AWS::SNS::Topic",
    {
      nameProperty: "TopicName",
      attributes: (name, region) => {
        const arn = arnOf("sns", region, name);
        return { Ref: arn, TopicArn: arn, TopicName: name };
      },
    },
  ],
  [
    "AWS::S3::Bucket",
    {
      nameProperty: "BucketName",
      // A bucket's name has no capitals.
      unnamed: (logicalId) => logicalId.toLowerCase(),
      attributes: (name) => ({ Ref: name, Arn: `arn:aws:s3:::${name}` }),
    },
  ],
  [
    "AWS::SecretsManager::Secret",
    {
      nameProperty: "Name",
      attributes: (name, region) => {
        const arn = arnOf("secretsmanager", region, `secret:${name}`);
        return { Ref: arn, Id: arn };
      },
    },
  ],
  [
    "AWS::Glue::Registry",
    {
      nameProperty: "Name",
      attributes: (name, region) => {
        const arn = arnOf("glue", region, `registry/${name}`);
        return { Ref: arn, Arn: arn };
      },
    },
  ],
  [
    "AWS::Lambda::Function",
    { nameProperty: "FunctionName", attributes: (name, region) => ({ Ref: name, Arn: functionArn(region, name) }) },
  ],
  ["AWS::MSK::Cluster", clusterType],
  ["AWS::MSK::ServerlessCluster", clusterType],
  ["AWS::MSK::VpcConnection", clusterType],
]);

/** The types whose `Ref` is a function's ARN with a qualifier, and the property that the qualifier is in. */
const QUALIFIED_FUNCTION_TYPES: ReadonlyMap<unknown, string> = new Map([
  ["AWS::Lambda::Alias", "Name"],
  ["AWS::Lambda::Version", "Version"],
]);
/** A version gets its number when it is deployed. */
const FIRST_VERSION = "1";

/** What the logical ids, parameters and exports of a service stand for on this machine. */
export class LocalResources implements Scope {
  readonly #service: ServiceDescription;
  readonly #template: Template;
  /** `custom.serverless-offline-kafka.resources`. */
  readonly #named: ReadonlyMap<string, string>;
  /** Being resolved: a resource whose name depends on itself would never end. */
  readonly #open = new Set<string>();

  constructor(service: ServiceDescription, template: Template, named: ReadonlyMap<string, string>) {
    this.#service = service;
    this.#template = template;
    this.#named = named;
  }

  refer(name: string, attribute?: string): unknown {
    const named = this.#named.get(name);
    // An ARN stands for the resource whatever is asked of it; a name takes the place of the resource's own.
    if (named !== undefined && (named.startsWith("arn:") || this.#typeOf(name) === undefined)) return named;
    if (attribute === undefined) {
      if (name.startsWith("AWS::")) return this.#pseudoParameter(name);
      if (Object.hasOwn(this.#template.parameters, name)) return this.#parameter(name);
    }
    return this.#attribute(name, attribute ?? "Ref");
  }

  importValue(exportName: string): unknown {
    const named = this.#named.get(exportName);
    if (named !== undefined) return named;
    throw new Unresolvable(`${exportName} is an export of another stack`, exportName);
  }

  #pseudoParameter(name: string): string | undefined {
    switch (name) {
      case "AWS::AccountId":
        return LOCAL_ACCOUNT_ID;
      case "AWS::NoValue":
        return undefined;
      case "AWS::Partition":
        return "aws";
      case "AWS::Region":
        return this.#service.region;
      case "AWS::StackName":
        return this.#service.stackName();
      case "AWS::URLSuffix":
        return "amazonaws.com";
      default:
        throw new Unresolvable(`${name} has no local value`, name);
    }
  }

  #parameter(name: string): unknown {
    const parameter = asObject(own(this.#template.parameters, name));
    const declaredType = own(parameter, "Type");
    const type = typeof declaredType === "string" ? declaredType : "String";
    const value = own(parameter, "Default");
    // The Default of a parameter from Parameter Store is the name of a value there.
    if (value === undefined || type.startsWith("AWS::SSM::Parameter::Value")) {
      throw new Unresolvable(`the parameter ${name} has no value locally`, name);
    }
    const isList = type === "CommaDelimitedList" || type.startsWith("List<");
    return isList && typeof value === "string" ? value.split(",").map((item) => item.trim()) : value;
  }

  #attribute(logicalId: string, attribute: string): string {
    const properties = this.#functionAttributes(logicalId) ?? this.#resourceAttributes(logicalId);
    const value = own(properties, attribute);
    if (typeof value === "string") return value;
    throw new Unresolvable(`${attribute} of ${logicalId} has no local value`, logicalId);
  }

  #functionAttributes(logicalId: string): Properties | undefined {
    const fn = this.#service.functions.find(({ key }) => this.#service.lambdaLogicalId(key) === logicalId);
    return fn && { Ref: fn.name, Arn: functionArn(this.#service.region, fn.name) };
  }

  #resourceAttributes(logicalId: string): Properties {
    if (!Object.hasOwn(this.#template.resources, logicalId)) {
      throw new Unresolvable(`${logicalId} is neither a resource nor a parameter of this service`, logicalId);
    }
    const resource = asObject(own(this.#template.resources, logicalId));
    const properties = asObject(own(resource, "Properties"));
    if (this.#open.has(logicalId)) throw new Unresolvable(`the name of ${logicalId} depends on itself`, logicalId);
    this.#open.add(logicalId);
    try {
      const qualifierProperty = QUALIFIED_FUNCTION_TYPES.get(own(resource, "Type"));
      if (qualifierProperty !== undefined) return this.#qualifiedFunction(logicalId, properties, qualifierProperty);
      const type = this.#typeOf(logicalId);
      if (type === undefined) {
        throw new Unresolvable(`${logicalId} is of a type that is not known locally`, logicalId);
      }
      return type.attributes(this.#name(logicalId, type, properties), this.#service.region);
    } finally {
      this.#open.delete(logicalId);
    }
  }

  #typeOf(logicalId: string): ResourceType | undefined {
    const type = own(asObject(own(this.#template.resources, logicalId)), "Type");
    return typeof type === "string" ? RESOURCE_TYPES.get(type) : undefined;
  }

  #name(logicalId: string, type: ResourceType, properties: Properties): string {
    const named = this.#named.get(logicalId);
    if (named !== undefined) return named;
    const declared = type.nameProperty === undefined ? undefined : own(properties, type.nameProperty);
    const name = resolveIntrinsics(declared, this);
    return typeof name === "string" && name !== "" ? name : (type.unnamed?.(logicalId, properties) ?? logicalId);
  }

  #qualifiedFunction(logicalId: string, properties: Properties, qualifierProperty: string): Properties {
    const target = resolveIntrinsics(own(properties, "FunctionName"), this);
    const qualifier = resolveIntrinsics(own(properties, qualifierProperty), this) ?? FIRST_VERSION;
    if (typeof target !== "string" || typeof qualifier !== "string") {
      throw new Unresolvable(`${logicalId} names no function`, logicalId);
    }
    const arn = target.startsWith("arn:") ? target : functionArn(this.#service.region, target);
    return { Ref: `${arn}:${qualifier}` };
  }
}
