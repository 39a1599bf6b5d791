import { nonceDistance } from './frame-nonce.ts';

/** A nonce this far from the newest accepted one, either way, is still looked at. Source: identity.md 6.4. */
export const WINDOW_NONCES = 32;

export type WindowVerdict = 'newest' | 'late' | 'repeated' | 'out-of-window';

/**
 * Which nonces were accepted, as far as anybody can still ask. `check` looks and changes nothing; `accept` moves the window and is
 * called once the tag of the frame was verified, so that a forged frame moves nothing.
 * It starts as if at 0 with 0 unseen. Source: identity.md 6.4.
 */
export class NonceWindow {
  #newestHigh: number;
  #newestLow: number;
  #newestSeen = false;
  /** Bit i: the nonce i + 1 below the newest was accepted. */
  #seen = 0;

  constructor(high = 0, low = 0) {
    this.#newestHigh = high;
    this.#newestLow = low;
  }

  check(high: number, low: number): WindowVerdict {
    const ahead = nonceDistance(high, low, this.#newestHigh, this.#newestLow);
    if (ahead > WINDOW_NONCES || ahead < -WINDOW_NONCES) return 'out-of-window';
    if (ahead > 0) return 'newest';
    const seen = ahead === 0 ? this.#newestSeen : ((this.#seen >>> (-ahead - 1)) & 1) === 1;
    return seen ? 'repeated' : 'late';
  }

  /** Marks a nonce that `check` found `newest` or `late`. */
  accept(high: number, low: number): void {
    const ahead = nonceDistance(high, low, this.#newestHigh, this.#newestLow);
    if (ahead === 0) {
      this.#newestSeen = true;
    } else if (ahead < 0) {
      this.#seen |= 1 << (-ahead - 1);
    } else {
      // A shift by 32 is a shift by 0 here: by `ahead - 1` and once more, it empties the map as it should.
      this.#seen = ((this.#seen << (ahead - 1)) << 1) | ((this.#newestSeen ? 1 : 0) << (ahead - 1));
      this.#newestSeen = true;
      this.#newestHigh = high;
      this.#newestLow = low;
    }
  }
}
