import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { VaultError } from '../../identities/errors.ts';
import { frameRefused } from './errors.ts';
import { HALF_MAX, nonceHalves } from './frame-nonce.ts';
import { NONCE_BYTES, TAG_BYTES } from './frame-sealer.ts';
import { ReceivingKeys, startsInterval } from './key-schedule.ts';
import { NonceWindow } from './nonce-window.ts';

/**
 * The receiving side of one direction: opens each genuine frame once, in any order within the window.
 * A refused frame changes nothing but the count of those out of the window. Source: identity.md 6.4.
 */
export class FrameOpener {
  readonly #keys: ReceivingKeys;
  readonly #window: NonceWindow;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #outOfWindowRun = 0;
  #lastWasNewest = false;

  /** @param firstNonce 0 in every real channel; a multiple of 32, the start of the interval that the key is for */
  constructor(crypto: CryptoProvider, key: AeadKey, firstNonce = 0n) {
    const [high, low] = nonceHalves(firstNonce);
    this.#keys = new ReceivingKeys(crypto, key, high, low);
    this.#window = new NonceWindow(high, low);
  }

  /**
   * How many frames were refused as out of the window since one was opened last. Above 0 the channel may be dead in this
   * direction (more than 32 frames lost in a row) or somebody injects: a probe tells.
   */
  get outOfWindowRun(): number {
    return this.#outOfWindowRun;
  }

  /** Whether the frame opened last had a larger nonce than all before it, and than 0: only such a frame may move a route. Source: identity.md 6.5. */
  get lastWasNewest(): boolean {
    return this.#lastWasNewest;
  }

  /**
   * @param frame nonce, ciphertext, tag: 24 bytes or more
   * @returns `frame.length - 24` bytes, a new array
   * @throws {ChannelError} `FRAME_REFUSED`, one text whatever the reason; keys and window are exactly as before
   */
  open(frame: Uint8Array): Uint8Array {
    if (frame.length < NONCE_BYTES + TAG_BYTES) throw frameRefused();
    const view = new DataView(frame.buffer, frame.byteOffset, NONCE_BYTES);
    const high = view.getUint32(0);
    const low = view.getUint32(4);
    // The nonce of REKEY: sealed under it are keys, never frames.
    if (high === HALF_MAX && low === HALF_MAX) throw frameRefused();
    const verdict = this.#window.check(high, low);
    if (verdict === 'out-of-window') {
      this.#outOfWindowRun += 1;
      throw frameRefused();
    }
    if (verdict === 'repeated') throw frameRefused();
    const key = this.#keys.choose(high, low);
    if (key === undefined) throw frameRefused();
    this.#nonce.set(frame.subarray(0, NONCE_BYTES), 4);
    const plaintext = openWith(key, this.#nonce, frame.subarray(NONCE_BYTES));
    this.#keys.adopt(key);
    this.#window.accept(high, low);
    this.#outOfWindowRun = 0;
    this.#lastWasNewest = verdict === 'newest';
    return plaintext;
  }

  /** After a frame was opened: gets ready for the one behind it, unless that has another key. Should another frame come, nothing is lost. */
  prepare(): void {
    const high = this.#nonceView.getUint32(4);
    const low = this.#nonceView.getUint32(8) + 1;
    if (startsInterval(low)) return;
    const key = this.#keys.choose(high, low);
    if (key?.prepareOpen === undefined) return;
    this.#nonceView.setUint32(8, low);
    key.prepareOpen(this.#nonce);
  }
}

function openWith(key: AeadKey, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    return key.open(nonce, sealed);
  } catch (cause) {
    throw cause instanceof VaultError ? frameRefused() : cause;
  }
}
