/** An array with memory of its own costs a microsecond, so small ones share memory by so many bytes at a time. */
const POOL_BYTES = 8 * 1024;
/** A larger one gets memory of its own: it would throw away too much of the pool, and a piece that is kept keeps its pool. */
const SHARED_BYTES_MAX = POOL_BYTES / 4;

/** Hands out parts of one array after the other, and none of them twice. */
class Pool {
  #memory = new Uint8Array(0);
  #used = 0;

  take(count: number): Uint8Array {
    if (count > SHARED_BYTES_MAX) return new Uint8Array(count);
    if (this.#used + count > this.#memory.length) {
      this.#memory = new Uint8Array(POOL_BYTES);
      this.#used = 0;
    }
    this.#used += count;
    return this.#memory.subarray(this.#used - count, this.#used);
  }
}

const own = new Pool();
/** Workers are given these: one that gives the memory of a message away, as to a thread, must not take a frame of ours with it. */
const givenAway = new Pool();

/** Zeroed memory for what never leaves us but as bytes on the wire: shared with few others when it is small. */
export function smallBytes(count: number): Uint8Array {
  return own.take(count);
}

/** A copy that a worker may keep, in memory that is shared with few others when it is small. */
export function copied(bytes: Uint8Array): Uint8Array {
  const copy = givenAway.take(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The same bytes, with each run of neighbours joined that together are no longer than `bytesMax`; empty ones go. */
export function joinSmall(chunks: readonly Uint8Array[], bytesMax: number): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  for (let start = 0; start < chunks.length; ) {
    let end = start;
    let count = 0;
    do count += chunks[end++]?.length ?? 0;
    while (end < chunks.length && count + (chunks[end]?.length ?? 0) <= bytesMax);
    if (count > 0) joined.push(end === start + 1 ? (chunks[start] as Uint8Array) : join(chunks, start, end, count));
    start = end;
  }
  return joined;
}

function join(chunks: readonly Uint8Array[], start: number, end: number, count: number): Uint8Array {
  const all = smallBytes(count);
  let at = 0;
  for (let index = start; index < end; index++) {
    const chunk = chunks[index] as Uint8Array;
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
