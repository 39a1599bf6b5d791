import { Listeners } from './listeners.ts';
import type { Message } from './message.ts';

/** Why a message was not handled. */
export type DeadLetterReason =
  | 'unknown-address'
  | 'no-transport'
  | 'empty-route'
  | 'denied-incoming'
  | 'denied-outgoing'
  | 'denied-flow'
  | 'overflow'
  | 'hop-limit'
  | 'route-limit'
  | 'frame-limit'
  | 'stopped'
  | 'failed'
  | 'refused';

export interface DeadLetter {
  readonly reason: DeadLetterReason;
  /** Absent where the message never took shape, such as a frame that was skipped. */
  readonly message?: Message | undefined;
  /** What was thrown over it, if something was: a codec's error names the path of the fault. */
  readonly cause?: unknown;
}

/** Messages that reached nobody: counted by reason, and told to whoever subscribes. Their senders are not told. */
export class DeadLetters {
  readonly #counts = new Map<DeadLetterReason, number>();
  readonly #listeners: Listeners<DeadLetter>;

  /** @internal */
  constructor(onThrown: (thrown: unknown) => void) {
    this.#listeners = new Listeners(onThrown);
  }

  /** @returns how to unsubscribe */
  subscribe(listener: (letter: DeadLetter) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** How many so far, of one reason or of all. */
  count(reason?: DeadLetterReason): number {
    if (reason !== undefined) return this.#counts.get(reason) ?? 0;
    let all = 0;
    for (const count of this.#counts.values()) all += count;
    return all;
  }

  /** @internal */
  add(reason: DeadLetterReason, message?: Message, cause?: unknown): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    if (!this.#listeners.isEmpty) this.#listeners.tell({ reason, message, cause });
  }
}
