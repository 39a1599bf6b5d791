import type { Loan } from './loan.ts';

/** A large piece of memory, parts of which are out with messages. As a loan it stands for one of them. */
export class Slab implements Loan {
  readonly memory: Uint8Array;
  readonly #onAllBack: (slab: Slab) => void;
  #outCount = 0;

  constructor(byteCount: number, onAllBack: (slab: Slab) => void) {
    this.memory = new Uint8Array(byteCount);
    this.#onAllBack = onAllBack;
  }

  /** Nobody looks at any part of it. */
  get isIdle(): boolean {
    return this.#outCount === 0;
  }

  /** One part more is out. */
  lend(): Loan {
    this.#outCount += 1;
    return this;
  }

  giveBack(): void {
    this.#outCount -= 1;
    if (this.#outCount === 0) this.#onAllBack(this);
  }
}

/** The slab in use, and one more that came back: a slab that does not come back is the collector's. */
export class Slabs {
  #spare: Slab | undefined;
  #current = this.#make(0);

  get current(): Slab {
    return this.#current;
  }

  /** Goes on with another slab: the spare one if it has this size. */
  renew(byteCount: number): Slab {
    const spare = this.#spare;
    const { current } = this;
    this.#spare = current.isIdle && current.memory.length === byteCount ? current : undefined;
    this.#current = spare?.memory.length === byteCount ? spare : this.#make(byteCount);
    return this.#current;
  }

  #make(byteCount: number): Slab {
    return new Slab(byteCount, (slab) => {
      if (slab !== this.#current && slab.memory.length === this.#current.memory.length) this.#spare = slab;
    });
  }
}
