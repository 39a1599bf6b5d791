/** The order of the P-256 group. Source: SEC 2 §2.4.2. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** True for 32 bytes, most significant first, that are a P-256 secret: neither zero nor at or above the group order. */
export function isP256Secret(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  let value = 0n;
  for (const offset of [0, 8, 16, 24]) value = (value << 64n) | view.getBigUint64(offset);
  return value > 0n && value < ORDER;
}
