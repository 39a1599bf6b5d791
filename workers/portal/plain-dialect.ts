import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import type { Ingress } from '../../runtime/ingress.ts';
import type { Message } from '../../runtime/message.ts';
import type { Dialect, StreamLink } from './dialect.ts';
import { encodeDisconnect, encodePayloadHead, type PortalMessage, type ResetReason } from './portal-message.ts';

/** A counter of the original has 16 bits. Source: routing.md 4.1 */
const COUNTER_VALUES = 0x1_0000;
/** From so much unread on, a reader has to make progress. Source: decisions.md B6 */
const SLOW_BYTES = 1024 * 1024;
/** A stream that makes no progress for so long is reset: all other streams of the channel wait with it. Source: decisions.md B6 */
const SLOW_MS = 15_000;
/** The original has no window, so this is where a stream ends whose reader falls behind for good. Our own bound. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

interface Charge {
  readonly ingress: Ingress;
  readonly byteCount: number;
}

/**
 * To an end of the original: chunks without numbers, no half-close, and no word about why a stream ends. Nothing but
 * pausing the channel holds it back. Source: routing.md 4.1 to 4.4; decisions.md B6
 */
export class PlainDialect implements Dialect {
  readonly credit = Number.POSITIVE_INFINITY;
  readonly #context: Context;
  readonly #link: StreamLink;
  readonly #unwritten: Charge[] = [];
  #writtenOfFirst = 0;
  #nextCounter = 0;
  #slow: Timer | undefined;

  constructor(context: Context, link: StreamLink) {
    this.#context = context;
    this.#link = link;
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
        return this.#onPayload(message.bytes, message.counter, carrier.ingress);
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

  written(byteCount: number): void {
    this.#slow?.cancel();
    this.#slow = undefined;
    this.#writtenOfFirst += byteCount;
    for (let first = this.#unwritten[0]; first !== undefined && this.#writtenOfFirst >= first.byteCount; first = this.#unwritten[0]) {
      this.#writtenOfFirst -= first.byteCount;
      first.ingress.release(first.byteCount);
      this.#unwritten.shift();
    }
    this.#watchProgress();
  }

  stop(): void {
    this.#slow?.cancel();
    for (const { ingress, byteCount } of this.#unwritten) ingress.release(byteCount);
    this.#unwritten.length = 0;
  }

  #onPayload(bytes: Uint8Array, counter: number | undefined, ingress: Ingress): void {
    if (counter !== undefined) {
      if (counter !== this.#nextCounter) return this.#fault('gap');
      this.#nextCounter = (counter + 1) % COUNTER_VALUES;
    }
    if (this.#link.unwrittenBytes + bytes.length > UNREAD_BYTES_MAX || !ingress.charge(bytes.length)) return this.#fault('slow');
    this.#unwritten.push({ ingress, byteCount: bytes.length });
    this.#link.deliver(bytes);
    this.#watchProgress();
  }

  #watchProgress(): void {
    if (this.#slow !== undefined || this.#link.unwrittenBytes < SLOW_BYTES) return;
    this.#slow = this.#context.setTimer(SLOW_MS, () => this.#fault('slow'));
  }

  #fault(reason: ResetReason): void {
    this.#link.report({ type: 'fault.found', reason });
  }
}
