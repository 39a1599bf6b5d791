import type { CryptoProvider } from '../../../identities/crypto.ts';
import { concat } from '../../../runtime/codec/bare.ts';
import { CipherState } from './cipher-state.ts';

const HASHLEN = 32;
const EMPTY = new Uint8Array(0);

/** Chaining key, handshake hash and the cipher under way. Source: Noise spec rev 34 §5.2, with SHA-256 and AES-256-GCM. */
export class SymmetricState {
  readonly #crypto: CryptoProvider;
  readonly #cipherState: CipherState;
  #ck: Uint8Array;
  #h: Uint8Array;

  private constructor(crypto: CryptoProvider, cipherState: CipherState, ck: Uint8Array, h: Uint8Array) {
    this.#crypto = crypto;
    this.#cipherState = cipherState;
    this.#ck = ck;
    this.#h = h;
  }

  /** @param protocolName ASCII; up to 32 bytes it is padded with zeros, above that it is hashed */
  static initialize(crypto: CryptoProvider, protocolName: string): SymmetricState {
    const name = new TextEncoder().encode(protocolName);
    const padded = new Uint8Array(HASHLEN);
    if (name.length <= HASHLEN) padded.set(name);
    const h = name.length <= HASHLEN ? padded : crypto.sha256(name);
    // The spec stops at h = name. Hashing comes with the prologue, which is always mixed in, empty or not.
    return new SymmetricState(crypto, new CipherState(crypto), h, h);
  }

  get hasKey(): boolean {
    return this.#cipherState.hasKey;
  }

  /** GetHandshakeHash(): a copy of h. */
  get handshakeHash(): Uint8Array {
    return this.#h.slice();
  }

  mixKey(inputKeyMaterial: Uint8Array): void {
    const [ck, k] = this.#hkdf(inputKeyMaterial);
    this.#ck = ck;
    this.#cipherState.initializeKey(this.#crypto.importAes256Gcm(k));
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#crypto.sha256(concat(this.#h, data));
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipherState.encryptWithAd(this.#h, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** @throws {VaultError} `DECRYPTION_FAILED`; h is as before */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#cipherState.decryptWithAd(this.#h, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** @returns in the spec's order: the first encrypts what the initiator sends, the second what the responder sends */
  split(): [CipherState, CipherState] {
    const [k1, k2] = this.#hkdf(EMPTY);
    const cipherState = (k: Uint8Array) => new CipherState(this.#crypto, this.#crypto.importAes256Gcm(k));
    return [cipherState(k1), cipherState(k2)];
  }

  copy(): SymmetricState {
    return new SymmetricState(this.#crypto, this.#cipherState.copy(), this.#ck, this.#h);
  }

  #hkdf(inputKeyMaterial: Uint8Array): [Uint8Array, Uint8Array] {
    return this.#crypto.hkdfSha256(this.#ck, inputKeyMaterial, 2) as [Uint8Array, Uint8Array];
  }
}
