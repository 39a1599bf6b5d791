import { expect, test } from 'vitest';
import { concat } from '../runtime/codec/bare.ts';
import { nodeCrypto } from './node-crypto.ts';

const nonce = (last: number) => new Uint8Array(12).fill(last, 11);
const BYTES = new Uint8Array(40).fill(3);

/** A key that was made ready, and the same key that was not. */
const twice = () => [1, 2].map(() => nodeCrypto.importAes256Gcm(new Uint8Array(32).fill(7))) as [Key, Key];
type Key = ReturnType<typeof nodeCrypto.importAes256Gcm>;

test('a key that was made ready seals as one that was not: under that nonce, under another, and under the same again', () => {
  const [ready, plain] = twice();
  const ours = nonce(1);
  ready.prepareSeal?.(ours);
  ours.fill(9); // the caller's memory is the caller's
  for (const last of [2, 1, 1, 3]) {
    const associated = new Uint8Array(last % 2).fill(last);
    expect(concat(...ready.seal(nonce(last), [BYTES], associated))).toEqual(concat(...plain.seal(nonce(last), [BYTES], associated)));
  }
});

test('a key that was made ready opens as one that was not, and what is forged uses up nothing but the readiness', () => {
  const [ready, plain] = twice();
  const sealed = concat(...plain.seal(nonce(1), [BYTES]));
  const forged = sealed.slice();
  forged[0]! ^= 1;
  for (const first of [sealed, forged]) {
    ready.prepareOpen?.(nonce(1));
    if (first === forged) expect(() => ready.open(nonce(1), forged)).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED' }));
    expect(() => ready.open(nonce(2), sealed)).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED' }));
    for (let again = 0; again < 2; again++) expect(ready.open(nonce(1), sealed)).toEqual(BYTES);
  }
});
