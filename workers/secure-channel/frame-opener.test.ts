import { expect, test } from 'vitest';
import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { ChannelError } from './errors.ts';
import { FrameOpener } from './frame-opener.ts';
import { FrameSealer } from './frame-sealer.ts';

const KEY = new Uint8Array(32).fill(9);

/** Counts what the cipher is asked for. */
function counting() {
  const calls = { seals: 0, opens: 0, imports: 0 };
  const importAes256Gcm = (bytes: Uint8Array): AeadKey => {
    calls.imports += 1;
    const key = nodeCrypto.importAes256Gcm(bytes);
    return {
      seal: (...args) => {
        calls.seals += 1;
        return key.seal(...args);
      },
      open: (...args) => {
        calls.opens += 1;
        return key.open(...args);
      },
    };
  };
  return { calls, crypto: { ...nodeCrypto, importAes256Gcm } satisfies CryptoProvider };
}

function frames(count: number): Uint8Array[] {
  const sealer = new FrameSealer(nodeCrypto, nodeCrypto.importAes256Gcm(KEY));
  return Array.from({ length: count }, (_, nonce) => concat(...sealer.seal([Uint8Array.of(nonce)])));
}

function atNonce(nonce: bigint, bytes = 40): Uint8Array {
  const frame = new Uint8Array(bytes);
  new DataView(frame.buffer).setBigUint64(0, nonce);
  return frame;
}

function refusal(opener: FrameOpener, frame: Uint8Array): string {
  try {
    opener.open(frame);
  } catch (error) {
    if (error instanceof ChannelError) return `${error.code} ${error.message} ${String(error.cause)}`;
  }
  return 'opened';
}

test('every refusal reads the same', () => {
  const [first, second] = frames(2) as [Uint8Array, Uint8Array];
  const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY));
  opener.open(first);
  const forged = second.slice();
  forged[9]! ^= 1;
  const reasons = [
    first, // repeated
    forged,
    second.subarray(0, 23), // too short
    second.subarray(0, 24), // cut
    new Uint8Array(0),
    atNonce(33n), // out of the window
    atNonce(2n ** 64n - 1n),
    atNonce(32n), // of the next key
  ].map((frame) => refusal(opener, frame));
  expect(new Set(reasons)).toEqual(new Set(['FRAME_REFUSED This frame was refused; nothing was changed. undefined']));
  expect(opener.open(second)).toEqual(Uint8Array.of(1));
});

// Source: reliability.md CH8
test('a refused frame costs one derivation and one decryption at most, a far or short one nothing', () => {
  const { calls, crypto } = counting();
  const opener = new FrameOpener(crypto, crypto.importAes256Gcm(KEY));
  opener.open(frames(1)[0]!);
  Object.assign(calls, { seals: 0, opens: 0, imports: 0 });
  for (const nonce of [33n, 64n, 4096n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n]) refusal(opener, atNonce(nonce));
  for (let bytes = 0; bytes < 24; bytes++) refusal(opener, atNonce(1n).subarray(0, bytes));
  expect(calls).toEqual({ seals: 0, opens: 0, imports: 0 });
  for (let forgery = 1; forgery <= 100; forgery++) {
    refusal(opener, atNonce(32n));
    expect(calls).toEqual({ seals: forgery, opens: forgery, imports: forgery });
  }
  refusal(opener, atNonce(5n));
  expect(calls).toEqual({ seals: 100, opens: 101, imports: 100 });
});

test('frames out of the window are counted until one opens', () => {
  const sealed = frames(80);
  const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY));
  opener.open(sealed[0]!);
  expect(opener.outOfWindowRun).toBe(0);
  for (const nonce of [33, 34, 35]) refusal(opener, sealed[nonce]!);
  refusal(opener, sealed[0]!); // repeated
  expect(opener.outOfWindowRun).toBe(3);
  opener.open(sealed[32]!);
  expect(opener.outOfWindowRun).toBe(0);
});

test('only a frame newer than all before it counts as the newest, and the first never does', () => {
  const sealed = frames(4);
  const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY));
  const newest = [0, 2, 1, 3].map((nonce) => {
    opener.open(sealed[nonce]!);
    return opener.lastWasNewest;
  });
  expect(newest).toEqual([false, true, false, true]);
});

// Source: reliability.md CH2
test('each bit of a frame counts', () => {
  const sealed = frames(20);
  const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY));
  sealed.forEach((frame, nonce) => {
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const forged = frame.slice();
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(refusal(opener, forged)).not.toBe('opened');
    }
    expect(opener.open(frame)).toEqual(Uint8Array.of(nonce));
  });
});

test('to get ready changes nothing of what is opened and refused: in order, late, twice, forged, across keys', () => {
  const [ready, plain] = [1, 2].map(() => new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY))) as [FrameOpener, FrameOpener];
  const outcome = (opener: FrameOpener, frame: Uint8Array) => {
    const refused = refusal(opener, frame);
    return [refused, opener.outOfWindowRun, opener.lastWasNewest];
  };
  const sent = frames(100);
  for (let nonce = 0; nonce < sent.length; nonce += 1) {
    const swapped = sent[nonce % 7 === 3 ? nonce + 1 : nonce % 7 === 4 ? nonce - 1 : nonce]!;
    const forged = swapped.slice();
    forged[8]! ^= 1;
    for (const frame of nonce % 5 === 0 ? [forged, swapped, swapped, atNonce(BigInt(nonce + 90))] : [swapped]) {
      expect(outcome(ready, frame)).toEqual(outcome(plain, frame));
      ready.prepare();
    }
  }
});
