import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from './bare.ts';
import { copied, joinSmall, smallBytes } from './small-bytes.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });

test('joined, the bytes are the same; no chunk is empty, and what was joined is no longer than allowed', () => {
  fc.assert(
    fc.property(chunks, fc.nat(60), (given: readonly Uint8Array[], bytesMax) => {
      const joined = joinSmall(given, bytesMax);
      expect(concat(...joined)).toEqual(concat(...given));
      expect(joined.every((chunk) => chunk.length > 0)).toBe(true);
      for (const [index, chunk] of joined.entries())
        if (!given.includes(chunk)) expect(chunk.length, `${index}`).toBeLessThanOrEqual(bytesMax);
    }),
  );
});

test('no two pieces of memory overlap, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5_000), { maxLength: 40 }), (sizes) => {
      const pieces = sizes.map((size, index) => smallBytes(size).fill(index + 1));
      for (const [index, piece] of pieces.entries()) expect(piece.every((byte) => byte === index + 1)).toBe(true);
    }),
  );
});

test('a copy does not change with what it was copied from', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const copy = copied(bytes);
  bytes.fill(0);
  expect(copy).toEqual(Uint8Array.of(1, 2, 3));
});

test('a worker that gives the memory of a copy away takes no other memory with it, and the next copy is whole', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const ours = smallBytes(3);
  ours.set(bytes);
  const copy = copied(bytes);
  structuredClone(copy.buffer, { transfer: [copy.buffer as ArrayBuffer] });
  expect(copy).toHaveLength(0);
  expect(ours).toEqual(bytes);
  expect(copied(bytes)).toEqual(bytes);
});
