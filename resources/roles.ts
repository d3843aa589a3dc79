import { connectorDeclarations } from "../shared/connectors/declarations.ts";
import { topics } from "../shared/kafka/topics.ts";
import { administrator } from "../shared/postgres/users.ts";
import { type Mapping, mappingsOf, type Service } from "./service.ts";
import { attribute, type Deployment, ifAws, type Resource, type Resources, ref, skipping, sub } from "./template.ts";

interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const allow = (Action: readonly string[], Resource: unknown): Statement => ({ Effect: "Allow", Action, Resource });

/** arn:…:cluster/NAME/UUID → arn:…:topic/NAME/UUID/TOPIC, and the same of a group. */
function inCluster(kind: "topic" | "group", name: string): unknown {
  const clusterArn = ref("KafkaCluster");
  return {
    "Fn::Join": [
      "",
      [
        { "Fn::Select": [0, { "Fn::Split": [":cluster/", clusterArn] }] },
        `:${kind}/`,
        { "Fn::Select": [1, { "Fn::Split": [":cluster/", clusterArn] }] },
        `/${name}`,
      ],
    ],
  };
}

/**
 * What a mapping needs of the role of its function.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html
 */
function readsTopic(topic: string, group: string): Statement[] {
  return [
    allow(["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], inCluster("topic", topic)),
    allow(["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"], inCluster("group", group)),
  ];
}

/**
 * What a mapping needs to put records aside in a topic. A producer that may write to some topics only has to be allowed, on the
 * cluster, to do so idempotently. That it has to be read as well is AWS's word.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
 */
function writesTopic(topic: string): Statement[] {
  return [
    allow(
      ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData", "kafka-cluster:WriteData"],
      inCluster("topic", topic),
    ),
    allow(["kafka-cluster:WriteDataIdempotently"], ref("KafkaCluster")),
  ];
}

const findsCluster = [
  ifAws(allow(["kafka:DescribeClusterV2"], ref("KafkaCluster"))),
  // This action knows no resources.
  allow(["kafka:GetBootstrapBrokers"], "*"),
];

const usesCluster = allow(
  ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:DescribeClusterDynamicConfiguration"],
  ref("KafkaCluster"),
);

/** Signs in to PostgreSQL as this user, with a token that is made of the role's own credentials. */
function signsInAs(user: string, { databaseResourceId }: Deployment): Statement {
  const arn = `arn:\${AWS::Partition}:rds-db:\${AWS::Region}:\${AWS::AccountId}:dbuser:\${Instance}/${user}`;
  return allow(["rds-db:connect"], { "Fn::Sub": [arn, { Instance: databaseResourceId }] });
}

const key = attribute("Key", "Arn");

/** For what another service keeps with the stack's key, which that service uses in the name of who calls it. */
function usesKeyBy(
  service: "sns" | "secretsmanager",
  ...actions: ("kms:Decrypt" | "kms:GenerateDataKey")[]
): Statement {
  const Condition = { StringEquals: { "kms:ViaService": sub(`${service}.\${AWS::Region}.amazonaws.com`) } };
  return { ...allow(actions, key), Condition };
}

function functionArn(functionName: string, name: string): unknown {
  return sub(`arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${name}-${functionName}`);
}

/** Lambda decrypts a function's environment in the name of its role. */
function readsEnvironment(functionName: string, { name }: Deployment): Statement {
  const Condition = {
    StringEquals: { "kms:EncryptionContext:aws:lambda:FunctionArn": functionArn(functionName, name) },
  };
  return { ...allow(["kms:Decrypt"], key), Condition };
}

/** MSK Connect can pause, resume and restart a connector since 2026. cfn-lint does not know these actions yet. */
const actionsNewerThanLinter = { "cfn-lint": { config: { ignore_checks: ["W3037"] } } };

/** The stack's connectors, of every generation, whatever MSK Connect makes their ARNs end with: while one takes the place of another, both run. */
function connectorArns(name: string): unknown[] {
  return Object.keys(connectorDeclarations)
    .flatMap((connector) => [connector, `${connector}-*`])
    .map((connector) =>
      sub(`arn:\${AWS::Partition}:kafkaconnect:\${AWS::Region}:\${AWS::AccountId}:connector/${name}-${connector}/*`),
    );
}

/**
 * What the console looks at in Kafka: every topic and group.
 *
 * @see https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
 */
function looksIntoKafka(): readonly unknown[] {
  return [
    allow(["kafka-cluster:Connect", "kafka-cluster:DescribeCluster"], ref("KafkaCluster")),
    allow(
      ["kafka-cluster:DescribeTopic", "kafka-cluster:DescribeTopicDynamicConfiguration", "kafka-cluster:ReadData"],
      inCluster("topic", "*"),
    ),
    allow(["kafka-cluster:DescribeGroup"], inCluster("group", "*")),
  ].map(ifAws);
}

/**
 * What the console does: it sets the offsets of the groups that functions read as, writes records that were put aside to their topic again
 * (a producer that is not idempotent needs no more than to write), and pauses connectors and mappings.
 */
function actsOnThePath(name: string, mappings: readonly Mapping[]): readonly unknown[] {
  const putAside = new Set(
    mappings.flatMap(({ topic, failedRecords }) => (failedRecords === undefined ? [] : [topic])),
  );
  return [
    ifAws(
      allow(
        ["kafka-cluster:AlterGroup"],
        mappings.map(({ group }) => inCluster("group", group)),
      ),
    ),
    ifAws(
      allow(
        ["kafka-cluster:WriteData"],
        [...putAside].map((topic) => inCluster("topic", topic)),
      ),
    ),
    allow(
      ["kafkaconnect:PauseConnector", "kafkaconnect:RestartConnector", "kafkaconnect:ResumeConnector"],
      connectorArns(name),
    ),
    {
      ...allow(
        ["lambda:UpdateEventSourceMapping"],
        sub(`arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:event-source-mapping:*`),
      ),
      Condition: {
        ArnEquals: { "lambda:FunctionArn": mappings.map(({ functionName }) => functionArn(functionName, name)) },
      },
    },
  ];
}

/** What the code of a function asks of AWS itself, apart from PostgreSQL. */
const ownStatements: Readonly<Record<string, (deployment: Deployment, service: Service) => readonly unknown[]>> = {
  console: ({ name, consoleReadOnly }, service) => [
    ...looksIntoKafka(),
    // The actions that list know no resources.
    allow(["kafkaconnect:ListConnectors", "lambda:ListEventSourceMappings"], "*"),
    allow(["kafkaconnect:DescribeConnector"], connectorArns(name)),
    ...(consoleReadOnly ? [] : actsOnThePath(name, mappingsOf(service))),
  ],
  forwardAlerts: () => [
    allow(["sns:Publish"], ref("AlertsTopic")),
    usesKeyBy("sns", "kms:Decrypt", "kms:GenerateDataKey"),
  ],
  prepareDatabase: (deployment) => [
    allow(["secretsmanager:GetSecretValue"], [ifAws(deployment.databaseSecretArn), ref("CaptureSecret")]),
    usesKeyBy("secretsmanager", "kms:Decrypt"),
    // As whom RDS may want a token in place of the password (functions/prepareDatabase/administrator.ts).
    signsInAs(administrator, deployment),
  ],
  rotatePassword: () => [
    allow(
      [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ],
      ref("CaptureSecret"),
    ),
    allow(["secretsmanager:GetRandomPassword"], "*"),
    usesKeyBy("secretsmanager", "kms:Decrypt", "kms:GenerateDataKey"),
  ],
  // This action knows no resources.
  findBrokers: () => [allow(["kafka:GetBootstrapBrokers"], "*")],
};

/** The logical id of a function's role. */
export function roleId(functionName: string): string {
  return `${functionName[0]?.toUpperCase()}${functionName.slice(1)}Role`;
}

const policy = (Statement: readonly unknown[]) => ({ Version: "2012-10-17", Statement });

const trusts = (Service: string, Condition?: unknown) =>
  policy([
    {
      Effect: "Allow",
      Principal: { Service },
      Action: "sts:AssumeRole",
      ...(Condition === undefined ? {} : { Condition }),
    },
  ]);

/**
 * The addresses of functions and of the pollers, which Lambda itself makes and takes away.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
const useNetworkPolicy: Resource = {
  Type: "AWS::IAM::ManagedPolicy",
  Metadata: skipping({
    CKV_AWS_111:
      "EC2 has to be asked before there is an address to name; the statement beside it keeps the functions' own code out",
  }),
  Properties: {
    Description: "What Lambda needs to give functions and mappings addresses in the network",
    PolicyDocument: policy([
      allow(
        [
          "ec2:AssignPrivateIpAddresses",
          "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
          "ec2:UnassignPrivateIpAddresses",
        ],
        "*",
      ),
      // Present when the code of a function asks, absent when Lambda does.
      {
        Effect: "Deny",
        Action: ["ec2:*"],
        Resource: "*",
        Condition: { Null: { "lambda:SourceFunctionArn": "false" } },
      },
    ]),
  },
};

/**
 * What Debezium does on MSK Connect.
 *
 * @see https://docs.aws.amazon.com/msk/latest/developerguide/msk-connect-service-execution-role.html
 */
function connectorsRole(name: string): Resource {
  const written = [topics.transactions.name, topics.alerts.name, topics.activity.name, topics.heartbeat.name];
  return {
    Type: "AWS::IAM::Role",
    Condition: "IsAws",
    Properties: {
      AssumeRolePolicyDocument: trusts("kafkaconnect.amazonaws.com", {
        StringEquals: { "aws:SourceAccount": ref("AWS::AccountId") },
        ArnLike: { "aws:SourceArn": connectorArns(name) },
      }),
      Policies: [
        {
          PolicyName: "connectors",
          PolicyDocument: policy([
            allow(
              ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"],
              ref("KafkaCluster"),
            ),
            allow(
              ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"],
              written.map((topic) => inCluster("topic", topic)),
            ),
            // The workers' own topics and groups.
            allow(
              [
                "kafka-cluster:CreateTopic",
                "kafka-cluster:DescribeTopic",
                "kafka-cluster:DescribeTopicDynamicConfiguration",
                "kafka-cluster:ReadData",
                "kafka-cluster:WriteData",
              ],
              inCluster("topic", "__amazon_msk_connect_*"),
            ),
            allow(
              ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"],
              [inCluster("group", "__amazon_msk_connect_*"), inCluster("group", "connect-*")],
            ),
            allow(["secretsmanager:GetSecretValue"], ref("CaptureSecret")),
            usesKeyBy("secretsmanager", "kms:Decrypt"),
          ]),
        },
      ],
    },
  };
}

/** A role for each function, with what its code and its mappings do; and one for Debezium. */
export function roles(deployment: Deployment, service: Service): Resources {
  const { name } = deployment;
  const resources: Resources = {};
  const mappings = mappingsOf(service);
  for (const [functionName, { environment = {}, vpc }] of Object.entries(service.functions)) {
    const own = mappings.filter((mapping) => mapping.functionName === functionName);
    const logGroup = sub(
      `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${name}-${functionName}:*`,
    );
    const inNetwork = vpc !== false;
    const user = environment["PGUSER"];
    resources[roleId(functionName)] = {
      Type: "AWS::IAM::Role",
      ...(functionName === "console" ? { Metadata: actionsNewerThanLinter } : {}),
      Properties: {
        AssumeRolePolicyDocument: trusts("lambda.amazonaws.com"),
        ...(inNetwork || own.length > 0 ? { ManagedPolicyArns: [ref("UseNetworkPolicy")] } : {}),
        Policies: [
          {
            PolicyName: "function",
            PolicyDocument: policy([
              allow(["logs:CreateLogStream", "logs:PutLogEvents"], logGroup),
              readsEnvironment(functionName, deployment),
              ...(own.length > 0 ? [...findsCluster, ifAws(usesCluster)] : []),
              ...own.flatMap(({ topic, group, failedRecords }) =>
                [...readsTopic(topic, group), ...(failedRecords === undefined ? [] : writesTopic(failedRecords))].map(
                  ifAws,
                ),
              ),
              ...(user === undefined ? [] : [signsInAs(user, deployment)]),
              ...(ownStatements[functionName]?.(deployment, service) ?? []),
            ]),
          },
        ],
      },
    };
  }
  return { ...resources, UseNetworkPolicy: useNetworkPolicy, ConnectorsRole: connectorsRole(name) };
}
