import { TransportError } from '../runtime/errors.ts';
import type { ConnectionWorker } from './connection.ts';

/** From the first byte of a frame to its last. Source: reliability.md 2.3. */
export const FRAME_MS = 30_000;

/**
 * Ends a connection whose peer begins a frame and does not end it. One timer serves all frames: when it finds that another
 * frame has begun meanwhile, it looks again later.
 */
export class FrameDeadline {
  readonly #worker: ConnectionWorker;
  #sinceMs: number | undefined;
  #isArmed = false;

  constructor(worker: ConnectionWorker) {
    this.#worker = worker;
  }

  /** A frame has begun now, unless one had begun before. */
  begun(): void {
    this.#sinceMs ??= this.#worker.readAtMs;
    if (!this.#isArmed) this.#lookIn(FRAME_MS);
  }

  /** The frame that had begun is whole. */
  ended(): void {
    this.#sinceMs = undefined;
  }

  #lookIn(delayMs: number): void {
    this.#isArmed = true;
    this.#worker.context.setTimer(delayMs, () => {
      this.#isArmed = false;
      if (this.#sinceMs === undefined) return;
      const nowMs = this.#worker.context.clock.monotonicMs();
      // What we do not read cannot end.
      if (this.#worker.isPaused) this.#sinceMs = nowMs;
      const waitedMs = nowMs - this.#sinceMs;
      if (waitedMs < FRAME_MS) this.#lookIn(FRAME_MS - waitedMs);
      else this.#worker.lose(new TransportError('FRAME_TIMEOUT', `A frame was begun and not ended within ${FRAME_MS / 1_000} s.`));
    });
  }
}
