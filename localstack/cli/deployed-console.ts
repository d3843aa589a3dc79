import { once } from "node:events";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { reasonOf, StackError } from "../stack/errors.ts";
import { describeHolder } from "../stack/processes.ts";
import { loopback } from "../stack/settings.ts";
import type { ConsoleOptions } from "./console.ts";
import { dim, printJson } from "./output.ts";
import { abortOnSignals } from "./signals.ts";
import { type SigningProxy, type SigningProxyOptions, startSigningProxy, withoutCredentials } from "./signing-proxy.ts";

/** `tripline console --stage …`: goes on until it is interrupted. */
export async function openDeployedConsole(options: ConsoleOptions): Promise<void> {
  const interrupted = abortOnSignals();
  const findCredentials = () =>
    // Files are read anew: whoever signs in again in another window need not start this again.
    fromNodeProviderChain({
      ignoreCache: true,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
    });
  const credentials = findCredentials();
  await credentials().catch((error: unknown) => {
    const of = options.profile === undefined ? "" : `Profile '${options.profile}': `;
    throw new StackError("CREDENTIALS", of + withoutCredentials(error), { cause: error });
  });
  const { api, region } = await findApi(options, credentials);
  const proxy = await listen({
    api,
    region,
    findCredentials,
    port: portOf(options.port),
    ...(options.verbose === true && !options.json
      ? {
          onAnswer: ({ method, path, status, milliseconds }) =>
            console.log(dim(`${new Date().toISOString()} ${method} ${path} ${status}, ${milliseconds} ms`)),
        }
      : {}),
  });
  const of = options.stage === undefined ? api.host : `stage ${options.stage}`;
  if (options.json) printJson({ ok: true, url: proxy.url, api: api.href, region });
  else console.log(`The console of ${of} is at ${proxy.url}, for whoever is signed in here. Ctrl-C ends it.`);
  if (!interrupted.aborted) await once(interrupted, "abort");
  await proxy.close();
}

async function listen(options: SigningProxyOptions): Promise<SigningProxy> {
  try {
    return await startSigningProxy(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new StackError(
      "PORT_IN_USE",
      `Port ${options.port} is held by ${describeHolder(options.port)}: the console of this machine? Take another one, such as --port 8090.`,
      { cause: error },
    );
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new StackError("USAGE", `--port takes a number up to 65535, not '${text}'.`);
}

type Credentials = ReturnType<typeof fromNodeProviderChain>;

async function findApi(options: ConsoleOptions, credentials: Credentials): Promise<{ api: URL; region: string }> {
  if (options.url !== undefined) return apiAt(options.url, options.region);
  const stackName = `tripline-${options.stage}`;
  const cloudFormation = new CloudFormationClient({
    credentials,
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  try {
    const region = await cloudFormation.config.region();
    const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
    const address = stack?.Outputs?.find(({ OutputKey }) => OutputKey === "HttpApiUrl")?.OutputValue;
    if (address === undefined) {
      throw new StackError("NOT_RUNNING", `Stack ${stackName} in ${region} has no console: deploy this version of it.`);
    }
    return { api: apiAt(address, region).api, region };
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw new StackError(
      "NOT_RUNNING",
      `Where the console of ${stackName} is, CloudFormation does not say: ${reasonOf(error)} Give the region (--region), or the address (--url), which 'npx sls info --verbose' shows as HttpApiUrl.`,
      { cause: error },
    );
  } finally {
    cloudFormation.destroy();
  }
}

/** The region is in the address, unless that is a name of one's own. */
export function apiAt(address: string, given = process.env["AWS_REGION"]): { api: URL; region: string } {
  const api = URL.parse(address);
  if (api === null) throw new StackError("USAGE", `'${address}' is no address.`);
  if (api.protocol !== "https:" && api.hostname !== loopback) {
    throw new StackError("USAGE", `The console's address begins with https://, not as '${address}'.`);
  }
  const [, region = given] = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(api.hostname) ?? [];
  if (region === undefined) throw new StackError("USAGE", `Give the region of ${api.host}: --region eu-central-1.`);
  return { api, region };
}
