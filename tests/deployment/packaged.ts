import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../localstack/stack/settings.ts";

const run = promisify(execFile);

export interface TemplateResource {
  Type: string;
  Properties: Record<string, unknown>;
  Condition?: string;
  DependsOn?: string[];
  Metadata?: { checkov?: { skip: { id: string; comment: string }[] } };
}

export interface Template {
  Resources: Record<string, TemplateResource>;
}

/** What `sls package` makes of a stage, in a folder of its own. */
export class Packaged {
  readonly folder = mkdtempSync(join(tmpdir(), "tripline-package-"));
  readonly stage: string;

  constructor(stage: string) {
    this.stage = stage;
  }

  async make(): Promise<this> {
    await sls(["package", "--stage", this.stage, "--package", this.folder]);
    return this;
  }

  get templateFile(): string {
    return join(this.folder, "cloudformation-template-update-stack.json");
  }

  get template(): Template {
    return JSON.parse(readFileSync(this.templateFile, "utf8")) as Template;
  }

  /** Unpacks what Lambda would get of a function, and answers the folder. */
  async unpack(functionName: string): Promise<string> {
    const folder = join(this.folder, functionName);
    await run("python3", ["-m", "zipfile", "-e", join(this.folder, `${functionName}.zip`), folder]);
    return folder;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `sls …` in the project, as somebody who deploys does. */
export async function sls(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  try {
    const { stdout, stderr } = await run(
      process.execPath,
      [join(projectRoot, "node_modules/serverless/bin/serverless.js"), ...args],
      { cwd: projectRoot, env: { ...environment, NODE_OPTIONS: "" }, maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`sls ${args.join(" ")} failed: ${stdout}${stderr}`);
  }
}
