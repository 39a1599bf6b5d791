import { expect, test } from 'vitest';
import { hex } from '../runtime/random.ts';
import { pooledRandom, systemRandom } from './random.ts';

/** Gives 0, 1, 2 … as 32-bit numbers: every four bytes are different. */
function counting() {
  let next = 1;
  return (target: Uint8Array) => {
    const view = new DataView(target.buffer, target.byteOffset, target.length);
    for (let at = 0; at + 4 <= target.length; at += 4) view.setUint32(at, next++);
  };
}

test('no byte of the pool is given out twice', () => {
  const random = pooledRandom(counting());
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++)
    for (const count of [4, 16, 32, 64, 4]) {
      const text = hex(random.bytes(count));
      for (let at = 0; at < text.length; at += 8) {
        const word = text.slice(at, at + 8);
        expect(word).not.toBe('00000000');
        expect(seen.has(word)).toBe(false);
        seen.add(word);
      }
    }
});

test('what was given out shares no memory with the pool or with another request', () => {
  let pool: Uint8Array = new Uint8Array();
  const random = pooledRandom((target) => {
    pool = target;
    target.fill(0xab);
  });
  const first = random.bytes(32);
  expect(pool.subarray(0, 33)).toEqual(Uint8Array.of(...new Uint8Array(32), 0xab));
  expect(first.buffer.byteLength).toBe(32);
  first.fill(1);
  expect(random.bytes(32)).toEqual(new Uint8Array(32).fill(0xab));
});

test('any count comes as asked for', () => {
  for (const count of [0, 1, 16, 63, 64, 65, 4_096, 100_000]) expect(systemRandom.bytes(count)).toHaveLength(count);
  expect(hex(systemRandom.bytes(32))).not.toBe(hex(systemRandom.bytes(32)));
  expect(hex(systemRandom.bytes(65))).not.toBe(hex(systemRandom.bytes(65)));
});
