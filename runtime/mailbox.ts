import type { AccessControl } from './access-control.ts';
import type { Address } from './address.ts';
import type { Message } from './message.ts';
import type { Published } from './published.ts';
import type { Terminal } from './worker.ts';

/** What owns mailboxes and takes messages out of them, one at a time. */
export interface MailboxOwner {
  /** A message was queued: see that it is handled. */
  wake(): void;
  /** No further message is taken; those queued still are. */
  readonly isClosing: boolean;
}

/** The queue that all addresses of one owner share. It is linked through the messages, so an idle one holds no memory. */
export class Queue {
  #head: Message | undefined;
  #tail: Message | undefined;
  count = 0;

  push(message: Message): void {
    if (this.#tail === undefined) this.#head = message;
    else this.#tail.nextQueued = message;
    this.#tail = message;
    this.count += 1;
  }

  shift(): Message | undefined {
    const first = this.#head;
    if (first === undefined) return undefined;
    this.#head = first.nextQueued;
    if (this.#head === undefined) this.#tail = undefined;
    first.nextQueued = undefined;
    this.count -= 1;
    return first;
  }
}

/** An address with its access controls, and the queue behind it. Source: routing.md 1.1. */
export interface Mailbox {
  readonly address: Address;
  /** Undefined lets everything pass, without a call. */
  incoming: AccessControl | undefined;
  readonly outgoing: AccessControl | undefined;
  /** By which ways it is published, and for whom. */
  published: Published | undefined;
  readonly urgent: boolean;
  readonly terminal: Terminal | undefined;
  readonly queue: Queue;
  readonly owner: MailboxOwner;
}
