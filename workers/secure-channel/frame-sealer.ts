import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { joinSmall } from '../../runtime/codec/small-bytes.ts';
import { ChannelError } from './errors.ts';
import { HALF_MAX, nonceHalves } from './frame-nonce.ts';
import { startsInterval } from './key-schedule.ts';
import { rekey } from './noise/cipher-state.ts';

/** In clear before the ciphertext: the nonce. After it: the tag. Source: identity.md 6.1. */
export const NONCE_BYTES = 8;
export const TAG_BYTES = 16;

/** The nonce and the tag are copied into a neighbour of up to this many bytes; beside a larger one they stay chunks of their own. */
const JOINED_BYTES_MAX = 1024;

/**
 * The sending side of one direction: gives every frame the next nonce and changes the key every 32 frames.
 * A nonce is spent before it is used, and any failure stops the sealer for good, so no (key, nonce) pair ever seals twice.
 * Source: identity.md 6.1, 6.3; reliability.md CH9, CH14.
 */
export class FrameSealer {
  readonly #crypto: CryptoProvider;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #key: AeadKey | undefined;
  #keyIsNew = true;
  #high: number;
  #low: number;

  /** @param firstNonce 0 in every real channel; the key is the one for its interval */
  constructor(crypto: CryptoProvider, key: AeadKey, firstNonce = 0n) {
    this.#crypto = crypto;
    this.#key = key;
    [this.#high, this.#low] = nonceHalves(firstNonce);
  }

  /**
   * Seals the concatenation of the chunks into one frame.
   * @returns the frame in chunks, 24 bytes longer than the plaintext: nonce, ciphertext, tag, with small neighbours joined
   * @throws {ChannelError} `NONCES_EXHAUSTED`: 2^64-1 is never used, and nothing wraps; `SEALING_FAILED`, now and ever after
   */
  seal(plaintext: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.#key === undefined) throw sealingFailed();
    if (this.#high === HALF_MAX && this.#low === HALF_MAX)
      throw new ChannelError('NONCES_EXHAUSTED', 'This channel has sent its last frame. Open a new one.');
    this.#spendNonce();
    const key = this.#key;
    this.#key = undefined; // comes back when the frame is sealed: whatever throws below leaves the sealer stopped
    try {
      const keyNow = startsInterval(this.#nonceView.getUint32(8)) && !this.#keyIsNew ? rekey(this.#crypto, key) : key;
      const sealed = keyNow.seal(this.#nonce, plaintext);
      this.#keyIsNew = false;
      this.#key = keyNow;
      return joinSmall([this.#nonce.slice(4), ...sealed], JOINED_BYTES_MAX);
    } catch (cause) {
      throw sealingFailed(cause);
    }
  }

  /** Gets ready for the next frame, unless that begins with a new key. Nothing is sealed by it, and no nonce spent. */
  prepare(): void {
    if (this.#key?.prepareSeal === undefined || startsInterval(this.#low)) return;
    this.#writeNonce();
    this.#key.prepareSeal(this.#nonce);
  }

  #writeNonce(): void {
    this.#nonceView.setUint32(4, this.#high);
    this.#nonceView.setUint32(8, this.#low);
  }

  #spendNonce(): void {
    this.#writeNonce();
    if (this.#low < HALF_MAX) {
      this.#low += 1;
    } else {
      this.#low = 0;
      this.#high += 1;
    }
  }
}

const sealingFailed = (cause?: unknown) =>
  new ChannelError('SEALING_FAILED', 'A frame could not be sealed; this channel sends nothing more. Open a new one.', { cause });
