import type { Context } from '../../runtime/context.ts';

/** Calls back once what was collected in this turn has been written: what can wait keeps no message waiting. */
export class AfterWrites {
  readonly #context: Context;
  readonly #callback: () => void;
  #isAsked = false;

  constructor(context: Context, callback: () => void) {
    this.#context = context;
    this.#callback = callback;
  }

  /** Asked more than once meanwhile, it calls back once. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#context.whenQuiet(this.#onQuiet);
  }

  /** Sockets are written to when the node is quiet, and it is quiet again after that. */
  readonly #onQuiet = (): void => this.#context.whenQuiet(this.#onWritten);

  readonly #onWritten = (): void => {
    this.#isAsked = false;
    this.#callback();
  };
}
