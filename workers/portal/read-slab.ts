import type { Loan } from '../../runtime/loan.ts';
import { type Slab, Slabs } from '../../runtime/slab.ts';
import { CHUNK_BYTES_MAX } from './portal-message.ts';

/** Full chunks of 48 KiB fit five times; small ones share it by the thousand. */
const SLAB_BYTES = 5 * CHUNK_BYTES_MAX;

/**
 * Memory that the sockets of all streams of a node are read into. What was read needs no copy on its way out: no part is used
 * again before every part of its slab has come back. Source: performance.md 6, point 9
 */
export class ReadSlab {
  readonly #slabs = new Slabs();
  /** Whose memory it is that was lent. */
  readonly #slabOf = new WeakMap<ArrayBufferLike, Slab>();
  #start = 0;
  #lentEnd = 0;

  /** @returns so much, or what is left of a slab when that is a whole chunk or more. It is out until `taken` or `handedOut` */
  lend(bytesMax: number): Uint8Array {
    if (this.#slabs.current.memory.length - this.#lentEnd < Math.min(bytesMax, CHUNK_BYTES_MAX)) this.#renew();
    const { memory } = this.#slabs.current;
    this.#slabs.current.lend();
    this.#start = this.#lentEnd;
    this.#lentEnd = Math.min(memory.length, this.#start + bytesMax);
    return memory.subarray(this.#start, this.#lentEnd);
  }

  /** So much of what was lent is used; the rest can be lent again unless something else was lent meanwhile. */
  taken(bytes: Uint8Array): void {
    if (bytes.buffer === this.#slabs.current.memory.buffer && bytes.byteOffset === this.#start) this.#lentEnd = this.#start + bytes.length;
  }

  /** A part of what was taken goes out with a message. */
  loan(part: Uint8Array): Loan | undefined {
    return this.#slabOf.get(part.buffer)?.lend();
  }

  /** What was taken is out in parts, each a loan of its own, or has been dropped. */
  handedOut(bytes: Uint8Array): void {
    this.#slabOf.get(bytes.buffer)?.giveBack();
  }

  #renew(): void {
    const { current } = this.#slabs;
    if (current.memory.length !== SLAB_BYTES || !current.isIdle) {
      const slab = this.#slabs.renew(SLAB_BYTES);
      this.#slabOf.set(slab.memory.buffer, slab);
    }
    this.#lentEnd = 0;
  }
}
