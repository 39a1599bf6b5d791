import { type AccessControl, allowEveryone } from '../../runtime/access-control.ts';
import { Message } from '../../runtime/message.ts';
import { peerOf } from '../secure-channel/local-info.ts';

const NO_PAYLOAD = new Uint8Array(0);

/**
 * Who may use one stream for as long as it is open. What its own peer may not say any more ends it: a chunk that is left out must
 * not be followed by the next one.
 */
export class StreamAccess {
  readonly #allow: AccessControl;
  readonly #allowTo: AccessControl;
  readonly #onDenied: () => void;
  readonly #ends: (() => void)[] = [];
  #peer: string | undefined;
  #isOver = false;

  /** @param onDenied may be called while a message is judged, and again */
  constructor(allow: AccessControl, allowTo: AccessControl, onDenied: () => void) {
    this.#allow = allow;
    this.#allowTo = allowTo;
    this.#onDenied = onDenied;
  }

  /** For the mailbox of the stream's worker. */
  get controls(): { readonly incoming?: AccessControl; readonly outgoing?: AccessControl } {
    return {
      ...(this.#allow !== allowEveryone && { incoming: { allows: (message: Message) => this.#letsIn(message) } }),
      // That it is over may still be said: it holds none of the stream's bytes.
      ...(this.#allowTo !== allowEveryone && { outgoing: { allows: (message: Message) => this.#isOver || this.#letsOut(message) } }),
    };
  }

  /** From the first message of the peer on. */
  watchIncoming(message: Message): void {
    this.#peer = peerOf(message);
    this.#watch(this.#allow, message);
  }

  /** From the first message to the peer on. @returns whether that may be sent */
  watchOutgoing(message: Message): boolean {
    if (!this.#allowTo.allows(message)) return false;
    this.#watch(this.#allowTo, message);
    return true;
  }

  end(): void {
    this.#isOver = true;
    for (const end of this.#ends.splice(0)) end();
  }

  #watch(control: AccessControl, message: Message): void {
    const end = control.watch?.(withoutPayload(message), () => this.#deny());
    if (end === undefined) return;
    if (this.#isOver) end();
    else this.#ends.push(end);
  }

  #letsIn(message: Message): boolean {
    let isAllowed = false;
    try {
      isAllowed = this.#allow.allows(message);
    } finally {
      if (!isAllowed && this.#peer !== undefined && peerOf(message) === this.#peer) this.#deny();
    }
    return isAllowed;
  }

  #letsOut(message: Message): boolean {
    let isAllowed = false;
    try {
      isAllowed = this.#allowTo.allows(message);
    } finally {
      if (!isAllowed) this.#deny();
    }
    return isAllowed;
  }

  #deny(): void {
    if (this.#isOver) return;
    this.end();
    this.#onDenied();
  }
}

/** It is kept as long as the stream: it holds on to no bytes of the frame it came in. */
function withoutPayload({ onward, returnRoute, localInfo, hops, flow, source }: Message): Message {
  const kept = new Message(onward.owned(), returnRoute.owned(), NO_PAYLOAD, localInfo, hops, flow);
  kept.source = source;
  return kept;
}
