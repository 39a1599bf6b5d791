/**
 * The nonce N of a frame is 64 bits, more than a number holds. It is kept as two unsigned 32-bit halves: exact over the whole
 * range, and without a bigint per frame. Source: identity.md 6.1.
 */
export const HALF_MAX = 0xffff_ffff;

const HALF = 2 ** 32;

/** How far the first nonce lies after the second: exact below 2^53 either way, and never taken for a small one beyond. */
export function nonceDistance(high: number, low: number, fromHigh: number, fromLow: number): number {
  return (high - fromHigh) * HALF + (low - fromLow);
}

/** @param nonce from 0 to 2^64-1. @throws {RangeError} for any other */
export function nonceHalves(nonce: bigint): [high: number, low: number] {
  if (nonce < 0n || nonce > 0xffff_ffff_ffff_ffffn) throw new RangeError('A nonce has 64 bits.');
  return [Number(nonce >> 32n), Number(nonce & 0xffff_ffffn)];
}
