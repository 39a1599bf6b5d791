import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { nonceDistance } from './frame-nonce.ts';
import { rekey } from './noise/cipher-state.ts';

/** Messages 32·i to 32·i+31 of a direction use key number i. Source: identity.md 6.3. */
export const REKEY_INTERVAL = 32;

/** True for the first nonce of an interval: the key changes just before it. */
export function startsInterval(low: number): boolean {
  return low % REKEY_INTERVAL === 0; // 2^32 is a multiple of 32, so the low half tells
}

/**
 * Which key opens a nonce, by its distance from the start of the current interval.
 * One interval ahead at most: a far nonce costs nothing, a near one a single derivation. Source: identity.md 6.4; reliability.md CH8.
 */
export function keyFor(offset: number, interval: number = REKEY_INTERVAL): 'previous' | 'current' | 'next' | undefined {
  if (offset >= 2 * interval || offset < -interval) return undefined;
  if (offset < 0) return 'previous';
  return offset < interval ? 'current' : 'next';
}

/** The keys of the receiving side: never more than two, the current and the one before it. Source: identity.md 6.4. */
export class ReceivingKeys {
  readonly #crypto: CryptoProvider;
  #previous: AeadKey | undefined;
  #current: AeadKey;
  readonly #startHigh: number;
  #startLow: number;

  /** @param high, low the first nonce of the interval that `key` is for */
  constructor(crypto: CryptoProvider, key: AeadKey, high = 0, low = 0) {
    this.#crypto = crypto;
    this.#current = key;
    this.#startHigh = high;
    this.#startLow = low;
  }

  /** @returns the key to try; the next one is derived for the asking and kept by nobody. `undefined`: no key opens this nonce */
  choose(high: number, low: number): AeadKey | undefined {
    switch (keyFor(nonceDistance(high, low, this.#startHigh, this.#startLow))) {
      case 'previous':
        return this.#previous;
      case 'current':
        return this.#current;
      case 'next':
        return rekey(this.#crypto, this.#current);
      default:
        return undefined;
    }
  }

  /** Called with the chosen key once it opened a frame: a next key becomes the current one, and the one before the last is gone. */
  adopt(key: AeadKey): void {
    if (key === this.#current || key === this.#previous) return;
    this.#previous = this.#current;
    this.#current = key;
    this.#startLow += REKEY_INTERVAL; // may pass 32 bits: only its distance from a nonce counts, and that stays exact
  }
}
