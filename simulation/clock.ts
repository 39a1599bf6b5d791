import type { Clock, Timer } from '../runtime/clock.ts';
import { SimulationError } from './errors.ts';

/** More steps than any scenario of ours takes; a livelock reaches it in seconds. */
const STEPS_MAX = 1_000_000;
/** 2023-11-14T22:13:20Z: any moment would do. */
const EPOCH_SECONDS = 1_700_000_000;

interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** `undefined` once cancelled. */
  callback: (() => void) | undefined;
}

export interface SimulatedClockOptions {
  /** Wall time at virtual time 0. */
  readonly epochSeconds?: number;
}

export interface RunOptions {
  /** How many callbacks may run before this counts as a livelock; 1,000,000 by default. */
  readonly stepsMax?: number;
}

/**
 * Virtual time: it stands still while code runs, and moves when told to. Timers, yields and, through them, the packets of a
 * `SimulatedNetwork` are one queue ordered by (time, insertion), so that the same program does the same things every time.
 */
export class SimulatedClock implements Clock {
  readonly #queue = new Heap();
  readonly #epochSeconds: number;
  #nowMs = 0;
  #order = 0;
  #pending = 0;
  #jumpedSeconds = 0;

  constructor({ epochSeconds = EPOCH_SECONDS }: SimulatedClockOptions = {}) {
    this.#epochSeconds = epochSeconds;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallSeconds(): number {
    return Math.floor(this.#epochSeconds + this.#jumpedSeconds + this.#nowMs / 1_000);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#queue.push(entry);
    this.#pending++;
    return {
      cancel: () => {
        if (entry.callback === undefined) return;
        entry.callback = undefined;
        this.#pending--;
      },
    };
  }

  yield(callback: () => void): void {
    this.setTimer(0, callback);
  }

  /** How many callbacks wait for their time: zero once all is quiet. */
  get pendingCount(): number {
    return this.#pending;
  }

  /** Sets the wall clock forward, or back. Timers do not notice. */
  jumpWall(seconds: number): void {
    this.#jumpedSeconds += seconds;
  }

  /** This clock as a machine sees it whose wall clock is wrong by that much; it can jump on its own. */
  skewed(seconds: number): Clock & { jumpWall(seconds: number): void } {
    let skewSeconds = seconds;
    return {
      monotonicMs: () => this.monotonicMs(),
      wallSeconds: () => this.wallSeconds() + skewSeconds,
      setTimer: (delayMs, callback) => this.setTimer(delayMs, callback),
      yield: (callback) => {
        this.yield(callback);
      },
      jumpWall: (by) => {
        skewSeconds += by;
      },
    };
  }

  /** Moves to the next callback and runs it. @returns false when there is none up to `untilMs` */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    for (let entry = this.#queue.first; entry !== undefined && entry.atMs <= untilMs; entry = this.#queue.first) {
      this.#queue.pop();
      const { callback } = entry;
      if (callback === undefined) continue;
      entry.callback = undefined;
      this.#pending--;
      this.#nowMs = entry.atMs;
      callback();
      return true;
    }
    return false;
  }

  /**
   * Lets that much time pass, all within this call: promises do not settle in between. For code without promises; others `run`.
   * @throws {SimulationError} `STEP_LIMIT`
   */
  advance(ms: number, { stepsMax = STEPS_MAX }: RunOptions = {}): void {
    const untilMs = this.#nowMs + ms;
    for (let steps = 0; this.step(untilMs); steps++) if (steps >= stepsMax) throw this.#stepLimit(stepsMax);
    this.#nowMs = untilMs;
  }

  /**
   * Lets time pass until `untilMs`; after each callback all promises that can settle do.
   * @throws {SimulationError} `STEP_LIMIT`
   */
  async run({ untilMs, stepsMax = STEPS_MAX }: RunOptions & { readonly untilMs: number }): Promise<void> {
    await settled();
    for (let steps = 0; this.step(untilMs); steps++) {
      if (steps >= stepsMax) throw this.#stepLimit(stepsMax);
      await settled();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /**
   * Runs until nothing waits for time any more. A node with a heartbeat is never quiet: `run` it until a time instead.
   * @throws {SimulationError} `STEP_LIMIT`
   */
  async runUntilQuiet({ stepsMax = STEPS_MAX }: RunOptions = {}): Promise<void> {
    await settled();
    for (let steps = 0; this.step(); steps++) {
      if (steps >= stepsMax) throw this.#stepLimit(stepsMax);
      await settled();
    }
  }

  /**
   * Runs until the promise is settled, and gives what it gives.
   * @throws {SimulationError} `NEVER_SETTLED` when nothing is left that could settle it; `STEP_LIMIT`
   */
  async runUntil<Value>(promise: PromiseLike<Value>, { stepsMax = STEPS_MAX }: RunOptions = {}): Promise<Value> {
    const wait = { isOver: false };
    const over = () => void (wait.isOver = true);
    promise.then(over, over);
    await settled();
    for (let steps = 0; !wait.isOver; steps++) {
      if (steps >= stepsMax) throw this.#stepLimit(stepsMax);
      if (!this.step()) throw new SimulationError('NEVER_SETTLED', `At ${this.#nowMs} ms nothing is left that could settle the promise.`);
      await settled();
    }
    return promise;
  }

  #stepLimit(stepsMax: number): SimulationError {
    return new SimulationError(
      'STEP_LIMIT',
      `${stepsMax} steps did not suffice: at ${this.#nowMs} ms ${this.#pending} callbacks are pending. Something goes round in circles.`,
    );
  }
}

/** An immediate comes after every promise that needs no outside event, however long their chain. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** A binary heap: the earliest entry first, the older one of two for the same time. */
class Heap {
  readonly #entries: Entry[] = [];

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  push(entry: Entry): void {
    const entries = this.#entries;
    let at = entries.length;
    while (at > 0) {
      const parent = entries[(at - 1) >> 1];
      if (parent === undefined || isBefore(parent, entry)) break;
      entries[at] = parent;
      at = (at - 1) >> 1;
    }
    entries[at] = entry;
  }

  pop(): void {
    const entries = this.#entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return;
    let at = 0;
    for (;;) {
      let next = 2 * at + 1;
      let child = entries[next];
      const right = entries[next + 1];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        next++;
      }
      if (isBefore(last, child)) break;
      entries[at] = child;
      at = next;
    }
    entries[at] = last;
  }
}

const isBefore = (left: Entry, right: Entry) => left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
