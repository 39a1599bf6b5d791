import { TransportError } from '../runtime/errors.ts';
import type { ConnectionWorker } from './connection.ts';

/**
 * A peer that takes nothing of what waits for so long is gone, or keeps others waiting at will. An honest one may hold its
 * reading for 15 s in any 30 s. Source: decisions.md B6
 */
export const STALLED_MS = 30_000;
const CHECK_MS = 5_000;
/** Counted, not timed: a machine that slept gives its peers their time again. */
const CHECKS_MAX = STALLED_MS / CHECK_MS;

/** Ends a connection whose bytes do not leave. One timer serves all waits, as in `FrameDeadline`. */
export class StallWatch {
  readonly #worker: ConnectionWorker;
  readonly #progress: () => number | undefined;
  #isWaiting = false;
  #isArmed = false;
  #checks = 0;
  #lastProgress: number | undefined;

  /** @param progress see `ByteStream.drainProgress` */
  constructor(worker: ConnectionWorker, progress: () => number | undefined) {
    this.#worker = worker;
    this.#progress = progress;
  }

  /** Bytes begin to wait. */
  began(): void {
    this.#isWaiting = true;
    // The check of an earlier wait may come too soon to count.
    this.#checks = this.#isArmed ? -1 : 0;
    this.#lastProgress = this.#progress();
    if (!this.#isArmed) this.#arm();
  }

  /** None waits any more. */
  ended(): void {
    this.#isWaiting = false;
  }

  #arm(): void {
    this.#isArmed = true;
    this.#worker.context.setTimer(CHECK_MS, () => {
      this.#isArmed = false;
      if (this.#isWaiting) this.#check();
    });
  }

  #check(): void {
    const progress = this.#progress();
    this.#checks = progress === this.#lastProgress ? this.#checks + 1 : 0;
    this.#lastProgress = progress;
    if (this.#checks < CHECKS_MAX) return this.#arm();
    this.#worker.lose(
      new TransportError('PEER_STALLED', `The peer took nothing of what waits for it for ${STALLED_MS / 1_000} s: it does not read.`),
    );
  }
}
