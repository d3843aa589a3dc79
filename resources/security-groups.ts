import { attribute, type Resources, ref } from "./template.ts";

/** Each is an AWS::EC2::SecurityGroup named NAMESecurityGroup. */
const groups = {
  Functions: "Functions that use PostgreSQL",
  Console: "The console",
  Setup: "Functions that prepare the databases and change passwords",
  Connectors: "Debezium",
  Database: "PostgreSQL",
  /** The pollers of an event source mapping have addresses in the subnets and with the groups of their cluster. */
  Kafka: "Kafka, and the event source mappings that read it",
  Endpoints: "Endpoints of AWS services",
} as const;

type Group = keyof typeof groups;

const POSTGRES = 5432;
/** Kafka with TLS and IAM authentication. */
const KAFKA = 9098;
const HTTPS = 443;

/** Who may open a connection to whom. Nothing else can be sent, and nothing else is taken. */
const connections: readonly (readonly [from: Group, to: Group, port: number])[] = [
  ["Functions", "Database", POSTGRES],
  ["Functions", "Endpoints", HTTPS],
  ["Console", "Database", POSTGRES],
  ["Console", "Kafka", KAFKA],
  ["Console", "Endpoints", HTTPS],
  ["Setup", "Database", POSTGRES],
  ["Setup", "Endpoints", HTTPS],
  ["Connectors", "Database", POSTGRES],
  ["Connectors", "Kafka", KAFKA],
  ["Connectors", "Endpoints", HTTPS],
  ["Kafka", "Kafka", KAFKA],
];

export function securityGroups(): Resources {
  const resources: Resources = {};
  for (const [name, description] of Object.entries(groups)) {
    resources[`${name}SecurityGroup`] = {
      Type: "AWS::EC2::SecurityGroup",
      Properties: {
        GroupDescription: `Tripline: ${description}`,
        VpcId: ref("Network"),
        // Without a rule here, EC2 adds one that lets everything out.
        SecurityGroupEgress: [
          { IpProtocol: "-1", CidrIp: "127.0.0.1/32", Description: "Nothing but the rules of their own" },
        ],
      },
    };
  }
  for (const [from, to, port] of connections) {
    const rule = { IpProtocol: "tcp", FromPort: port, ToPort: port };
    resources[`From${from}To${to}`] = {
      Type: "AWS::EC2::SecurityGroupEgress",
      Condition: "IsAws",
      Properties: {
        ...rule,
        GroupId: idOf(from),
        DestinationSecurityGroupId: idOf(to),
        Description: `To: ${groups[to]}`,
      },
    };
    resources[`In${to}From${from}`] = {
      Type: "AWS::EC2::SecurityGroupIngress",
      Condition: "IsAws",
      Properties: {
        ...rule,
        GroupId: idOf(to),
        SourceSecurityGroupId: idOf(from),
        Description: `From: ${groups[from]}`,
      },
    };
  }
  // CloudFormation's answers go to S3, whose gateway endpoint is the only way out of the network that routes know.
  resources["FromSetupToS3"] = {
    Type: "AWS::EC2::SecurityGroupEgress",
    Condition: "IsAws",
    Properties: {
      IpProtocol: "tcp",
      FromPort: HTTPS,
      ToPort: HTTPS,
      GroupId: idOf("Setup"),
      CidrIp: "0.0.0.0/0",
      Description: "To: S3",
    },
  };
  return resources;
}

function idOf(group: Group): unknown {
  return attribute(`${group}SecurityGroup`, "GroupId");
}
