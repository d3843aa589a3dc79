import { stripVTControlCharacters } from "node:util";

/** How often the same kind of line is printed where lines cannot be replaced. */
const printEveryMs = 10_000;

/** What is going on, on standard error, so that standard output holds results alone. */
export class Status {
  readonly #isTerminal = process.stderr.isTTY === true;
  #shown = "";
  #printedAtMs = 0;
  #kind = "";

  /** One line that replaces the one before. Where the output is no terminal, a line of its own now and then. */
  show(text: string): void {
    if (this.#isTerminal) {
      this.#shown = text;
      process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
      return;
    }
    // Lines that differ in their figures alone are of a kind.
    const kind = text.replaceAll(/[\d.,]+/g, "#");
    if (kind === this.#kind && Date.now() - this.#printedAtMs < printEveryMs) return;
    this.#kind = kind;
    this.#printedAtMs = Date.now();
    process.stderr.write(`${stripVTControlCharacters(text)}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isTerminal && this.#shown !== "") process.stderr.write("\r\u001b[2K");
    this.#shown = "";
  }

  /** For a person: to standard error where standard output is for a script. */
  print(text: string): void {
    if (process.argv.includes("--json")) process.stderr.write(`${text}\n`);
    else console.log(text);
  }
}
