import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, RequestError } from "./client.ts";

const intervalMsMax = 30_000;
const retryMs = 2_000;

export interface Live<Answer> {
  /** The last answer; it stays while later ones fail. */
  readonly data: Answer | undefined;
  /** Why the last request failed, until one succeeds. */
  readonly error: RequestError | undefined;
  /** Asks now. */
  readonly refresh: () => void;
}

/** How long to wait after so many failures in a row: twice as long each time, and not all pages at once. */
export function delayAfter(failures: number, intervalMs: number, random: number): number {
  const delay = Math.min(intervalMsMax, intervalMs * 2 ** failures);
  return failures === 0 ? delay : delay * (0.75 + random / 2);
}

/**
 * Asks for `path` again and again: by polling, which works behind an HTTP API of Lambda, where nothing can stay open. Not while nobody
 * looks at the page, and more and more rarely while nobody answers.
 */
export function useLive<Answer>(path: string, intervalMs: number | undefined): Live<Answer> {
  const [state, setState] = useState<{ path: string; data?: Answer; error?: RequestError }>({ path });
  const [asked, setAsked] = useState(0);
  const failures = useRef(0);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      clearTimeout(timer);
      try {
        const data = await get<Answer>(path, controller.signal);
        failures.current = 0;
        setState({ path, data });
      } catch (error) {
        if (controller.signal.aborted) return;
        failures.current++;
        const known = error instanceof RequestError ? error : new RequestError("INTERNAL", String(error));
        setState((before) => ({ ...(before.path === path ? before : { path }), error: known }));
      }
      schedule();
    };
    const schedule = () => {
      if (document.hidden || controller.signal.aborted) return;
      // What is asked for once is asked for until there is an answer.
      if (intervalMs === undefined && failures.current === 0) return;
      timer = setTimeout(ask, delayAfter(failures.current, intervalMs ?? retryMs, Math.random()));
    };
    const look = () => {
      if (!document.hidden && (intervalMs !== undefined || failures.current > 0)) ask();
      else clearTimeout(timer);
    };
    document.addEventListener("visibilitychange", look);
    ask();
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearTimeout(timer);
      controller.abort();
    };
  }, [path, intervalMs, asked]);
  const refresh = useCallback(() => setAsked((count) => count + 1), []);
  // What belongs to another address is not shown under this one.
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : undefined, error: isCurrent ? state.error : undefined, refresh };
}
