import type { Clock, Timer } from './clock.ts';

/** How long reading may be held in all, until it went on for `REST_MS` at a stretch: thus at most 15 s in any 30 s. Source: decisions.md B6 */
export const HELD_MS_MAX = 15_000;
export const REST_MS = 15_000;

/** Holds up the reading of an ingress for whoever asks, and for all of them together only so long that nobody takes the path for dead. */
export class Hold {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #holders = 0;
  #isHeld = false;
  #leftMs = HELD_MS_MAX;
  /** When it last began or ended. */
  #changedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** @returns how to let go; calling it again does nothing */
  take(): () => void {
    this.#holders += 1;
    if (this.#holders === 1) this.#begin();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#holders -= 1;
      if (this.#holders === 0) this.close();
    };
  }

  /** Lets go, whoever holds. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isHeld) this.#end();
  }

  #begin(): void {
    const nowMs = this.#clock.monotonicMs();
    const restedMs = nowMs - this.#changedAtMs;
    if (restedMs >= REST_MS) this.#leftMs = HELD_MS_MAX;
    if (this.#leftMs <= 0) return this.#later(REST_MS - restedMs, () => this.#begin());
    this.#isHeld = true;
    this.#changedAtMs = nowMs;
    this.#later(this.#leftMs, () => {
      this.#end();
      this.#later(REST_MS, () => this.#begin());
    });
    this.#onChange();
  }

  #end(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#isHeld = false;
    this.#leftMs -= nowMs - this.#changedAtMs;
    this.#changedAtMs = nowMs;
    this.#onChange();
  }

  #later(delayMs: number, callback: () => void): void {
    this.#timer = this.#clock.setTimer(delayMs, callback);
  }
}
