import type { InvokeOutcome, Invoker } from "../delivery/contract.ts";
import type { MappingEvent } from "../delivery/event.ts";

/** How many invocations a function may have at once: its reserved concurrency, which all its mappings share. */
export class ConcurrencyLimit {
  readonly max: number;
  #running = 0;

  /** @param max Infinity where nothing is reserved; 0 switches the function off, as on AWS */
  constructor(max: number) {
    this.max = max;
  }

  enter(): boolean {
    if (this.#running >= this.max) return false;
    this.#running += 1;
    return true;
  }

  leave(): void {
    this.#running -= 1;
  }
}

/** An invoker of one environment, which can be ended. */
export interface ResettableInvoker extends Invoker {
  reset(): Promise<void>;
}

/**
 * One environment for each invocation at once, made when it is needed and used again, as on AWS. Not more than
 * `environmentsMax` of them: each is a thread with a memory of its own, and a machine has few cores. An invocation beyond
 * that waits its turn.
 */
export class InvokerPool implements ResettableInvoker {
  readonly #limit: ConcurrencyLimit;
  readonly #make: () => ResettableInvoker;
  readonly #environmentsMax: number;
  readonly #all: ResettableInvoker[] = [];
  /** The one that was used last at the end. */
  readonly #idle: ResettableInvoker[] = [];
  readonly #waiting: ((invoker: ResettableInvoker) => void)[] = [];
  /** Who had the last batch of a partition: what the function remembers of it, it remembers there. */
  readonly #lastOf = new Map<string, ResettableInvoker>();

  constructor(limit: ConcurrencyLimit, make: () => ResettableInvoker, environmentsMax = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#make = make;
    this.#environmentsMax = environmentsMax;
  }

  /** Where the reserved concurrency is the tighter limit, an invocation beyond it is throttled, as on AWS, and waits for nobody. */
  get invocationsMax(): number {
    return this.#environmentsMax < this.#limit.max ? this.#environmentsMax : Number.POSITIVE_INFINITY;
  }

  async invoke(event: MappingEvent): Promise<InvokeOutcome> {
    if (!this.#limit.enter()) return { kind: "throttled" };
    const partitions = Object.keys(event.records);
    const invoker = await this.#take(partitions);
    for (const partition of partitions) this.#lastOf.set(partition, invoker);
    try {
      return await invoker.invoke(event);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(invoker);
      else this.#idle.push(invoker);
      this.#limit.leave();
    }
  }

  #take(partitions: readonly string[]): ResettableInvoker | Promise<ResettableInvoker> {
    for (const partition of partitions) {
      const index = this.#idle.indexOf(this.#lastOf.get(partition) as ResettableInvoker);
      if (index >= 0) return this.#idle.splice(index, 1)[0] as ResettableInvoker;
    }
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#all.length < this.#environmentsMax) return this.#add();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends all environments. Only while nothing is invoked. */
  async reset(): Promise<void> {
    await Promise.all(this.#all.map((invoker) => invoker.reset()));
  }

  #add(): ResettableInvoker {
    const invoker = this.#make();
    this.#all.push(invoker);
    return invoker;
  }
}
