import type { Clock } from '../../runtime/clock.ts';
import type { Message } from '../../runtime/message.ts';
import { type Edit, withPayload } from '../portal-world.ts';

export const EDIT_KINDS = ['drop', 'swap', 'duplicate', 'delay', 'truncate'] as const;
export type EditKind = (typeof EDIT_KINDS)[number];

const DELAY_MS = 700;
/** The last message of all has none behind it to be swapped with. */
const SWAP_MS_MAX = 400;

/** A relay of the enemy that does something to one message, the one at that position. Source: reliability.md PO1 */
export class OneEdit {
  wasDone = false;
  readonly #clock: Clock;
  readonly #kind: EditKind;
  readonly #direction: 'there' | 'back';
  readonly #position: number;
  #held: Message | undefined;

  constructor(clock: Clock, kind: EditKind, direction: 'there' | 'back', position: number) {
    this.#clock = clock;
    this.#kind = kind;
    this.#direction = direction;
    this.#position = position;
  }

  readonly edit: Edit = (message, direction, index, passOn) => {
    if (direction !== this.#direction) return [message];
    if (index === this.#position) return this.#spoil(message, passOn);
    const before = this.#held;
    this.#held = undefined;
    return before === undefined ? [message] : [message, before];
  };

  #spoil(message: Message, passOn: (later: Message) => void): readonly Message[] {
    this.wasDone = true;
    switch (this.#kind) {
      case 'drop':
        return [];
      case 'duplicate':
        return [message, withPayload(message, message.payload)];
      case 'truncate':
        return [withPayload(message, message.payload.slice(0, message.payload.length >> 1))];
      case 'delay':
        this.#clock.setTimer(DELAY_MS, () => passOn(message));
        return [];
      case 'swap':
        this.#held = message;
        this.#clock.setTimer(SWAP_MS_MAX, () => {
          if (this.#held === undefined) return;
          this.#held = undefined;
          passOn(message);
        });
        return [];
    }
  }
}
