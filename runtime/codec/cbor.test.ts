import { expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from './cbor.ts';

test('what is encoded and decoded are plain byte arrays, whose slices are copies', () => {
  const encoded = encodeCbor([Uint8Array.of(1, 2, 3)]);
  expect(encoded.constructor).toBe(Uint8Array);
  const [decoded] = decodeCbor(encoded) as [Uint8Array];
  expect(decoded.constructor).toBe(Uint8Array);
  expect(encoded.slice().buffer).not.toBe(encoded.buffer);
});
