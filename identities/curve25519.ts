/**
 * Which encodings of Curve25519 points are refused. Libraries disagree here: one verifies signatures whose key is of small order,
 * another accepts several encodings of one point. Such a key vouches for anything, so both providers ask these two functions first.
 */

const P = 2n ** 255n - 19n;

/** The y coordinates of the eight points whose order divides 8; their sign bit does not matter. */
const ED25519_SMALL_ORDER = new Set([
  0n,
  1n,
  P - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/** The u coordinates of the same points; with any of them the shared secret is zero. Source: RFC 7748 §6.1. */
const X25519_SMALL_ORDER = new Set([
  0n,
  1n,
  P - 1n,
  0x00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
  0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn,
]);

/** True for 32 bytes that are the shortest encoding of an Ed25519 point of large order (or of no point at all: the verifier sees to that). */
export function isStrictEd25519Point(encoded: Uint8Array): boolean {
  if (encoded.length !== 32) return false;
  const y = littleEndian255(encoded);
  return y < P && !ED25519_SMALL_ORDER.has(y);
}

/** True for every encoding, shortest or not, of an X25519 public key that gives a zero shared secret. */
export function isSmallOrderX25519(publicKey: Uint8Array): boolean {
  return X25519_SMALL_ORDER.has(littleEndian255(publicKey) % P);
}

/** The number in 32 bytes, least significant first, without the highest bit: both encodings keep that one for other uses. */
function littleEndian255(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  let value = view.getBigUint64(24, true) & 0x7fff_ffff_ffff_ffffn;
  for (const offset of [16, 8, 0]) value = (value << 64n) | view.getBigUint64(offset, true);
  return value;
}
