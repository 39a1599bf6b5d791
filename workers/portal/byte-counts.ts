import type { ResetReason } from './portal-message.ts';

/**
 * Room is told of in so many parts of the window: the fewer, the longer the sender stands still at its end. Eighths carry a
 * fifth more than halves do.
 */
const TOLD_SHARE = 8;

/** What one end has sent of a numbered stream, and may still send. Source: docs/protocol.md, Portals */
export class SentCount {
  sent = 0;
  hasEnded = false;
  #limit: number;
  #acknowledged = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes may be sent now. */
  get credit(): number {
    return this.#limit - this.sent;
  }

  /** The peer has not told yet that everything came. */
  get isOwed(): boolean {
    return this.#acknowledged < this.#total;
  }

  /** The end came too. */
  get isAcknowledged(): boolean {
    return this.hasEnded && !this.isOwed;
  }

  /**
   * The peer told what it has and takes. What a late message says of the past changes nothing.
   * @returns false when it claims what was never sent
   */
  window(received: number, limit: number): boolean {
    if (received > this.#total) return false;
    this.#acknowledged = Math.max(this.#acknowledged, received);
    this.#limit = Math.max(this.#limit, limit);
    return true;
  }

  /** The end counts as one more byte, so that it can be acknowledged. */
  get #total(): number {
    return this.sent + (this.hasEnded ? 1 : 0);
  }
}

/** What one end has received of a numbered stream, and takes beyond that. Source: docs/protocol.md, Portals */
export class ReceivedCount {
  received = 0;
  limit: number;
  #hasEnded = false;
  #written = 0;
  readonly #windowBytes: number;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
    this.limit = windowBytes;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What a Window message says: the end counts as one more byte. */
  get acknowledgement(): number {
    return this.received + (this.#hasEnded ? 1 : 0);
  }

  /** @returns why these bytes must not be delivered; nothing is counted then */
  data(offset: number, byteCount: number): ResetReason | undefined {
    if (offset !== this.received || this.#hasEnded) return 'gap';
    if (offset + byteCount > this.limit) return 'protocol';
    this.received += byteCount;
    return undefined;
  }

  /** @returns why this cannot be the end; hearing of the same end again is nothing new */
  end(total: number): ResetReason | undefined {
    if (total !== this.received) return 'gap';
    this.#hasEnded = true;
    return undefined;
  }

  /** Bytes have left through the local socket. @returns whether the peer should hear of the room */
  written(byteCount: number): boolean {
    this.#written += byteCount;
    const limit = this.#written + this.#windowBytes;
    if (this.#hasEnded || limit - this.limit < this.#windowBytes / TOLD_SHARE) return false;
    this.limit = limit;
    return true;
  }
}
