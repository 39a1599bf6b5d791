import type { Clock, Timer } from '../runtime/clock.ts';

/** The longest delay that `setTimeout` takes; it turns a longer one into 1 ms. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The clock of this machine. A pending timer keeps the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallSeconds: () => Math.floor(Date.now() / 1_000),
  setTimer,
  yield: (callback) => void setImmediate(callback),
};

function setTimer(delayMs: number, callback: () => void): Timer {
  const dueMs = performance.now() + delayMs;
  let pending = setTimeout(check, hostDelay(delayMs));
  return { cancel: () => clearTimeout(pending) };

  // The host rounds delays to whole milliseconds and may be early by a part of one: a deadline that was reported is a deadline that passed.
  function check(): void {
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) pending = setTimeout(check, hostDelay(leftMs));
    else callback();
  }
}

/** Whole milliseconds: the host keeps a list for each delay that is asked for, and most are those of a constant and some microseconds. */
const hostDelay = (delayMs: number) => Math.min(Math.ceil(delayMs), DELAY_MS_MAX);
