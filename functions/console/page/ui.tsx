import { type ComponentChildren, Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Health } from "../api.ts";
import type { RequestError } from "./client.ts";
import type { Live } from "./live.ts";

const healthWords: Readonly<Record<Health, string>> = {
  ok: "works",
  attention: "needs attention",
  fault: "fault",
  unknown: "unknown",
};

/** Never by colour alone: by shape, and in words for who does not see it. */
export function Mark({ health, label = healthWords[health] }: { health: Health; label?: string }) {
  return (
    <span class={`mark ${health}`}>
      <span class="unseen">{label}</span>
    </span>
  );
}

export function State({ health, children }: { health: Health; children: ComponentChildren }) {
  return (
    <span class={`state ${health}`}>
      <Mark health={health} label="" />
      {children}
    </span>
  );
}

export function Heading({ title, children }: { title: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Tripline`;
  }, [title]);
  return (
    <header class="heading">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </header>
  );
}

/** What a view shows until there is an answer, and beside an old one when there is no new one. */
export function Answer<Data>({
  live,
  lines = 6,
  children,
}: {
  live: Live<Data>;
  lines?: number;
  children: (data: Data) => ComponentChildren;
}) {
  const { data, error } = live;
  if (data === undefined && error !== undefined) return <Failure error={error} retry={live.refresh} />;
  if (data === undefined) return <Loading lines={lines} />;
  return (
    <>
      {error !== undefined && (
        <p class="note attention" role="status">
          <Mark health="attention" label="" /> What you see is from before: {error.message}
        </p>
      )}
      {children(data)}
    </>
  );
}

export function Failure({ error, retry }: { error: RequestError; retry?: () => void }) {
  const titles: Partial<Record<RequestError["code"], string>> = {
    OFFLINE: "Nobody answers",
    UNAVAILABLE: "A server does not answer",
    NOT_FOUND: "Not here",
    FORBIDDEN: "Not allowed",
  };
  return (
    <section class="empty" role="alert">
      <h2>{titles[error.code] ?? "That did not work"}</h2>
      <p>{error.message}</p>
      {error.code === "OFFLINE" && (
        <p>
          On a laptop, <code>npm start</code> or <code>npx sls offline</code> runs it. This page tries again by itself.
        </p>
      )}
      {retry !== undefined && error.code !== "NOT_FOUND" && (
        <button type="button" onClick={retry}>
          Try now
        </button>
      )}
    </section>
  );
}

/** As high as what will take its place, so that nothing jumps. */
function Loading({ lines }: { lines: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** A table that scrolls sideways by itself where the window is narrow; so it can be reached by the keyboard. */
export function Table({
  caption,
  columns,
  children,
}: {
  caption: string;
  columns: readonly (string | { readonly title: string; readonly isNumber: true })[];
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <div class="table" role="group" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) =>
              typeof column === "string" ? (
                <th key={column} scope="col">
                  {column}
                </th>
              ) : (
                <th key={column.title} scope="col" class="number">
                  {column.title}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export interface Deed {
  /** What the button says. */
  readonly label: string;
  /** What the dialog asks. */
  readonly title: string;
  readonly description: ComponentChildren;
  readonly run: () => Promise<unknown>;
  readonly isDangerous?: boolean;
}

/** A button that asks first, in a dialog that says what will happen, and then shows how it went. */
export function DeedButton({ deed, disabled = false, done }: { deed: Deed; disabled?: boolean; done?: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" disabled={disabled} onClick={() => setOpen(true)}>
        {deed.label}
      </button>
      {isOpen && (
        <Dialog title={deed.title} close={() => setOpen(false)}>
          <Confirmation deed={deed} close={() => setOpen(false)} done={done} />
        </Dialog>
      )}
    </>
  );
}

function Confirmation({ deed, close, done }: { deed: Deed; close: () => void; done: (() => void) | undefined }) {
  const { error, isRunning, run } = useDeed(async () => {
    await deed.run();
    close();
    done?.();
  });
  return (
    <form
      method="dialog"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <div class="description">{deed.description}</div>
      {error !== undefined && <ErrorNote error={error} />}
      <p class="buttons">
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class={deed.isDangerous === true ? "danger" : "primary"} disabled={isRunning}>
          {deed.label}
        </button>
      </p>
    </form>
  );
}

export function useDeed(work: () => Promise<unknown>) {
  const [error, setError] = useState<Error>();
  const [isRunning, setRunning] = useState(false);
  const run = async () => {
    setRunning(true);
    setError(undefined);
    try {
      await work();
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
    } finally {
      setRunning(false);
    }
  };
  return { error, isRunning, run };
}

export function ErrorNote({ error }: { error: Error }) {
  return (
    <p class="note fault" role="alert">
      <Mark health="fault" label="" /> {error.message}
    </p>
  );
}

/** The browser's own: it keeps the focus, and Escape closes it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    // One that is taken away, and not closed, leaves the focus nowhere. This runs before it is taken away, and closing gives the focus back.
    return () => dialog?.close();
  }, []);
  // The event comes later than the closing: it must not close a dialog that was opened meanwhile in the place of this one.
  const closed = (event: Event) => {
    if ((event.currentTarget as Element).isConnected) close();
  };
  return (
    <dialog ref={element} onClose={closed} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** `created_at` above its value; for the details of one thing. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value], index) => (
        // By its place: headers of a record may have the same name.
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A name may be broken behind its dots and dashes. */
export function Breakable({ name }: { name: string }) {
  return (
    <>
      {name.split(/(?<=[.-])/).map((part, index) => (
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}

/** One of many things in a view, with an address of its own: whoever comes by it is led there when it has been drawn. */
export function Card({ id, label, children }: { id: string; label: string; children: ComponentChildren }) {
  const element = useRef<HTMLElement>(null);
  const [isTarget, setTarget] = useState(false);
  useEffect(() => {
    const look = () => {
      const isMeant = location.hash === `#${encodeURIComponent(id)}`;
      setTarget(isMeant);
      if (!isMeant) return;
      element.current?.scrollIntoView();
      element.current?.focus({ preventScroll: true });
    };
    look();
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, [id]);
  return (
    <section ref={element} class={isTarget ? "card target" : "card"} id={id} aria-label={label} tabIndex={-1}>
      {children}
    </section>
  );
}
