import { hex, type Random } from '../runtime/random.ts';
import { equalBytes } from './bytes.ts';
import type { CryptoProvider, SigningKey, X25519SecretKey } from './crypto.ts';
import { VaultError } from './errors.ts';
import { isP256Secret } from './p256-scalar.ts';
import { Secret } from './secret.ts';
import type { Signature, SigningKeyKind, VerifyingKey } from './signature.ts';

/** Names a key without saying anything of it: SHA-256 of the raw public key, in hex. Never on the wire. Source: identity.md 1.3 */
export type KeyHandle = string;

/**
 * Keeps secret keys and uses them by handle. Signing answers with a promise, since a key may live in a key management service;
 * channel keys are handed out as objects, since a handshake must not wait between two of its steps.
 */
export interface Vault {
  /** Makes and keeps a new key. */
  generateSigningKey(kind: SigningKeyKind): Promise<VerifyingKey>;
  /** @throws {VaultError} `KEY_NOT_FOUND`, `KEY_DAMAGED` */
  sign(key: VerifyingKey, data: Uint8Array): Promise<Signature>;
  hasSigningKey(key: VerifyingKey): Promise<boolean>;
  /** @returns whether there was such a key */
  deleteSigningKey(key: VerifyingKey): Promise<boolean>;
  /** Makes and keeps a new static channel key. */
  generateX25519(): Promise<X25519SecretKey>;
  /** The kept channel key with this public key; undefined when there is none. @throws {VaultError} `KEY_DAMAGED` */
  x25519(publicKey: Uint8Array): Promise<X25519SecretKey | undefined>;
}

/** Where a vault keeps its secrets: a Map, or later a database. Handles are unique. */
export interface KeyStore {
  put(handle: KeyHandle, secret: Secret): Promise<void>;
  get(handle: KeyHandle): Promise<Secret | undefined>;
  /** @returns whether there was such a secret */
  delete(handle: KeyHandle): Promise<boolean>;
}

export class MemoryKeyStore implements KeyStore {
  readonly #secrets = new Map<KeyHandle, Secret>();

  put(handle: KeyHandle, secret: Secret): Promise<void> {
    this.#secrets.set(handle, secret);
    return Promise.resolve();
  }

  get(handle: KeyHandle): Promise<Secret | undefined> {
    return Promise.resolve(this.#secrets.get(handle));
  }

  delete(handle: KeyHandle): Promise<boolean> {
    return Promise.resolve(this.#secrets.delete(handle));
  }
}

/** A vault in this process: keys come from the Random port and rest in a key store. */
export class SoftwareVault implements Vault {
  readonly #crypto: CryptoProvider;
  readonly #random: Random;
  readonly #store: KeyStore;

  constructor(crypto: CryptoProvider, random: Random, store: KeyStore = new MemoryKeyStore()) {
    this.#crypto = crypto;
    this.#random = random;
    this.#store = store;
  }

  handle(publicKey: Uint8Array): KeyHandle {
    return hex(this.#crypto.sha256(publicKey));
  }

  generateSigningKey(kind: SigningKeyKind): Promise<VerifyingKey> {
    return this.importSigningKey(new Secret(kind, kind === 'p256' ? this.#p256Scalar() : this.#random.bytes(32)));
  }

  /** Keeps a key made elsewhere. @throws {VaultError} `INVALID_SECRET`, `KEY_KIND` */
  async importSigningKey(secret: Secret): Promise<VerifyingKey> {
    const { kind, publicKey } = this.#signingKey(secret);
    await this.#store.put(this.handle(publicKey), secret);
    return { kind, bytes: publicKey };
  }

  async sign(key: VerifyingKey, data: Uint8Array): Promise<Signature> {
    const signingKey = this.#signingKey(await this.exportSecret(key.bytes));
    checkBelongs(signingKey, key.bytes);
    return { kind: key.kind, bytes: signingKey.sign(data) };
  }

  async hasSigningKey(key: VerifyingKey): Promise<boolean> {
    return (await this.#store.get(this.handle(key.bytes))) !== undefined;
  }

  deleteSigningKey(key: VerifyingKey): Promise<boolean> {
    return this.#store.delete(this.handle(key.bytes));
  }

  generateX25519(): Promise<X25519SecretKey> {
    return this.importX25519(new Secret('x25519', this.#random.bytes(32)));
  }

  /** Keeps a channel key made elsewhere. @throws {VaultError} `INVALID_SECRET`, `KEY_KIND` */
  async importX25519(secret: Secret): Promise<X25519SecretKey> {
    const key = this.#x25519Key(secret);
    await this.#store.put(this.handle(key.publicKey), secret);
    return key;
  }

  async x25519(publicKey: Uint8Array): Promise<X25519SecretKey | undefined> {
    const secret = await this.#store.get(this.handle(publicKey));
    if (secret === undefined) return undefined;
    const key = this.#x25519Key(secret);
    checkBelongs(key, publicKey);
    return key;
  }

  /** The secret behind a public key, to carry it to another vault. @throws {VaultError} `KEY_NOT_FOUND` */
  async exportSecret(publicKey: Uint8Array): Promise<Secret> {
    const secret = await this.#store.get(this.handle(publicKey));
    if (secret === undefined) throw new VaultError('KEY_NOT_FOUND', 'This vault does not hold the secret of that public key.');
    return secret;
  }

  #signingKey(secret: Secret): SigningKey {
    if (secret.kind === 'ed25519') return this.#crypto.importEd25519(secret.reveal());
    if (secret.kind === 'p256') return this.#crypto.importP256(secret.reveal());
    throw new VaultError('KEY_KIND', 'A channel key does not sign.');
  }

  #x25519Key(secret: Secret): X25519SecretKey {
    if (secret.kind !== 'x25519') throw new VaultError('KEY_KIND', 'A signing key is not a channel key.');
    return this.#crypto.importX25519(secret.reveal());
  }

  /** Rejection sampling keeps every scalar as likely as every other; a second draw happens once in 2^32. */
  #p256Scalar(): Uint8Array {
    for (;;) {
      const scalar = this.#random.bytes(32);
      if (isP256Secret(scalar)) return scalar;
    }
  }
}

/** A store on a disk may give back other bytes than it was given. */
function checkBelongs(key: { readonly publicKey: Uint8Array }, publicKey: Uint8Array): void {
  if (!equalBytes(key.publicKey, publicKey))
    throw new VaultError('KEY_DAMAGED', 'A stored secret does not belong to its public key any more: restore a copy of the store.');
}
