import { type MappingAction, type MappingList, type MappingView, mappingActions } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { NoBody, parse, type Route } from "../http/router.ts";

/** Where the event source mappings are: in `sls offline`, or in Lambda. */
export interface Mappings {
  /** @param options.fresh asks whoever knows, and not what was known a moment ago */
  list(options?: { readonly fresh: boolean }): Promise<readonly MappingView[]>;
  act(name: string, action: MappingAction): Promise<void>;
  /**
   * Lets a mapping that runs go on from these offsets, of its topic. undefined: it cannot be done while it runs, and its group's offsets can
   * be set when it does not.
   */
  readonly replay: ((name: string, offsets: ReadonlyMap<number, number>) => Promise<void>) | undefined;
}

export function mappingRoutes(mappings: Mappings): Route[] {
  const nameOf = (path: Readonly<Record<string, string>>) => path["mapping"] as string;
  return [
    {
      method: "GET",
      path: "/api/mappings",
      view: async (): Promise<MappingList> => ({ mappings: await mappings.list() }),
    },
    ...mappingActions.map(
      (action): Route => ({
        method: "POST",
        path: `/api/mappings/:mapping/${action}`,
        action: ({ path }) => ({ name: `mapping.${action}`, target: nameOf(path) }),
        act: async ({ path, body }) => {
          parse(NoBody, body);
          const known = (await mappings.list({ fresh: true })).find(({ name }) => name === nameOf(path));
          if (known === undefined) throw new ConsoleError("NOT_FOUND", `There is no mapping '${nameOf(path)}'.`);
          if (!known.actions.includes(action)) {
            throw new ConsoleError("CONFLICT", `The mapping is ${known.state} and cannot be told to ${action}.`);
          }
          await mappings.act(known.name, action);
          return {};
        },
      }),
    ),
  ];
}
