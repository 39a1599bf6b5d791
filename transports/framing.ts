import { copied } from '../runtime/codec/small-bytes.ts';
import { TransportError } from '../runtime/errors.ts';
import type { Loan } from '../runtime/loan.ts';
import { Slabs } from '../runtime/slab.ts';

/** The version of the TCP protocol, sent once in each direction. Source: routing.md 3.1. */
export const TCP_VERSION = 1;
/** Bytes of a frame before its body: its length, unsigned and big-endian. Source: routing.md 3.2. */
export const FRAME_HEAD_BYTES = 4;
/** A frame that claims more is no frame of this protocol. Source: routing.md 3.2. */
export const FRAME_BYTES_LIMIT = 16 * 1024 * 1024;
/** Larger frames are skipped, and never sent, unless configured. Source: decisions.md B2. */
export const FRAME_BYTES_MAX = 256 * 1024;

/** The first memory a connection gets: thousands of quiet ones stay cheap. */
const SLAB_BYTES_FIRST = 16 * 1024;
/** What a busy connection gets: the size at which reading is fastest. Source: performance.md 4. */
const SLAB_BYTES_BUSY = 256 * 1024;
/** With less room than this left, a read would be cut short: take new memory. */
const ROOM_BYTES_MIN = 4 * 1024;
/**
 * Smaller bodies are copied out: a view would keep its whole slab alive for as long as the message waits, and a thousand small
 * ones that a peer spreads over slabs would hold 256 MiB.
 */
export const COPIED_BYTES_MAX = 16 * 1024;

export interface FrameSink {
  /**
   * One whole body: its bytes are the receiver's to keep, and nothing is written over them before `loan`, where there is one, was given
   * back.
   */
  onFrame(body: Uint8Array, loan: Loan | undefined): void;
  /** A body over the configured size was left unread. */
  onSkipped(bytes: number): void;
}

/**
 * Cuts a byte stream into frames. It lends memory to the stream and hands out views of it, so a large frame is copied only
 * when it does not fit into what is left. Memory grows with the bytes that came, never with a claimed length.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #frameBytesMax: number;
  readonly #slabs = new Slabs();
  #slab = this.#slabs.current.memory;
  /** Views of `slab[0, viewed)` were handed out: that part is not written again before all of them have come back. */
  #viewed = 0;
  /** What came and is not handed out yet: `slab[start, end)`. */
  #start = 0;
  #end = 0;
  /** How much of a frame that is too large is still to come. */
  #skipBytes = 0;
  #skipped = 0;
  #filledWell = false;
  /** What came of late: bodies that are worth a view, and all else. */
  #largeBytes = 0;
  #otherBytes = 0;
  #wasMostlyLarge = false;
  #isFirst = true;
  #isPaused = false;
  /** Frames ended so far: tells a deadline whether the one it waits for is still the same. */
  frameCount = 0;

  constructor(sink: FrameSink, frameBytesMax: number = FRAME_BYTES_MAX) {
    this.#sink = sink;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Whether a frame has begun and not ended. */
  get isInsideFrame(): boolean {
    return this.#skipBytes > 0 || this.#end > this.#start;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Memory for the next read. */
  buffer(): Uint8Array {
    if (this.#start === this.#end) this.#rewind();
    if (this.#slab.length - this.#end < ROOM_BYTES_MIN) this.#renew();
    return this.#slab.subarray(this.#end);
  }

  /**
   * Takes bytes that were read into the memory lent last, and hands out every frame that is whole.
   * @throws {TransportError} `PREAMBLE`, `FRAME_TOO_LARGE`; and what the sink throws
   */
  onBytes(bytes: Uint8Array): void {
    this.#filledWell = bytes.length >= (this.#slab.length - this.#end) / 2;
    this.#end += bytes.length;
    if (this.#isFirst) this.#readPreamble();
    this.#handOut();
  }

  /** Hands out nothing more, also not what has come already. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Undoes `pause`, and hands out what waits, until it is paused again. @throws as `onBytes` */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#handOut();
  }

  #handOut(): void {
    while (!this.#isPaused) {
      if (this.#skipBytes > 0 && !this.#skip()) return;
      const left = this.#end - this.#start;
      if (left < FRAME_HEAD_BYTES) return;
      const bodyBytes = this.#readLength();
      if (bodyBytes > FRAME_BYTES_LIMIT) {
        throw new TransportError('FRAME_TOO_LARGE', `A frame claims ${bodyBytes} bytes; the protocol allows ${FRAME_BYTES_LIMIT}.`);
      }
      if (bodyBytes > this.#frameBytesMax) {
        this.#start += FRAME_HEAD_BYTES;
        this.#skipBytes = bodyBytes;
        this.#skipped = bodyBytes;
        continue;
      }
      if (left < FRAME_HEAD_BYTES + bodyBytes) return;
      const bodyStart = this.#start + FRAME_HEAD_BYTES;
      this.#start = bodyStart + bodyBytes;
      this.frameCount += 1;
      this.#handOutBody(bodyStart, this.#start);
    }
  }

  #handOutBody(start: number, end: number): void {
    const view = this.#slab.subarray(start, end);
    const isLarge = view.length >= COPIED_BYTES_MAX;
    this.#count(isLarge ? view.length : 0, isLarge ? 0 : FRAME_HEAD_BYTES + view.length);
    if (!isLarge) return this.#sink.onFrame(copied(view), undefined);
    // A view keeps its slab alive, whatever else is in it: a peer that pads large bodies with much that is none gets copies.
    if (!this.#wasMostlyLarge || this.#largeBytes < this.#otherBytes) return this.#sink.onFrame(new Uint8Array(view), undefined);
    this.#viewed = end;
    this.#sink.onFrame(view, this.#slabs.current.lend());
  }

  #count(largeBytes: number, otherBytes: number): void {
    if (this.#largeBytes + this.#otherBytes >= SLAB_BYTES_BUSY) {
      this.#wasMostlyLarge = this.#largeBytes >= this.#otherBytes;
      this.#largeBytes = 0;
      this.#otherBytes = 0;
    }
    this.#largeBytes += largeBytes;
    this.#otherBytes += otherBytes;
  }

  #readLength(): number {
    const slab = this.#slab;
    const at = this.#start;
    return (((slab[at] ?? 0) << 24) | ((slab[at + 1] ?? 0) << 16) | ((slab[at + 2] ?? 0) << 8) | (slab[at + 3] ?? 0)) >>> 0;
  }

  #readPreamble(): void {
    const version = this.#slab[this.#start];
    if (version === undefined || this.#end === this.#start) return;
    if (version !== TCP_VERSION) {
      throw new TransportError(
        'PREAMBLE',
        `The other end speaks version ${version} of the protocol, or another protocol; this one is ${TCP_VERSION}.`,
      );
    }
    this.#start += 1;
    this.#isFirst = false;
  }

  /** @returns whether the end of the oversized frame was reached */
  #skip(): boolean {
    const count = Math.min(this.#skipBytes, this.#end - this.#start);
    this.#start += count;
    this.#skipBytes -= count;
    this.#count(0, count);
    if (this.#skipBytes > 0) return false;
    this.frameCount += 1;
    this.#sink.onSkipped(this.#skipped);
    return true;
  }

  /** Everything that came was handed out or skipped: what nobody looks at can serve again. */
  #rewind(): void {
    if (this.#slabs.current.isIdle) this.#viewed = 0;
    this.#start = this.#viewed;
    this.#end = this.#viewed;
  }

  #renew(): void {
    const old = this.#slab;
    const left = this.#end - this.#start;
    const usual = old.length === 0 ? SLAB_BYTES_FIRST : this.#filledWell ? SLAB_BYTES_BUSY : old.length;
    const size = left * 2 > usual - ROOM_BYTES_MIN ? left * 2 + SLAB_BYTES_FIRST : usual;
    if (size !== old.length || !this.#slabs.current.isIdle) this.#slab = this.#slabs.renew(size).memory;
    // Within the same slab too: `set` takes care of parts that overlap.
    this.#slab.set(old.subarray(this.#start, this.#end));
    this.#viewed = 0;
    this.#start = 0;
    this.#end = left;
  }
}
