import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../identities/base64url.ts';
import type { CryptoProvider } from '../../identities/crypto.ts';
import { isP256Secret } from '../../identities/p256-scalar.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';

const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
const data = fc.uint8Array({ maxLength: 300 });
const runs = (numRuns: number) => ({ numRuns });

/** What both make of the same call, an error as its code. */
function both<Result>(run: (crypto: CryptoProvider) => Result): [Result | string, Result | string] {
  const attempt = (crypto: CryptoProvider) => {
    try {
      return run(crypto);
    } catch (error) {
      return String((error as { code?: string }).code);
    }
  };
  return [attempt(nodeCrypto), attempt(nobleCrypto)];
}

function expectSame(run: (crypto: CryptoProvider) => unknown): void {
  const [node, noble] = both(run);
  expect(node).toEqual(noble);
}

/** One bit of one byte turned over, or nothing. */
const damage = fc.option(fc.record({ at: fc.nat(), bit: fc.nat(7) }));
function damaged(original: Uint8Array, where: { at: number; bit: number } | null): Uint8Array {
  const copy = original.slice();
  if (where !== null) copy.set([(copy[where.at % copy.length] ?? 0) ^ (1 << where.bit)], where.at % copy.length);
  return copy;
}

describe('both providers answer alike', () => {
  test('hash, MAC and key derivation', () => {
    fc.assert(
      fc.property(data, data, fc.constantFrom(2 as const, 3 as const), (left, right, count) => {
        expectSame((crypto) => [crypto.sha256(left), crypto.hmacSha256(left, right), crypto.hkdfSha256(left, right, count)]);
      }),
      runs(100),
    );
  });

  test('X25519, for any peer key, of small order too', () => {
    const small = fc.constantFrom(0, 1).map((first) => Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? first : 0)));
    fc.assert(
      fc.property(bytes(32), fc.oneof(bytes(32), small, data), (secret, peer) => {
        expectSame((crypto) => [crypto.importX25519(secret).publicKey]);
        expectSame((crypto) => crypto.importX25519(secret).diffieHellman(peer));
      }),
      runs(40),
    );
  });

  test('Ed25519, signing and checking what was damaged or not', () => {
    fc.assert(
      fc.property(bytes(32), data, damage, damage, (seed, message, keyDamage, signatureDamage) => {
        expectSame((crypto) => [crypto.importEd25519(seed).publicKey, crypto.importEd25519(seed).sign(message)]);
        const key = nodeCrypto.importEd25519(seed);
        const [publicKey, signature] = [damaged(key.publicKey, keyDamage), damaged(key.sign(message), signatureDamage)];
        expectSame((crypto) => crypto.verifyEd25519(publicKey, message, signature));
        expect(nodeCrypto.verifyEd25519(publicKey, message, signature)).toBe(keyDamage === null && signatureDamage === null);
      }),
      runs(40),
    );
  });

  test('P-256, signing and checking what was damaged or not; a signature can be repeated', () => {
    fc.assert(
      fc.property(bytes(32).filter(isP256Secret), data, damage, damage, (scalar, message, keyDamage, signatureDamage) => {
        expectSame((crypto) => [crypto.importP256(scalar).publicKey, crypto.importP256(scalar).sign(message)]);
        const key = nodeCrypto.importP256(scalar);
        const [publicKey, signature] = [damaged(key.publicKey, keyDamage), damaged(key.sign(message), signatureDamage)];
        expectSame((crypto) => crypto.verifyP256(publicKey, message, signature));
        expect(nodeCrypto.verifyP256(publicKey, message, signature)).toBe(keyDamage === null && signatureDamage === null);
      }),
      runs(30),
    );
  });

  test('AES-256-GCM: what one seals in any chunks the other opens, and nothing else', () => {
    const chunks = fc.array(fc.oneof(data, fc.uint8Array({ minLength: 1000, maxLength: 1100 })), { maxLength: 5 });
    fc.assert(
      fc.property(bytes(32), bytes(12), chunks, data, damage, (secret, nonce, plaintext, associated, where) => {
        const [node, noble] = [nodeCrypto.importAes256Gcm(secret), nobleCrypto.importAes256Gcm(secret)];
        const sealed = node.seal(nonce, plaintext, associated);
        expect(sealed.at(-1)).toHaveLength(16);
        const joined = concat(...sealed);
        expect(joined).toEqual(concat(...noble.seal(nonce, plaintext, associated)));
        const received = damaged(joined, where);
        expectSame((crypto) => crypto.importAes256Gcm(secret).open(nonce, received, associated));
        if (where === null) expect(node.open(nonce, received, associated)).toEqual(concat(...plaintext));
        else expect(() => node.open(nonce, received, associated)).toThrow('do not open');
      }),
      runs(100),
    );
  });

  test('keys and nonces of any other length are refused', () => {
    fc.assert(
      fc.property(data, data, data, (secret, nonce, sealed) => {
        expectSame((crypto) => crypto.importAes256Gcm(secret).open(nonce, sealed));
        expectSame((crypto) => crypto.importP256(secret).publicKey);
        expectSame((crypto) => crypto.importEd25519(secret).publicKey);
        expectSame((crypto) => [crypto.verifyEd25519(secret, nonce, sealed), crypto.verifyP256(secret, nonce, sealed)]);
      }),
      runs(100),
    );
  });
});

test('base64url gives back the bytes and is the text of Node', () => {
  fc.assert(
    fc.property(data, (original) => {
      const text = encodeBase64url(original);
      expect(text).toBe(Buffer.from(original).toString('base64url'));
      expect(decodeBase64url(text)).toEqual(original);
    }),
  );
});
