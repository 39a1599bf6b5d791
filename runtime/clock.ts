/** A timer that can be called off. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only way to time. Timers and deadlines are monotonic; expiry of credentials and keys is wall time, so that a clock
 * that jumps breaks no connection and revives no credential.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Whole seconds since 1970-01-01T00:00:00Z. May jump. */
  wallSeconds(): number;
  /** Calls back once, `delayMs` monotonic milliseconds from now or a little later. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back after the event loop had a turn: sockets and timers get their chance first. */
  yield(callback: () => void): void;
}
