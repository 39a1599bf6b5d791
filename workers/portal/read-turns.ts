import type { Clock } from '../../runtime/clock.ts';

/** A stream that reads its socket. */
export interface Reading {
  /** Stops reading until `goOn`. */
  waitForTurn(): void;
  goOn(): void;
}

/**
 * Lets the busy streams of a node take turns: while more than one fills its chunks, none reads a second chunk before the
 * event loop came round. A stream alone never waits. Source: performance.md 6, point 10
 */
export class ReadTurns {
  readonly #clock: Clock;
  readonly #served = new Set<Reading>();
  #waiting: Reading[] = [];
  #busyBefore = 0;
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** More than one stream is busy: none is to read more than a chunk at a time. */
  get areShared(): boolean {
    return this.#busyBefore > 1 || this.#served.size > 1;
  }

  /** The stream has read a full chunk. */
  served(reading: Reading): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#clock.yield(() => this.#next());
    }
    this.#served.add(reading);
    if (this.#served.size <= 1 && this.#busyBefore <= 1) return;
    this.#waiting.push(reading);
    reading.waitForTurn();
  }

  #next(): void {
    this.#isScheduled = false;
    this.#busyBefore = this.#served.size;
    this.#served.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const reading of waiting) reading.goOn();
  }
}
