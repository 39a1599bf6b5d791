import { gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { concat } from '../runtime/codec/bare.ts';
import { checkNonce, checkSecret, decryptionFailed, smallOrderPeer, TAG_BYTES } from './crypto-checks.ts';
import type { AeadKey, CryptoProvider, SigningKey, X25519SecretKey } from './crypto.ts';
import { isStrictEd25519Point } from './curve25519.ts';
import { VaultError } from './errors.ts';
import { isP256Secret } from './p256-scalar.ts';

const EMPTY = new Uint8Array(0);

/** P-256 signatures keep the s that comes out: genuine histories carry high ones. Source: identity.md 1.2. */
const ANY_S = { lowS: false } as const;

/** The primitives in portable TypeScript: runs anywhere, and is the oracle that `node-crypto.ts` is tested against. */
export const nobleCrypto: CryptoProvider = {
  name: 'noble',
  sha256: (data) => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  hkdfSha256: (salt, input, pieceCount) => {
    const output = hkdf(sha256, input, salt, EMPTY, 32 * pieceCount);
    return Array.from({ length: pieceCount }, (_, piece) => output.slice(32 * piece, 32 * piece + 32));
  },
  importX25519: (secret) => new NobleX25519Key(secret),
  importEd25519: (secret) => new NobleEd25519Key(secret),
  importP256: (secret) => new NobleP256Key(secret),
  importAes256Gcm: (key) => new NobleAesKey(key),
  verifyEd25519,
  verifyP256: (publicKey, data, signature) => {
    if (publicKey.length !== 65 || publicKey[0] !== 4 || signature.length !== 64) return false;
    try {
      return p256.verify(signature, data, publicKey, ANY_S);
    } catch {
      return false; // a key that is no point of the curve, or r or s out of range
    }
  },
};

/**
 * The equation without cofactor, R compared as bytes: `ed25519.verify` multiplies by the cofactor and so accepts signatures
 * that `node:crypto` refuses. Source: RFC 8032 §5.1.7; identity.md 1.2.
 */
function verifyEd25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  if (!isStrictEd25519Point(publicKey) || !isStrictEd25519Point(r)) return false;
  const { Point } = ed25519;
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  try {
    const challenge = littleEndian(sha512(concat(r, publicKey, data))) % Point.Fn.ORDER;
    const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey).multiplyUnsafe(challenge));
    return expected.toBytes().every((byte, index) => byte === r[index]);
  } catch {
    return false; // the key is not a point of the curve
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

class NobleX25519Key implements X25519SecretKey {
  readonly publicKey: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = checkSecret(secret).slice();
    this.publicKey = x25519.getPublicKey(this.#secret);
  }

  diffieHellman(peer: Uint8Array): Uint8Array {
    if (peer.length !== 32) throw smallOrderPeer();
    try {
      return x25519.getSharedSecret(this.#secret, peer);
    } catch {
      throw smallOrderPeer();
    }
  }
}

class NobleEd25519Key implements SigningKey {
  readonly kind = 'ed25519';
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;

  constructor(seed: Uint8Array) {
    this.#seed = checkSecret(seed).slice();
    this.publicKey = ed25519.getPublicKey(this.#seed);
  }

  sign(data: Uint8Array): Uint8Array {
    return ed25519.sign(data, this.#seed);
  }
}

/** Both providers sign P-256 with this one: its nonce comes from RFC 6979, so a signature can be repeated; Node's cannot. */
export class NobleP256Key implements SigningKey {
  readonly kind = 'p256';
  readonly publicKey: Uint8Array;
  readonly #scalar: Uint8Array;

  constructor(scalar: Uint8Array) {
    if (!isP256Secret(scalar)) throw new VaultError('INVALID_SECRET', 'A P-256 secret is 32 bytes, above zero and below the group order.');
    this.#scalar = scalar.slice();
    this.publicKey = p256.getPublicKey(this.#scalar, false);
  }

  sign(data: Uint8Array): Uint8Array {
    return p256.sign(data, this.#scalar, ANY_S);
  }
}

class NobleAesKey implements AeadKey {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = checkSecret(key).slice();
  }

  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], associated: Uint8Array = EMPTY): Uint8Array[] {
    checkNonce(nonce);
    const sealed = gcm(this.#key, nonce, associated).encrypt(concat(...plaintext));
    return [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)];
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array = EMPTY): Uint8Array {
    checkNonce(nonce);
    if (sealed.length < TAG_BYTES) throw decryptionFailed();
    try {
      return gcm(this.#key, nonce, associated).decrypt(sealed);
    } catch {
      throw decryptionFailed();
    }
  }
}
