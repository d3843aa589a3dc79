import { AsyncLocalStorage } from "node:async_hooks";
import { url as inspectorUrl } from "node:inspector";
import type { Worker } from "node:worker_threads";
import type Lambda from "serverless-offline/lambda";
import type { InvokeOutcome, Invoker } from "../delivery/contract.ts";
import type { MappingEvent } from "../delivery/event.ts";

export interface LambdaInvokerOptions {
  /**
   * One for each invoker: ending its workers, after a timeout, must not end another's. It has to be made with
   * `noTimeout`, for serverless-offline never clears the timer of an invocation that ended in time.
   */
  readonly lambda: Pick<Lambda, "get" | "cleanup">;
  readonly functionKey: string;
  /** undefined waits for ever. */
  readonly timeoutMs: number | undefined;
  /** Whether the function runs in a worker thread: not in process, where its workers are its own, nor in a container. */
  readonly inWorker: boolean;
  /** A new environment for each invocation: serverless-offline's `reloadHandler`. */
  readonly reloadHandler: boolean;
  /** Whether somebody may be at a breakpoint; left out, whether Node listens for a debugger. */
  readonly isDebugging?: () => boolean;
}

/** Whether Node listens for a debugger: `--inspect`, or a development environment that attaches by itself. */
export function isDebugging(): boolean {
  return inspectorUrl() !== undefined;
}

/** Runs a function by serverless-offline, in a worker thread or however else it is configured. */
export class LambdaInvoker implements Invoker {
  readonly #options: LambdaInvokerOptions;
  #onWorkerEnd: (reason: string) => void = () => {};
  #worker: Worker | undefined;
  /** The worker has ended on its own; serverless-offline would still call it. */
  #workerGone = false;

  constructor(options: LambdaInvokerOptions) {
    this.#options = options;
    watchWorkers();
  }

  async invoke(event: MappingEvent): Promise<InvokeOutcome> {
    const { functionKey, lambda, reloadHandler } = this.#options;
    if (this.#workerGone) await this.reset();
    const ended = Promise.withResolvers<InvokeOutcome>();
    this.#onWorkerEnd = (reason) => ended.resolve({ kind: "failed", code: "SOK_FUNCTION_CRASHED", reason });
    const cancelTimeout = this.#limit((reason) =>
      ended.resolve({ kind: "failed", code: "SOK_FUNCTION_TIMED_OUT", reason }),
    );
    try {
      const outcome = await Promise.race([
        currentInvoker.run(this, async (): Promise<InvokeOutcome> => {
          const fn = lambda.get(functionKey);
          fn.setEvent(event);
          return { kind: "returned", response: await fn.runHandler() };
        }),
        ended.promise,
      ]);
      // What timed out still runs and what crashed is never marked idle: both leave with their environment, as on AWS.
      if (outcome.kind === "failed" || reloadHandler) await this.reset();
      return outcome;
    } catch (error) {
      return { kind: "failed", code: "SOK_FUNCTION_FAILED", reason: String(error) };
    } finally {
      cancelTimeout();
      this.#onWorkerEnd = () => {};
    }
  }

  /**
   * Calls back when the invocation has taken too long. While somebody debugs, that is never: the time at a breakpoint is
   * nobody's fault. (SAM CLI does so in its debug mode.)
   */
  #limit(onTimeout: (reason: string) => void): () => void {
    const { isDebugging: isPaused = isDebugging, timeoutMs } = this.#options;
    if (timeoutMs === undefined) return () => {};
    let timer: NodeJS.Timeout;
    const start = () => {
      timer = setTimeout(() => (isPaused() ? start() : onTimeout(`timed out after ${timeoutMs / 1_000} s`)), timeoutMs);
    };
    start();
    return () => clearTimeout(timer);
  }

  /** Ends the environment; the next invocation starts a new one, with the code as it is then. */
  async reset(): Promise<void> {
    this.#worker = undefined;
    this.#workerGone = false;
    await this.#options.lambda.cleanup();
  }

  /** @internal */
  adopt(worker: Worker): void {
    if (!this.#options.inWorker) return;
    this.#worker = worker;
    const end = (reason: string) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#workerGone = true;
      this.#onWorkerEnd(reason);
    };
    worker.on("error", (error) => end(String(error)));
    worker.on("exit", (exitCode) => end(`the worker exited with code ${exitCode}`));
  }
}

const currentInvoker = new AsyncLocalStorage<LambdaInvoker>();
let watching = false;

/**
 * serverless-offline does not listen to its workers: an uncaught error in one would end this process, and an exit leave
 * its call pending for ever. Node tells of each new worker, in the asynchronous context that made it.
 */
function watchWorkers(): void {
  if (watching) return;
  watching = true;
  process.on("worker", (worker) => currentInvoker.getStore()?.adopt(worker));
}
