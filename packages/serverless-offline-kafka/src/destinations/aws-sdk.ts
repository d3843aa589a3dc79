import { isNativeError } from "node:util/types";
import { MappingError } from "../errors.ts";

/** A service of AWS that takes longer does not answer. */
export const ANSWER_MS_MAX = 10_000;

export interface AwsContext {
  readonly region: string;
  /** Without one the SDK goes by AWS_ENDPOINT_URL and its kin. */
  readonly endpoint?: string;
}

/** For every client: whoever calls tries again by itself, for longer than the SDK would. */
export function clientOptions({ endpoint, region }: AwsContext) {
  return { region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) };
}

/**
 * Loads a client of the AWS SDK. They are optional peers of this package: who needs none installs none.
 *
 * @throws {MappingError} SOK_DEPENDENCY_MISSING
 */
export async function loadClient<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isModuleMissing(cause)) throw cause;
    throw new MappingError("SOK_DEPENDENCY_MISSING", `${name} is not installed: npm install --save-dev ${name}`, {
      cause,
    });
  }
}

/** Loads something once, when it is first needed; a failure is forgotten, so that the next use tries again. */
export class Lazy<Value> {
  readonly #load: () => Promise<Value>;
  #loading: Promise<Value> | undefined;

  constructor(load: () => Promise<Value>) {
    this.#load = load;
  }

  async get(): Promise<Value> {
    this.#loading ??= this.#load();
    const loading = this.#loading;
    try {
      return await loading;
    } catch (error) {
      if (this.#loading === loading) this.#loading = undefined;
      throw error;
    }
  }

  /** Ends what was loaded, if anything was. */
  async end(how: (value: Value) => unknown): Promise<void> {
    const loaded = await this.#loading?.catch(() => undefined);
    this.#loading = undefined;
    if (loaded !== undefined) await how(loaded);
  }
}

/** What an error of the SDK says, and what to do about it where that can be known. One line. */
export function awsReasonOf(error: unknown): string {
  const cause = firstOf(error);
  const advice = codeOf(cause) === "ECONNREFUSED" ? START_IT : ADVICE[cause.name];
  return advice === undefined ? reasonOf(cause) : `${reasonOf(cause)} (${advice})`;
}

/** What an error says, in one line. */
export function reasonOf(error: unknown): string {
  const { message, name } = firstOf(error);
  return (name === "Error" ? message : `${name}: ${message}`).replaceAll(/\s*\n\s*/g, " ");
}

/** A name with two addresses, as localhost has, fails with one error for each and a message for neither. */
function firstOf(error: unknown): Error {
  if (!isNativeError(error)) return new Error(String(error));
  const [first]: readonly unknown[] = "errors" in error && Array.isArray(error.errors) ? error.errors : [];
  return first === undefined ? error : firstOf(first);
}

const START_IT = "is the local AWS running, and AWS_ENDPOINT_URL its address?";
const CREATE_IT = "create it, or correct the ARN";

/** By the names that the services give their errors. */
const ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError: "a local AWS takes any AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, but not none",
  QueueDoesNotExist: CREATE_IT,
  NotFoundException: CREATE_IT,
  NoSuchBucket: CREATE_IT,
  ResourceNotFoundException: CREATE_IT,
};

function codeOf(error: unknown): unknown {
  return isNativeError(error) && "code" in error ? error.code : undefined;
}

/** Node's code for an import and for a require. */
const MODULE_MISSING_CODES: readonly unknown[] = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];

function isModuleMissing(error: unknown): boolean {
  return MODULE_MISSING_CODES.includes(codeOf(error));
}
