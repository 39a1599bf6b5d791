import { expect, test } from 'vitest';
import { hex } from '../runtime/random.ts';
import { seededRandom } from './random.ts';

test('the same seed gives the same bytes, another seed others', () => {
  const drawn = (seed: number) => [1, 4, 7, 32].map((count) => hex(seededRandom(seed).bytes(count)));
  expect(drawn(1)).toEqual(drawn(1));
  expect(new Set([...Array.from({ length: 500 }, (_, seed) => hex(seededRandom(seed).bytes(16)))]).size).toBe(500);
});

test('the bytes of a seed never change: recorded runs depend on them', () => {
  expect(hex(seededRandom(42).bytes(16))).toBe('3d945d27b4aab9d94e30a10421104136');
});

test('every value of a byte comes about as often as any other', () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of seededRandom(7).bytes(256 * 400)) counts[byte]!++;
  expect(Math.min(...counts)).toBeGreaterThan(300);
  expect(Math.max(...counts)).toBeLessThan(500);
});
