import type { InvokeOutcome, Invoker } from "../delivery/contract.ts";
import type { MappingEvent } from "../delivery/event.ts";

/** How many invocations a function may have at once: its reserved concurrency, which all its mappings share. */
export class ConcurrencyLimit {
  readonly #max: number;
  #running = 0;

  /** @param max Infinity where nothing is reserved; 0 switches the function off, as on AWS */
  constructor(max: number) {
    this.#max = max;
  }

  enter(): boolean {
    if (this.#running >= this.#max) return false;
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

/** One environment for each invocation at once, made when it is needed and used again, as on AWS. */
export class InvokerPool implements ResettableInvoker {
  readonly #limit: ConcurrencyLimit;
  readonly #make: () => ResettableInvoker;
  readonly #all: ResettableInvoker[] = [];
  readonly #idle: ResettableInvoker[] = [];

  constructor(limit: ConcurrencyLimit, make: () => ResettableInvoker) {
    this.#limit = limit;
    this.#make = make;
  }

  async invoke(event: MappingEvent): Promise<InvokeOutcome> {
    if (!this.#limit.enter()) return { kind: "throttled" };
    const invoker = this.#idle.pop() ?? this.#add();
    try {
      return await invoker.invoke(event);
    } finally {
      this.#idle.push(invoker);
      this.#limit.leave();
    }
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
