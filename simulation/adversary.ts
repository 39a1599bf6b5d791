import type { Clock } from '../runtime/clock.ts';
import type { Context } from '../runtime/context.ts';
import { Message } from '../runtime/message.ts';
import { type Random, randomFraction } from '../runtime/random.ts';
import type { Worker } from '../runtime/worker.ts';
import type { Tampering } from './faults.ts';

/** How long a message is held that is to come late, or behind one that comes after it. */
const LATE_MS = 400;
/** Of so many earlier messages one is said again, or put in the place of another. */
const REMEMBERED = 32;

export interface AdversaryOptions {
  readonly random: Random;
  readonly clock: Clock;
  /** What it does; one is drawn for each message that it spoils. Default: all. */
  readonly kinds?: readonly Tampering[];
  /** How much of what passes it spoils, 0 to 1. Default: 0.5. */
  readonly ratio?: number;
}

const KINDS: readonly Tampering[] = ['drop', 'duplicate', 'reorder', 'delay', 'corrupt', 'truncate', 'splice', 'replay'];

/**
 * A hop of the enemy: it passes messages on as `hop` does, and spoils some. It sees payloads, as every node on the way does,
 * and keeps what it saw, so that it can say it again in another session.
 */
export class Adversary implements Worker {
  /** How often it did each thing. */
  readonly done = new Map<Tampering, number>();
  /** Whether it does harm at present. */
  isHonest = false;
  readonly #options: AdversaryOptions;
  readonly #kinds: readonly Tampering[];
  readonly #seen: Message[] = [];
  #held: Message | undefined;

  constructor(options: AdversaryOptions) {
    this.#options = options;
    this.#kinds = options.kinds ?? KINDS;
  }

  onMessage(message: Message, context: Context): void {
    const onward = message.step(context.address);
    const before = this.#held;
    this.#held = undefined;
    if (this.isHonest || randomFraction(this.#options.random) >= (this.#options.ratio ?? 0.5)) context.forward(onward);
    else this.#spoil(onward, context);
    if (before !== undefined) context.forward(before);
    this.#seen.push(onward);
    if (this.#seen.length > REMEMBERED) this.#seen.shift();
  }

  #spoil(message: Message, context: Context): void {
    const kind = this.#kinds[this.#draw(this.#kinds.length)] ?? 'drop';
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    switch (kind) {
      case 'drop':
        return;
      case 'duplicate':
        context.forward(message);
        return context.forward(message.again());
      case 'delay':
        context.setTimer(LATE_MS, () => context.forward(message));
        return;
      case 'reorder':
        this.#held = message;
        // The last of all has none behind it.
        context.setTimer(LATE_MS, () => {
          if (this.#held !== message) return;
          this.#held = undefined;
          context.forward(message);
        });
        return;
      case 'corrupt':
        return context.forward(withPayload(message, this.#corrupted(message.payload)));
      case 'truncate':
        return context.forward(withPayload(message, message.payload.slice(0, this.#draw(message.payloadBytes + 1))));
      case 'splice':
        return context.forward(withPayload(message, this.#remembered(message).payload));
      case 'replay':
        context.forward(message);
        return context.forward(this.#remembered(message).again());
    }
  }

  #corrupted(payload: Uint8Array): Uint8Array {
    const bytes = payload.slice();
    const at = this.#draw(bytes.length);
    if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#draw(8));
    return bytes;
  }

  #remembered(otherwise: Message): Message {
    return this.#seen[this.#draw(this.#seen.length)] ?? otherwise;
  }

  #draw(below: number): number {
    return Math.floor(randomFraction(this.#options.random) * below);
  }
}

function withPayload(message: Message, payload: Uint8Array): Message {
  return new Message(message.onward, message.returnRoute, payload, message.localInfo, message.hops, message.flow);
}
