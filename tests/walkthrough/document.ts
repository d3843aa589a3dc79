/** What a page with steps asks to be done, in its order. */
export type Step =
  | {
      readonly kind: "run";
      readonly command: string;
      /** In a second terminal, where it goes on. */
      readonly background: boolean;
      /** The same step in containers, as the page gives it. */
      readonly byHand?: string;
      /** What the page says that one sees. */
      readonly shows?: string;
      readonly line: number;
    }
  /** What the second terminal shows by now. */
  | { readonly kind: "watch"; readonly shows: string; readonly line: number }
  /** Ctrl-C in the second terminal. */
  | { readonly kind: "interrupt"; readonly line: number };

/**
 * Reads the steps of a page: blocks of `sh` (or `sh background`), each with the line `> By hand:` and the block of `text` behind it; blocks of
 * `text background`; and the comment `<!-- Ctrl-C -->`.
 */
export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  const lines = markdown.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    const last = steps.at(-1);
    const [, byHand] = /^> By hand: `(.*)`$/.exec(lines[i] ?? "") ?? [];
    if (byHand !== undefined && last?.kind === "run") steps[steps.length - 1] = { ...last, byHand };
    if (lines[i] === "<!-- Ctrl-C -->") steps.push({ kind: "interrupt", line });
    const [, language, attribute = ""] = /^```(\w+) ?(\w*)$/.exec(lines[i] ?? "") ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf("```", i + 1);
    const content = lines.slice(i + 1, end).join("\n");
    i = end;
    if (language === "sh") steps.push({ kind: "run", command: content, background: attribute === "background", line });
    else if (attribute === "background") steps.push({ kind: "watch", shows: content, line });
    else if (last?.kind === "run" && last.shows === undefined) steps[steps.length - 1] = { ...last, shows: content };
    else throw new Error(`Line ${line} shows what no step before it prints`);
  }
  return steps;
}

/** What a terminal shows, as a pattern: `…` stands for anything in its line, and alone in a line for any lines. */
export function patternOf(shown: string): string {
  return shown
    .trimEnd()
    .split("\n")
    .map((line) => {
      if (line.trim() === "…") return "(?:.*\\n)*?";
      const parts = line.trimEnd().split("…");
      return `${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*?")}[ \\t]*\\n`;
    })
    .join("");
}

/** Whether a command printed just that. */
export function showsAll(output: string, shown: string): boolean {
  return new RegExp(`^${patternOf(shown)}$`).test(`${output.trimEnd()}\n`);
}

/** Where, in what a second terminal has printed from a position on, that is over; undefined when it is not there. */
export function endOf(output: string, from: number, shown: string): number | undefined {
  const pattern = new RegExp(patternOf(shown), "g");
  pattern.lastIndex = from;
  return pattern.test(output) ? pattern.lastIndex : undefined;
}
