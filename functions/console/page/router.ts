import { useEffect, useState } from "preact/hooks";

const changed = "tripline:address";

export interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

const here = (): Address => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export function useAddress(): Address {
  const [address, setAddress] = useState(here);
  useEffect(() => {
    const update = () => setAddress(here());
    addEventListener("popstate", update);
    addEventListener(changed, update);
    return () => {
      removeEventListener("popstate", update);
      removeEventListener(changed, update);
    };
  }, []);
  return address;
}

/** Goes to another view; `replace` leaves no trace in the history, for what is typed into a filter. */
export function navigate(href: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  dispatchEvent(new Event(changed));
  if (options.replace !== true) scrollTo(0, 0);
}

/** A link of this page, which does not load it anew; with a modifier key it is the browser's. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest("a");
  if (link === null || link === undefined || link.origin !== location.origin || link.target !== "") return;
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  if (link.hasAttribute("download") || link.pathname.startsWith("/api/")) return;
  // Within a view: the browser knows best.
  if (link.pathname + link.search === location.pathname + location.search && link.hash !== "") return;
  event.preventDefault();
  navigate(link.pathname + link.search + link.hash);
}

/** The address of a view with its filter; what is empty is left out. */
export function addressOf(path: string, filter: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined && value !== "") query.set(name, value);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}
