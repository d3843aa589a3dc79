import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { alarmResources } from "./alarms.ts";
import { connectorResources } from "./connectors.ts";
import { dashboard } from "./dashboard.ts";
import { extensions } from "./extensions.ts";
import { roles } from "./roles.ts";
import { securityGroups } from "./security-groups.ts";
import type { Service } from "./service.ts";
import type { Deployment } from "./template.ts";
import { topicResources } from "./topics.ts";

const projectRoot = join(import.meta.dirname, "..");

export interface Sizes {
  readonly databaseSlotLogMB: string;
  readonly databaseStorageGiB: string;
}

/** What serverless.yml asks for with `${file(resources/generated.cjs):…}`. */
export function generate(deployment: Deployment, service: Service, sizes: Sizes) {
  const alarms = alarmResources(deployment, service, {
    slotLogMB: Number(sizes.databaseSlotLogMB),
    storageGiB: Number(sizes.databaseStorageGiB),
  });
  return {
    template: {
      Resources: {
        ...securityGroups(),
        ...roles(deployment, service),
        ...topicResources(),
        ...connectorResources(deployment),
        ...alarms,
        ...dashboard(deployment, service, Object.keys(alarms)),
      },
      extensions: extensions(deployment, service),
    },
    databaseRevision: databaseRevision(),
  };
}

/** Another one whenever prepareDatabase would do something else. */
function databaseRevision(): string {
  const hash = createHash("sha256");
  for (const folder of ["migrations/mydb", "migrations/activity", "functions/prepareDatabase", "shared/connectors"]) {
    for (const file of readdirSync(join(projectRoot, folder)).sort()) {
      if (!file.includes(".test.")) hash.update(readFileSync(join(projectRoot, folder, file)));
    }
  }
  for (const file of ["migrate.ts", "users.ts"]) hash.update(readFileSync(join(projectRoot, "shared/postgres", file)));
  return hash.digest("hex").slice(0, 12);
}
