import type { AeadKey, CryptoProvider } from '../../../identities/crypto.ts';
import { concat } from '../../../runtime/codec/bare.ts';
import { ChannelError } from '../errors.ts';

const ZEROS = new Uint8Array(32);
const MAX_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255);

/** The next key: the first 32 bytes of 32 zero bytes sealed under nonce 2^64-1. Source: Noise spec rev 34 §4.2, REKEY. */
export function rekey(crypto: CryptoProvider, k: AeadKey): AeadKey {
  return crypto.importAes256Gcm(concat(...k.seal(MAX_NONCE, [ZEROS])).subarray(0, 32));
}

/**
 * A key and the nonce it uses next; without a key, bytes pass as they are.
 * Source: Noise spec rev 34 §5.1; the nonce is big-endian for AES-GCM (§12.4).
 */
export class CipherState {
  readonly #crypto: CryptoProvider;
  #k: AeadKey | undefined;
  #n = 0;

  constructor(crypto: CryptoProvider, k?: AeadKey) {
    this.#crypto = crypto;
    this.#k = k;
  }

  initializeKey(k: AeadKey): void {
    this.#k = k;
    this.#n = 0;
  }

  get hasKey(): boolean {
    return this.#k !== undefined;
  }

  /** The key, an opaque object. */
  get k(): AeadKey | undefined {
    return this.#k;
  }

  /** @returns the ciphertext and its 16-byte tag, or a copy of the plaintext while there is no key */
  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (this.#k === undefined) return plaintext.slice();
    const nonce = this.#nonce();
    this.#n += 1; // before sealing: a nonce is spent even when sealing throws
    return concat(...this.#k.seal(nonce, [plaintext], ad));
  }

  /**
   * @returns the plaintext, or a copy of the ciphertext while there is no key
   * @throws {VaultError} `DECRYPTION_FAILED`; n is as before (§5.1)
   */
  decryptWithAd(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (this.#k === undefined) return ciphertext.slice();
    const plaintext = this.#k.open(this.#nonce(), ciphertext, ad);
    this.#n += 1;
    return plaintext;
  }

  rekey(): void {
    if (this.#k !== undefined) this.#k = rekey(this.#crypto, this.#k);
  }

  copy(): CipherState {
    const copy = new CipherState(this.#crypto, this.#k);
    copy.#n = this.#n;
    return copy;
  }

  #nonce(): Uint8Array {
    // The spec ends at 2^64-1; a number is exact up to here, which no Noise session reaches.
    if (this.#n >= Number.MAX_SAFE_INTEGER) throw new ChannelError('NONCES_EXHAUSTED', 'This key has no nonces left.');
    const nonce = new Uint8Array(12);
    const view = new DataView(nonce.buffer);
    view.setUint32(4, Math.floor(this.#n / 2 ** 32));
    view.setUint32(8, this.#n % 2 ** 32);
    return nonce;
  }
}
