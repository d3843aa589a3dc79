import colors from "picocolors";

/**
 * A terminal with lines that scroll and one status line that stays at the bottom. Where the output is no terminal, the
 * status is printed as a line of its own every now and then.
 */
export class Screen {
  readonly #isTerminal = process.stdout.isTTY === true;
  #status = "";
  #printedAtMs = Date.now();

  line(text: string): void {
    if (!this.#isTerminal) {
      console.log(text);
      return;
    }
    process.stdout.write(`\r\u001b[2K${text}\n`);
    this.#draw();
  }

  status(text: string): void {
    this.#status = text;
    if (this.#isTerminal) this.#draw();
    else if (Date.now() - this.#printedAtMs >= statusIntervalMs) {
      this.#printedAtMs = Date.now();
      console.log(text);
    }
  }

  /** Takes the status line away. */
  end(): void {
    if (this.#isTerminal && this.#status !== "") process.stdout.write("\r\u001b[2K");
    this.#status = "";
  }

  #draw(): void {
    if (this.#status === "") return;
    // A line that wraps could not be taken back.
    const width = (process.stdout.columns ?? 80) - 1;
    process.stdout.write(`\r\u001b[2K${colors.dim(this.#status.slice(0, width))}`);
  }
}

/** How often the status is printed where it cannot stay in place. */
const statusIntervalMs = 10_000;
