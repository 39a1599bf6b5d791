import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import type { Ingress } from '../../runtime/ingress.ts';
import type { Message } from '../../runtime/message.ts';
import type { Dialect, StreamLink } from './dialect.ts';
import { encodeDisconnect, encodePayloadHead, type PortalMessage, type ResetReason } from './portal-message.ts';

/** A counter of the original has 16 bits. Source: routing.md 4.1 */
const COUNTER_VALUES = 0x1_0000;
/** From so much unread on, the channel is held and the reader has to make progress. Source: decisions.md B6 */
const SLOW_BYTES = 1024 * 1024;
/** The channel is let go at so much, so as not to stop at every chunk. */
const EASED_BYTES = SLOW_BYTES / 2;
/** A stream that makes no progress for so long is reset: all other streams of the channel wait with it. Source: decisions.md B6 */
const SLOW_MS = 15_000;
/** The original has no window, so this is where a stream ends whose reader falls behind for good. Our own bound. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/**
 * To an end of the original: chunks without numbers, no half-close, and no word about why a stream ends. Nothing but
 * pausing the channel holds it back, and nothing but this node knows of a chunk that it has dropped itself.
 * Source: routing.md 4.1 to 4.4; decisions.md B6
 */
export class PlainDialect implements Dialect {
  readonly credit = Number.POSITIVE_INFINITY;
  readonly #context: Context;
  readonly #link: StreamLink;
  #ingress: Ingress;
  #forgetIngress: () => void;
  #letGo: (() => void) | undefined;
  #nextCounter = 0;
  #progressAtMs = 0;
  #slow: Timer | undefined;

  /** @param ingress by which the peer was met, and its chunks will come */
  constructor(context: Context, link: StreamLink, ingress: Ingress) {
    this.#context = context;
    this.#link = link;
    this.#ingress = ingress;
    this.#forgetIngress = this.#watchLosses();
  }

  sendChunk(bytes: Uint8Array): void {
    this.#link.sendChunk(encodePayloadHead(bytes.length), bytes);
  }

  /** There is no half-close: this ends both directions. */
  sendEnd(): void {
    this.#link.sendNote(encodeDisconnect());
    this.#link.report({ type: 'peer.left' });
  }

  sendReset(_reason: ResetReason): void {
    this.#link.sendNote(encodeDisconnect());
  }

  receive(message: PortalMessage, carrier: Message): void {
    switch (message.kind) {
      case 'payload':
        return this.#onPayload(message.bytes, message.counter, carrier);
      case 'disconnect':
        return this.#link.report({ type: 'peer.left' });
      case 'data':
      case 'end':
      case 'window':
      case 'probe':
      case 'reset':
        // Only an end of ours says these, and it heard our announcement while we did not hear its own: that was edited.
        return this.#fault('protocol');
      default:
        return undefined;
    }
  }

  written(): void {
    this.#progressAtMs = this.#context.clock.monotonicMs();
    if (this.#link.unwrittenBytes > EASED_BYTES) return;
    this.#letGo?.();
    this.#letGo = undefined;
  }

  stop(): void {
    this.#slow?.cancel();
    this.#letGo?.();
    this.#forgetIngress();
  }

  #onPayload(bytes: Uint8Array, counter: number | undefined, carrier: Message): void {
    const { ingress } = carrier;
    if (counter !== undefined) {
      if (counter !== this.#nextCounter) return this.#fault('gap');
      this.#nextCounter = (counter + 1) % COUNTER_VALUES;
    }
    if (this.#link.unwrittenBytes + bytes.length > UNREAD_BYTES_MAX) return this.#fault('slow');
    if (ingress !== this.#ingress) this.#follow(ingress);
    this.#link.deliver(bytes, carrier);
    if (this.#link.unwrittenBytes >= SLOW_BYTES) this.#hold();
  }

  #hold(): void {
    if (this.#letGo !== undefined) return;
    this.#letGo = this.#ingress.hold();
    this.#progressAtMs = this.#context.clock.monotonicMs();
    if (this.#slow === undefined) this.#lookAgain(SLOW_MS);
  }

  /** One timer, however often there is progress. */
  #lookAgain(afterMs: number): void {
    this.#slow = this.#context.setTimer(afterMs, () => {
      this.#slow = undefined;
      if (this.#letGo === undefined) return;
      const stuckMs = this.#context.clock.monotonicMs() - this.#progressAtMs;
      if (stuckMs >= SLOW_MS) this.#fault('slow');
      else this.#lookAgain(SLOW_MS - stuckMs);
    });
  }

  /** The peer's chunks come by another way now. */
  #follow(ingress: Ingress): void {
    this.#forgetIngress();
    this.#ingress = ingress;
    this.#forgetIngress = this.#watchLosses();
    if (this.#letGo === undefined) return;
    this.#letGo();
    this.#letGo = ingress.hold();
  }

  /** What was dropped for want of room may have held a chunk of ours, sealed or not; whatever it was, nobody says it again. */
  #watchLosses(): () => void {
    return this.#ingress.onLoss((reason) => {
      if (reason === 'overflow' || reason === 'frame-limit') this.#link.lost();
    });
  }

  #fault(reason: ResetReason): void {
    this.#link.report({ type: 'fault.found', reason });
  }
}
