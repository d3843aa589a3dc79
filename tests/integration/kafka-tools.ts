import type { TestStack } from "./stack.ts";

/** Runs one of Kafka's own command line tools on this stack's broker; what it prints. It may end with 0 although it did nothing: look at what it says. */
export async function kafkaTool(stack: TestStack, tool: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await stack.run(tool, ...args);
  if (code !== 0) throw new Error(`${tool} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}
