// The function of the benchmark: tells the benchmark, which runs in the same process, what has arrived.
export const handler = async (event) => {
  globalThis.benchmark?.(event);
};
