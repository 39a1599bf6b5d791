import { describe, expect, test } from 'vitest';
import type { CryptoProvider } from '../../identities/crypto.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { Secret } from '../../identities/secret.ts';
import { kindItem } from '../../identities/signature.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { hex } from '../../runtime/random.ts';
import { fromHex, readVectors } from './read-vectors.ts';

type Cases = Record<string, string>;
interface Group {
  ivSize: number;
  keySize: number;
  tagSize: number;
  publicKey: { pk: string; uncompressed: string };
  tests: (Cases & { tcId: number; size: number; flags: string[] })[];
}

/** Every test of a file with the fields of its group, after checking that all are there. */
function wycheproof(file: string, count: number) {
  const { testGroups } = readVectors<{ testGroups: Group[] }>(`wycheproof/${file}.json`);
  const tests = testGroups.flatMap((group) => group.tests.map((each) => ({ group, ...each })));
  expect(tests).toHaveLength(count);
  return tests as (Cases & { group: Group; tcId: number; size: number; flags: string[] })[];
}

const field = (record: Cases, name: string) => fromHex(record[name] ?? '');
const thrownCode = (run: () => unknown) => {
  try {
    run();
    return 'nothing thrown';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe.each([nodeCrypto, nobleCrypto])('$name', (crypto: CryptoProvider) => {
  test('X25519: 518 Wycheproof exchanges, 31 of them refused for a zero secret', () => {
    let refused = 0;
    for (const each of wycheproof('x25519_test', 518)) {
      const exchange = () => hex(crypto.importX25519(field(each, 'private')).diffieHellman(field(each, 'public')));
      if (each.flags.includes('ZeroSharedSecret')) {
        expect(thrownCode(exchange), `case ${each.tcId}`).toBe('INVALID_PUBLIC_KEY');
        refused += 1;
      } else expect(exchange(), `case ${each.tcId}`).toBe(each['shared']);
    }
    expect(refused).toBe(31);
  });

  test('X25519: iterated as in RFC 7748', () => {
    const { vectors } = readVectors<{ vectors: { iterations: number; result: string }[] }>('rfc7748/x25519_iterated.json');
    expect(vectors.map(({ iterations }) => iterations)).toEqual([1, 1000, 1_000_000]);
    const longest = process.env['POSTERN_LONG_VECTORS'] === undefined ? 1000 : 1_000_000; // the last one takes a minute or more
    for (const { iterations, result } of vectors.filter((each) => each.iterations <= longest)) {
      let k = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0));
      let u = k;
      for (let round = 0; round < iterations; round++) [k, u] = [crypto.importX25519(k).diffieHellman(u) as typeof k, k];
      expect(hex(k)).toBe(result);
    }
  });

  test('Ed25519: 151 Wycheproof signatures', () => {
    for (const each of wycheproof('ed25519_test', 151)) {
      const verdict = crypto.verifyEd25519(fromHex(each.group.publicKey.pk), field(each, 'msg'), field(each, 'sig'));
      expect(verdict, `case ${each.tcId}`).toBe(each['result'] === 'valid');
    }
  });

  test('Ed25519: 15 edge cases get the strict verdict', () => {
    const { vectors } = readVectors<{ vectors: (Cases & { n: number })[] }>('ed25519/speccheck.json');
    expect(vectors).toHaveLength(15);
    for (const each of vectors) {
      const verdict = crypto.verifyEd25519(field(each, 'pub_key'), field(each, 'message'), field(each, 'signature'));
      expect(verdict, `case ${each.n}`).toBe(each['strict_verdict'] === 'valid');
    }
  });

  test('P-256: 262 Wycheproof signatures, high s among the valid ones', () => {
    for (const each of wycheproof('ecdsa_secp256r1_sha256_p1363_test', 262)) {
      const verdict = crypto.verifyP256(fromHex(each.group.publicKey.uncompressed), field(each, 'msg'), field(each, 'sig'));
      expect(verdict, `case ${each.tcId}`).toBe(each['result'] === 'valid');
    }
  });

  test('AES-256-GCM: 316 Wycheproof cases, 66 computed and the rest refused by the length of key or nonce', () => {
    const seen = { computed: 0, nonceRefused: 0, keyRefused: 0 };
    for (const each of wycheproof('aes_gcm_test', 316)) {
      const name = `case ${each.tcId}`;
      const [nonce, aad, plaintext] = [field(each, 'iv'), field(each, 'aad'), field(each, 'msg')];
      const sealed = concat(field(each, 'ct'), field(each, 'tag'));
      if (each.group.keySize !== 256) {
        expect(
          thrownCode(() => crypto.importAes256Gcm(field(each, 'key'))),
          name,
        ).toBe('INVALID_SECRET');
        seen.keyRefused += 1;
        continue;
      }
      const key = crypto.importAes256Gcm(field(each, 'key'));
      if (each.group.ivSize !== 96) {
        expect(
          thrownCode(() => key.seal(nonce, [plaintext], aad)),
          name,
        ).toBe('INVALID_NONCE');
        expect(
          thrownCode(() => key.open(nonce, sealed, aad)),
          name,
        ).toBe('INVALID_NONCE');
        seen.nonceRefused += 1;
      } else if (each['result'] === 'valid') {
        expect(hex(concat(...key.seal(nonce, [plaintext], aad))), name).toBe(hex(sealed));
        expect(hex(key.open(nonce, sealed, aad)), name).toBe(each['msg']);
        seen.computed += 1;
      } else {
        expect(
          thrownCode(() => key.open(nonce, sealed, aad)),
          name,
        ).toBe('DECRYPTION_FAILED');
        seen.computed += 1;
      }
    }
    expect(seen).toEqual({ computed: 66, nonceRefused: 39, keyRefused: 211 });
  });

  test('HMAC-SHA256: 174 Wycheproof cases, 128-bit tags compared with the first half', () => {
    for (const each of wycheproof('hmac_sha256_test', 174)) {
      const tag = crypto.hmacSha256(field(each, 'key'), field(each, 'msg')).subarray(0, each.group.tagSize / 8);
      expect(hex(tag) === each['tag'], `case ${each.tcId}`).toBe(each['result'] === 'valid');
    }
  });

  test('HKDF-SHA256: 86 Wycheproof cases over HMAC, 31 of them through hkdfSha256 too', () => {
    let direct = 0;
    for (const each of wycheproof('hkdf_sha256_test', 86)) {
      const [salt, ikm, info] = [field(each, 'salt'), field(each, 'ikm'), field(each, 'info')];
      if (each['result'] !== 'valid') {
        expect(each.size).toBeGreaterThan(255 * 32); // what an output of a byte-wide counter cannot reach; ours has 3 pieces
        continue;
      }
      const prk = crypto.hmacSha256(salt, ikm);
      let [piece, output] = [new Uint8Array(0), new Uint8Array(0)];
      for (let counter = 1; output.length < each.size; counter++) {
        piece = crypto.hmacSha256(prk, concat(piece, info, Uint8Array.of(counter))) as typeof piece;
        output = concat(output, piece) as typeof output;
      }
      expect(hex(output.subarray(0, each.size)), `case ${each.tcId}`).toBe(each['okm']);
      if (info.length > 0 || each.size > 96) continue;
      const pieces = crypto.hkdfSha256(salt, ikm, 3);
      expect(hex(concat(...pieces).subarray(0, each.size)), `case ${each.tcId}`).toBe(each['okm']);
      direct += 1;
    }
    expect(direct).toBe(31);
  });

  test('the vault vectors', async () => {
    const vectors = readVectors<{
      handles: { cases: (Cases & { key_type: string })[] };
      cbor: Cases;
      signatures: { data: string; ed25519: Cases; p256: Cases };
      x25519: Cases;
      hkdf: { salt: string; ikm: string; outputs: string[] }[];
      aes_256_gcm: Cases[];
      secret_buffer_to_aead_key: { cases: { length: number; result: string }[] };
    }>('identities/vault.json');
    const vault = new SoftwareVault(crypto, { bytes: () => new Uint8Array(32) });
    const kinds = { EdDSACurve25519: 'ed25519', ECDSASHA256CurveP256: 'p256', X25519: 'x25519' } as const;

    expect(vectors.handles.cases).toHaveLength(3);
    for (const each of vectors.handles.cases) {
      const secret = new Secret(kinds[each.key_type as keyof typeof kinds], field(each, 'secret'));
      const publicKey =
        secret.kind === 'x25519' ? (await vault.importX25519(secret)).publicKey : (await vault.importSigningKey(secret)).bytes;
      expect(hex(publicKey)).toBe(each['public_key']);
      expect(vault.handle(publicKey)).toBe(each['handle']);
    }

    const data = fromHex(vectors.signatures.data);
    for (const kind of ['ed25519', 'p256'] as const) {
      const each = vectors.signatures[kind];
      const key = { kind, bytes: field(each, 'public_key') };
      const signature = await vault.sign(key, data);
      expect(hex(signature.bytes)).toBe(each['signature']);
      expect(hex(encodeCbor(kindItem(key)))).toBe(vectors.cbor[`verifying_key_${kind}`]);
      expect(hex(encodeCbor(kindItem(signature)))).toBe(vectors.cbor[`signature_${kind}`]);
    }

    const shared = crypto.importX25519(field(vectors.x25519, 'secret')).diffieHellman(field(vectors.x25519, 'peer_public'));
    expect(hex(shared)).toBe(vectors.x25519['shared']);

    expect(vectors.hkdf).toHaveLength(3);
    for (const { salt, ikm, outputs } of vectors.hkdf)
      expect(crypto.hkdfSha256(fromHex(salt), fromHex(ikm), outputs.length as 2 | 3).map(hex)).toEqual(outputs);

    expect(vectors.aes_256_gcm).toHaveLength(1);
    for (const each of vectors.aes_256_gcm) {
      const key = crypto.importAes256Gcm(field(each, 'key'));
      expect(hex(concat(...key.seal(field(each, 'nonce'), [field(each, 'plaintext')], field(each, 'aad'))))).toBe(each['output']);
    }

    // The original cuts a longer buffer to its first 32 bytes; here whoever holds it cuts it, and any other length is refused.
    const lengths = vectors.secret_buffer_to_aead_key.cases.map(({ length }) => length);
    expect(lengths).toEqual([31, 32, 64]);
    expect(lengths.map((length) => thrownCode(() => crypto.importAes256Gcm(new Uint8Array(length))))).toEqual([
      'INVALID_SECRET',
      'nothing thrown',
      'INVALID_SECRET',
    ]);
  });
});
