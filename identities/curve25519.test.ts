import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { expect, test } from 'vitest';
import { hex } from '../runtime/random.ts';
import { parseHex } from './bytes.ts';
import { isSmallOrderX25519, isStrictEd25519Point } from './curve25519.ts';

const P = 2n ** 255n - 19n;
const encode = (value: bigint) => parseHex(value.toString(16).padStart(64, '0'))!.toReversed();

test('none of the eight points of small order is a strict Ed25519 point, with either sign', () => {
  expect(ED25519_TORSION_SUBGROUP).toHaveLength(8);
  for (const point of ED25519_TORSION_SUBGROUP) {
    const encoded = parseHex(point)!;
    expect(isStrictEd25519Point(encoded), point).toBe(false);
    encoded[31] = encoded[31]! ^ 0x80;
    expect(isStrictEd25519Point(encoded), `${point}, other sign`).toBe(false);
  }
});

test('encodings of p and above, and other lengths, are no strict Ed25519 point', () => {
  for (const above of [0n, 1n, 3n, 18n]) expect(isStrictEd25519Point(encode(P + above))).toBe(false);
  expect(isStrictEd25519Point(encode(P - 2n))).toBe(true);
  expect(isStrictEd25519Point(ed25519.Point.BASE.toBytes())).toBe(true);
  expect(isStrictEd25519Point(new Uint8Array(31).fill(9))).toBe(false);
});

test('the u coordinates of the eight points are of small order for X25519 in all of their encodings', () => {
  const { Point } = ed25519;
  const small = ED25519_TORSION_SUBGROUP.map((point) => Point.fromHex(point).toAffine().y).filter((y) => y !== 1n);
  const coordinates = new Set(small.map((y) => Point.Fp.div(1n + y, Point.Fp.create(1n - y))));
  expect(coordinates.size).toBe(4); // and p - 1 on the twist
  for (const u of [...coordinates, P - 1n]) {
    for (const encoding of [u, u + 2n ** 255n, ...(u < 19n ? [u + P] : [])])
      expect(isSmallOrderX25519(encode(encoding)), hex(encode(encoding))).toBe(true);
  }
  expect(isSmallOrderX25519(encode(9n))).toBe(false);
});
