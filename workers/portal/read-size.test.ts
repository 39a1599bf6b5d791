import { expect, test } from 'vitest';
import { READ_BYTES_MAX, READ_BYTES_MIN, ReadSize } from './read-size.ts';

/** Reads that get as much as they were lent, or that share of it. */
function after(shares: readonly number[], size = new ReadSize()): number {
  for (const share of shares) {
    size.lent(size.bytes);
    size.read(Math.floor(size.bytes * share));
  }
  return size.bytes;
}

test('a stream begins small, and full reads bring it to the largest size and no further', () => {
  expect(after([])).toBe(READ_BYTES_MIN);
  expect(after([1])).toBe(4 * READ_BYTES_MIN);
  expect(after([1, 1, 1, 1, 1])).toBe(READ_BYTES_MAX);
});

test('it stays while reads fill a quarter or more, and goes back to the smallest size while they do not', () => {
  expect(after([1, 1, 1, 0.3])).toBe(READ_BYTES_MAX);
  expect(after([1, 1, 1, 0.2])).toBe(READ_BYTES_MAX / 4);
  expect(after([1, 1, 1, 0.01, 0.01, 0.01, 0.01])).toBe(READ_BYTES_MIN);
});

test('a read that was cut short by credit counts as full when it got all it was lent', () => {
  const size = new ReadSize();
  size.lent(100);
  size.read(100);
  expect(size.bytes).toBe(4 * READ_BYTES_MIN);
});
