import { StackError } from "../stack/errors.ts";
import { describeHolder, isPortFree } from "../stack/processes.ts";

/**
 * What the functions listen on has to be free: where it is not, `sls offline` ends half way.
 * @throws {StackError} PORT_IN_USE, naming who holds the port
 */
export async function requireFreePorts(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (await isPortFree(port)) continue;
    throw new StackError(
      "PORT_IN_USE",
      `Port ${port}, which the functions need, is held by ${describeHolder(port)}: another 'sls offline'? Stop it first, or set TRIPLINE_PORT_OFFSET=10000.`,
    );
  }
}
