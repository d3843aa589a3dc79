import { createHash } from "node:crypto";
import { connectorDeclarations } from "../shared/connectors/declarations.ts";
import { topics } from "../shared/kafka/topics.ts";
import { users } from "../shared/postgres/users.ts";
import { pluginKey, pluginVersion } from "./connect-plugin/plugin.ts";
import { attribute, type Deployment, logicalId, type Resource, type Resources, ref } from "./template.ts";
import { offsetsTopic, topicId } from "./topics.ts";

type Config = Readonly<Record<string, unknown>>;

/** What a declaration leaves open. */
const values: Config = {
  "postgres.host": attribute("Database", "Endpoint.Address"),
  "postgres.port": attribute("Database", "Endpoint.Port"),
  "postgres.user": users.capture,
  "topics.transactions.partitions": String(topics.transactions.partitions),
};

/** What is otherwise than on a laptop: the way to PostgreSQL. */
function onAws(config: Config): Config {
  const { "database.password": _, ...rest } = config;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([property, value]) => [property, filledIn(value)])),
    // The password is in no configuration: the plugin asks Secrets Manager for it, at each connection, so that a change needs no restart.
    "driver.authenticationPluginClassName": "tripline.connect.SecretPassword",
    "driver.triplineSecret": ref("CaptureSecret"),
    "driver.triplineRegion": ref("AWS::Region"),
    "database.sslmode": "verify-full",
    "database.sslfactory": "tripline.connect.RdsAuthorities",
    // Made by prepareDatabase: a publication can be made by the owner of its tables only.
    "publication.autocreate.mode": "disabled",
  };
}

function filledIn(value: unknown): unknown {
  const [, name] = /^\{\{(.+)\}\}$/.exec(String(value)) ?? [];
  if (name === undefined) return value;
  const known = values[name];
  if (known === undefined)
    throw new Error(`A connector asks for {{${name}}}, which resources/connectors.ts does not know`);
  return known;
}

/** 1 MCU is a core and 4 GiB. Debezium has one task a connector, which is one core's work. */
const capacity = { ProvisionedCapacity: { McuCount: 1, WorkerCount: 1 } };
/** MSK Connect's newest, which runs on Java 17. */
const connectVersion = "3.7.x";

const workerProperties = `key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.storage.topic=${offsetsTopic}
offset.flush.interval.ms=1000
`;

/** Nothing of a worker configuration can change: a new one has a new name. */
const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

export function connectorResources({ name, stage, connectors }: Deployment): Resources {
  const version = pluginVersion();
  const plugin: Resource = {
    Type: "AWS::KafkaConnect::CustomPlugin",
    Condition: "IsAws",
    Properties: {
      // Nothing of a plugin can change: a new one has a new name.
      Name: `${name}-debezium-${version}`,
      ContentType: "ZIP",
      Location: {
        S3Location: { BucketArn: attribute("ServerlessDeploymentBucket", "Arn"), FileKey: pluginKey(stage) },
      },
    },
  };
  const worker: Resource = {
    Type: "AWS::KafkaConnect::WorkerConfiguration",
    Condition: "IsAws",
    Properties: {
      Name: `${name}-worker-${digest(workerProperties)}`,
      PropertiesFileContent: { "Fn::Base64": workerProperties },
    },
  };
  const resources: Resources = { ConnectPlugin: plugin, ConnectWorker: worker };
  for (const [connector, config] of Object.entries(connectorDeclarations)) {
    const deployedName = connectors.get(connector);
    if (deployedName === undefined) continue;
    resources[logicalId(connector)] = {
      Type: "AWS::KafkaConnect::Connector",
      Condition: "IsAws",
      DependsOn: [
        "PreparedDatabase",
        "CaptureSecretRotation",
        topicId(`${config["topic.prefix"]}.${config["table.include.list"]}`),
        topicId(topics.heartbeat.name),
        topicId(offsetsTopic),
        "SecretsEndpoint",
        ...["Database", "Kafka", "Endpoints"].flatMap((to) => [`FromConnectorsTo${to}`, `In${to}FromConnectors`]),
      ],
      Properties: {
        ConnectorName: deployedName,
        ConnectorConfiguration: onAws(config),
        KafkaConnectVersion: connectVersion,
        Capacity: capacity,
        Plugins: [
          {
            CustomPlugin: {
              CustomPluginArn: attribute("ConnectPlugin", "CustomPluginArn"),
              Revision: attribute("ConnectPlugin", "Revision"),
            },
          },
        ],
        WorkerConfiguration: {
          WorkerConfigurationArn: attribute("ConnectWorker", "WorkerConfigurationArn"),
          Revision: attribute("ConnectWorker", "Revision"),
        },
        KafkaCluster: {
          ApacheKafkaCluster: {
            BootstrapServers: attribute("Brokers", "BootstrapServers"),
            Vpc: {
              Subnets: ["SubnetA", "SubnetB", "SubnetC"].map(ref),
              SecurityGroups: [attribute("ConnectorsSecurityGroup", "GroupId")],
            },
          },
        },
        KafkaClusterClientAuthentication: { AuthenticationType: "IAM" },
        KafkaClusterEncryptionInTransit: { EncryptionType: "TLS" },
        ServiceExecutionRoleArn: attribute("ConnectorsRole", "Arn"),
        LogDelivery: { WorkerLogDelivery: { CloudWatchLogs: { Enabled: true, LogGroup: ref("ConnectLogs") } } },
      },
    };
  }
  return resources;
}
