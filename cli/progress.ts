import type { Output } from './invocation.ts';
import type { Palette } from './terminal.ts';

/** What takes no longer is not worth a word. Source: command-line.md 8.2 */
const AFTER_MS = 300;
const FRAME_MS = 80;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR_LINE = '\r\u001b[2K';

export interface ProgressOptions {
  readonly stderr: Output;
  readonly colors: Palette;
  /** A spinner where a person looks; elsewhere each message is a line of its own. */
  readonly spins: boolean;
}

/** Says on standard error what a command is doing, once that takes a while. Source: command-line.md 8.2 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #said = new Set<string>();
  #message: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #isShown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** @param message in the present tense: `Waiting for node n1` */
  say(message: string): void {
    this.#message = message;
    if (this.#isShown) this.#show();
    else this.#timer ??= setTimeout(() => this.#begin(), AFTER_MS).unref();
  }

  /** Makes room for other text: the line is cleared, and is back with the next frame. */
  clear(): void {
    if (this.#isShown && this.#options.spins) this.#options.stderr.write(CLEAR_LINE);
  }

  /** Nothing is going on any more. @returns what was going on */
  end(): string | undefined {
    clearTimeout(this.#timer);
    this.clear();
    const message = this.#message;
    this.#timer = undefined;
    this.#message = undefined;
    this.#isShown = false;
    return message;
  }

  #begin(): void {
    this.#isShown = true;
    this.#show();
    if (this.#options.spins) this.#timer = setInterval(() => this.#show(), FRAME_MS).unref();
  }

  #show(): void {
    const { stderr, colors, spins } = this.#options;
    const message = this.#message ?? '';
    if (spins) {
      const frame = FRAMES[this.#frame++ % FRAMES.length] ?? '';
      // A line that wraps could not be cleared.
      const room = (stderr.columns ?? 80) - 4;
      stderr.write(`${CLEAR_LINE}  ${colors.note(frame)} ${message.slice(0, Math.max(0, room))}`);
    } else if (!this.#said.has(message)) {
      this.#said.add(message);
      stderr.write(`    ${message}...\n`);
    }
  }
}
