import { CHUNK_BYTES_MAX } from './portal-message.ts';

/** Full chunks of 48 KiB fit five times; small ones share it by the thousand. */
const SLAB_BYTES = 5 * CHUNK_BYTES_MAX;

/**
 * Memory that the sockets of all streams of a node are read into. No part of it is used twice, so that what was read needs
 * no copy on its way out. Source: performance.md 6, point 9
 */
export class ReadSlab {
  #slab = new Uint8Array(0);
  #start = 0;
  #lentEnd = 0;

  /** @returns so much, or what is left of a slab when that is a whole chunk or more */
  lend(bytesMax: number): Uint8Array {
    if (this.#slab.length - this.#lentEnd < Math.min(bytesMax, CHUNK_BYTES_MAX)) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#lentEnd = 0;
    }
    this.#start = this.#lentEnd;
    this.#lentEnd = Math.min(this.#slab.length, this.#start + bytesMax);
    return this.#slab.subarray(this.#start, this.#lentEnd);
  }

  /** So much of what was lent is used; the rest can be lent again unless something else was lent meanwhile. */
  taken(bytes: Uint8Array): void {
    if (bytes.buffer === this.#slab.buffer && bytes.byteOffset === this.#start) this.#lentEnd = this.#start + bytes.length;
  }
}
