import type { Clock, Timer } from '../runtime/clock.ts';

/** By how much the wall clock of a node is wrong, in all its lives. */
export interface Skew {
  seconds: number;
}

/**
 * The clock of one life of one node: the world's time, its own idea of the wall clock, and the power to stand still or to
 * die. What is due while it stands still is done when it goes on; what a dead one had planned never happens.
 */
export class NodeClock implements Clock {
  readonly #world: Clock;
  readonly #timers = new Set<Timer>();
  readonly #wrong: Skew;
  #isDead = false;
  /** What came due while it stood still. */
  #late: (() => void)[] | undefined;

  constructor(world: Clock, wrong: Skew) {
    this.#world = world;
    this.#wrong = wrong;
  }

  monotonicMs(): number {
    return this.#world.monotonicMs();
  }

  wallSeconds(): number {
    return this.#world.wallSeconds() + this.#wrong.seconds;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (this.#isDead) return { cancel: () => undefined };
    let isOff = false;
    const timer = this.#world.setTimer(delayMs, () => {
      const call = () => {
        if (isOff || this.#isDead) return;
        isOff = true;
        this.#timers.delete(handle);
        callback();
      };
      if (this.#late === undefined) call();
      else this.#late.push(call);
    });
    const handle: Timer = {
      cancel: () => {
        isOff = true;
        this.#timers.delete(handle);
        timer.cancel();
      },
    };
    this.#timers.add(handle);
    return handle;
  }

  yield(callback: () => void): void {
    this.setTimer(0, callback);
  }

  /** How many callbacks are planned. */
  get timerCount(): number {
    return this.#timers.size;
  }

  get isPaused(): boolean {
    return this.#late !== undefined;
  }

  pause(): void {
    this.#late ??= [];
  }

  resume(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    // In a step of their own each, as a process that goes on takes them one by one.
    for (const call of late) this.#world.yield(call);
  }

  /** The power is gone. */
  die(): void {
    this.#isDead = true;
    for (const timer of [...this.#timers]) timer.cancel();
  }
}
