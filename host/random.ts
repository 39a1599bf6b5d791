import { randomFillSync } from 'node:crypto';
import type { Random } from '../runtime/random.ts';

/** Requests up to this size (names, keys, nonces) are cut from a pool; a call to the generator costs ten times as much. */
const POOLED_BYTES_MAX = 64;
const POOL_BYTES = 4_096;

/** The generator of the operating system, by way of OpenSSL. */
export const systemRandom: Random = pooledRandom(randomFillSync);

/**
 * Serves small requests from a pool. Each byte of the pool is given out once, as a copy, and wiped where it stood.
 * @param fill fills an array with random bytes
 */
export function pooledRandom(fill: (target: Uint8Array) => unknown): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    bytes(count) {
      if (count > POOLED_BYTES_MAX) return fresh(fill, count);
      if (used + count > POOL_BYTES) {
        fill(pool);
        used = 0;
      }
      const taken = pool.slice(used, used + count);
      pool.fill(0, used, used + count);
      used += count;
      return taken;
    },
  };
}

function fresh(fill: (target: Uint8Array) => unknown, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  fill(bytes);
  return bytes;
}
