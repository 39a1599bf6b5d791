import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  sign,
  verify,
  type CipherGCM,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import { joinSmall } from '../runtime/codec/small-bytes.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { checkNonce, checkSecret, decryptionFailed, smallOrderPeer, TAG_BYTES } from './crypto-checks.ts';
import type { AeadKey, CryptoProvider, SigningKey, X25519SecretKey } from './crypto.ts';
import { isStrictEd25519Point } from './curve25519.ts';
import { NobleP256Key } from './noble.ts';

const EMPTY = new Uint8Array(0);

/** Neighbours that fit here together are sealed as one chunk: below this size a copy costs less than a call into OpenSSL. */
const JOINED_BYTES_MAX = 1024;

/** Without it Node takes tags of 4, 8 and 12 to 15 bytes too. */
const GCM = { authTagLength: TAG_BYTES } as const;

/**
 * The primitives of OpenSSL, the default. Keys are imported as JWK, 8 to 13 times cheaper than DER; they are never generated
 * by Node, whose JWK export of a generated key can hang the process. P-256 is signed by `noble.ts`.
 */
export const nodeCrypto: CryptoProvider = {
  name: 'node-crypto',
  sha256: (data) => plain(createHash('sha256').update(data).digest()),
  hmacSha256: (key, data) => plain(createHmac('sha256', key).update(data).digest()),
  hkdfSha256: (salt, input, pieceCount) => {
    const output = hkdfSync('sha256', input, salt, EMPTY, 32 * pieceCount);
    return Array.from({ length: pieceCount }, (_, piece) => new Uint8Array(output, 32 * piece, 32));
  },
  importX25519: (secret) => new NodeX25519Key(secret),
  importEd25519: (secret) => new NodeEd25519Key(secret),
  importP256: (secret) => new NobleP256Key(secret),
  importAes256Gcm: (key) => new NodeAesKey(key),
  verifyEd25519: (publicKey, data, signature) => {
    if (signature.length !== 64) return false;
    if (!isStrictEd25519Point(publicKey) || !isStrictEd25519Point(signature.subarray(0, 32))) return false;
    return verify(null, data, importPublic('Ed25519', publicKey), signature);
  },
  verifyP256: (publicKey, data, signature) => {
    if (publicKey.length !== 65 || publicKey[0] !== 4 || signature.length !== 64) return false;
    try {
      const x = encodeBase64url(publicKey.subarray(1, 33));
      const y = encodeBase64url(publicKey.subarray(33));
      const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
      return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false; // the key is not a point of the curve
    }
  },
};

type Curve = 'X25519' | 'Ed25519';

/** Node wants an `x` beside `d`, ignores it and computes the public key itself. */
function importSecret(curve: Curve, secret: Uint8Array): KeyObject {
  const d = encodeBase64url(checkSecret(secret));
  return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, d, x: 'AAAA' } });
}

function importPublic(curve: Curve, publicKey: Uint8Array): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, x: encodeBase64url(publicKey) } });
}

function publicBytes(secret: KeyObject): Uint8Array {
  const { x } = createPublicKey(secret).export({ format: 'jwk' });
  return decodeBase64url(x ?? '');
}

/** A view without the ways of Buffer, whose `slice` would not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class NodeX25519Key implements X25519SecretKey {
  readonly publicKey: Uint8Array;
  readonly #secret: KeyObject;

  constructor(secret: Uint8Array) {
    this.#secret = importSecret('X25519', secret);
    this.publicKey = publicBytes(this.#secret);
  }

  diffieHellman(peer: Uint8Array): Uint8Array {
    if (peer.length !== 32) throw smallOrderPeer();
    try {
      return plain(diffieHellman({ privateKey: this.#secret, publicKey: importPublic('X25519', peer) }));
    } catch {
      throw smallOrderPeer(); // OpenSSL refuses a zero result
    }
  }
}

class NodeEd25519Key implements SigningKey {
  readonly kind = 'ed25519';
  readonly publicKey: Uint8Array;
  readonly #seed: KeyObject;

  constructor(seed: Uint8Array) {
    this.#seed = importSecret('Ed25519', seed);
    this.publicKey = publicBytes(this.#seed);
  }

  sign(data: Uint8Array): Uint8Array {
    return plain(sign(null, data, this.#seed));
  }
}

/** A cipher that was made before there was anything to put through it: for one nonce, and for one use. */
class Prepared<Cipher> {
  readonly #nonce: Uint8Array;
  #cipher: Cipher | undefined;

  constructor(nonce: Uint8Array, cipher: Cipher) {
    this.#nonce = nonce.slice();
    this.#cipher = cipher;
  }

  /** @returns undefined for another nonce, and when it was taken before */
  take(nonce: Uint8Array): Cipher | undefined {
    for (let index = 0; index < nonce.length; index++) if (nonce[index] !== this.#nonce[index]) return undefined;
    const cipher = this.#cipher;
    this.#cipher = undefined;
    return cipher;
  }
}

/** To make a cipher takes OpenSSL as long as to use it on a small frame. */
class NodeAesKey implements AeadKey {
  readonly #key: KeyObject;
  #toSeal: Prepared<CipherGCM> | undefined;
  #toOpen: Prepared<DecipherGCM> | undefined;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(checkSecret(key));
  }

  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], associated: Uint8Array = EMPTY): Uint8Array[] {
    checkNonce(nonce);
    const cipher = this.#toSeal?.take(nonce) ?? this.#cipher(nonce);
    if (associated.length > 0) cipher.setAAD(associated);
    const sealed = joinSmall(plaintext, JOINED_BYTES_MAX).map((chunk) => plain(cipher.update(chunk)));
    cipher.final();
    sealed.push(plain(cipher.getAuthTag()));
    return sealed;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array = EMPTY): Uint8Array {
    checkNonce(nonce);
    if (sealed.length < TAG_BYTES) throw decryptionFailed();
    const decipher = this.#toOpen?.take(nonce) ?? this.#decipher(nonce);
    if (associated.length > 0) decipher.setAAD(associated);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(0, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      throw decryptionFailed();
    }
    return plain(plaintext);
  }

  prepareSeal(nonce: Uint8Array): void {
    checkNonce(nonce);
    this.#toSeal = new Prepared(nonce, this.#cipher(nonce));
  }

  prepareOpen(nonce: Uint8Array): void {
    checkNonce(nonce);
    this.#toOpen = new Prepared(nonce, this.#decipher(nonce));
  }

  #cipher(nonce: Uint8Array): CipherGCM {
    return createCipheriv('aes-256-gcm', this.#key, nonce, GCM);
  }

  #decipher(nonce: Uint8Array): DecipherGCM {
    return createDecipheriv('aes-256-gcm', this.#key, nonce, GCM);
  }
}
