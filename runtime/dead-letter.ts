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
}

/** Messages that reached nobody: counted by reason, and told to whoever subscribes. Their senders are not told. */
export class DeadLetters {
  readonly #counts = new Map<DeadLetterReason, number>();
  readonly #listeners = new Set<(letter: DeadLetter) => void>();

  /** @returns how to unsubscribe */
  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many so far, of one reason or of all. */
  count(reason?: DeadLetterReason): number {
    if (reason !== undefined) return this.#counts.get(reason) ?? 0;
    let all = 0;
    for (const count of this.#counts.values()) all += count;
    return all;
  }

  /** @internal */
  add(reason: DeadLetterReason, message?: Message): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    for (const listener of this.#listeners) listener({ reason, message });
  }
}
