import { CHUNK_BYTES_MAX } from './portal-message.ts';

/** What a quiet stream is lent, for it may wait with it for ever: thousands of them stay cheap. */
export const READ_BYTES_MIN = 8 * 1024;
/** What a busy one is lent: a process that wakes up does more for what that costs. */
export const READ_BYTES_MAX = 5 * CHUNK_BYTES_MAX;
const STEP = 4;

/** How much memory a stream is lent for its next read: four times as much after a full one, a quarter after one that filled less than that. */
export class ReadSize {
  bytes = READ_BYTES_MIN;
  #lentBytes = 0;

  lent(bytes: number): void {
    this.#lentBytes = bytes;
  }

  read(bytes: number): void {
    if (bytes >= this.#lentBytes) this.bytes = Math.min(this.bytes * STEP, READ_BYTES_MAX);
    else if (bytes * STEP < this.#lentBytes) this.bytes = Math.max(this.bytes / STEP, READ_BYTES_MIN);
  }
}
