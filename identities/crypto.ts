/**
 * The primitives this protocol stands on, behind one interface with two implementations: `node-crypto.ts` (the default) and
 * `noble.ts` (portable, and the independent oracle of the first). All are synchronous: a handshake costs less than a trip
 * through a thread pool. Secrets live in opaque key objects that print as nothing.
 */
export interface CryptoProvider {
  readonly name: 'node-crypto' | 'noble';

  sha256(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** HKDF-SHA256 with empty info, cut in 32-byte pieces. Source: RFC 5869; identity.md 1.2 */
  hkdfSha256(salt: Uint8Array, input: Uint8Array, pieceCount: 2 | 3): Uint8Array[];

  /** @param secret 32 bytes from the Random port; clamped on use */
  importX25519(secret: Uint8Array): X25519SecretKey;
  /** @param secret the 32-byte seed */
  importEd25519(secret: Uint8Array): SigningKey;
  /** @param secret the 32-byte scalar. @throws {VaultError} `INVALID_SECRET` when it is zero or not below the group order */
  importP256(secret: Uint8Array): SigningKey;
  /** @param key 32 bytes */
  importAes256Gcm(key: Uint8Array): AeadKey;

  /**
   * @param publicKey 32 bytes
   * @param signature 64 bytes
   * @returns false for any signature, key of small order included, that a strict verifier refuses
   */
  verifyEd25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /**
   * ECDSA over SHA-256(data); high s is accepted.
   * @param publicKey 65 bytes, uncompressed
   * @param signature r then s, 64 bytes
   */
  verifyP256(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}

/** A static or ephemeral Diffie-Hellman key. */
export interface X25519SecretKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * @param peer 32 bytes
   * @returns 32 bytes, never all zero
   * @throws {VaultError} `INVALID_PUBLIC_KEY` for a point of small order or a wrong length
   */
  diffieHellman(peer: Uint8Array): Uint8Array;
}

/** A key that signs: an identity's or one for credentials. */
export interface SigningKey {
  readonly kind: 'ed25519' | 'p256';
  /** 32 bytes (Ed25519) or 65 bytes, uncompressed (P-256). */
  readonly publicKey: Uint8Array;
  /** @returns 64 bytes; P-256 as r then s, nonce by RFC 6979, over SHA-256(data) */
  sign(data: Uint8Array): Uint8Array;
}

/** An AES-256-GCM key. The tag is always 16 bytes. */
export interface AeadKey {
  /**
   * Seals the concatenation of the chunks without joining them first.
   * @param nonce 12 bytes, never used before with this key
   * @param associated authenticated, not sent; empty by default
   * @returns ciphertext chunks whose concatenation is as long as the plaintext, then one last chunk: the 16-byte tag
   */
  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], associated?: Uint8Array): Uint8Array[];
  /**
   * @param sealed ciphertext, then its 16-byte tag
   * @returns a new array, `sealed.length - 16` bytes
   * @throws {VaultError} `DECRYPTION_FAILED`, one code and one text whatever the reason; no plaintext leaves before the tag was checked
   */
  open(nonce: Uint8Array, sealed: Uint8Array, associated?: Uint8Array): Uint8Array;
  /** Gets ready to seal under that nonce, for a provider to which that is worth something: the result is the same. */
  prepareSeal?(nonce: Uint8Array): void;
  /** The same for `open`. */
  prepareOpen?(nonce: Uint8Array): void;
}
