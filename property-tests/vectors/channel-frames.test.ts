import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import { ChannelError } from '../../workers/secure-channel/errors.ts';
import { nonceHalves } from '../../workers/secure-channel/frame-nonce.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { rekey } from '../../workers/secure-channel/noise/cipher-state.ts';
import { NonceWindow } from '../../workers/secure-channel/nonce-window.ts';
import { fingerprint, keyPrint, PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface TransportVector {
  key: string;
  epoch_keys: Record<string, string>;
  frames: { nonce: number; plaintext: string; frame: string }[];
}

interface WindowVector {
  name?: string;
  nonces: (number | string)[];
  genuine: string;
  accept: string;
}

const transport = readVectors<{ vectors: TransportVector[] }>('ockam/transport.json').vectors;
const windows = readVectors<{ named: WindowVector[]; random: WindowVector[] }>('ockam/nonce_window.json');
const sequences = [...windows.named, ...windows.random];

test('all cases are here', () => {
  expect(transport).toHaveLength(3);
  expect(transport.flatMap(({ frames }) => frames)).toHaveLength(66);
  expect(windows.named).toHaveLength(13);
  expect(windows.random).toHaveLength(600);
  expect(sequences.reduce((count, { nonces }) => count + nonces.length, 0)).toBe(57_140);
});

describe.each(PROVIDERS)('$name', (crypto) => {
  test.each(transport)('the key of each interval, and each frame both ways: key $key', ({ key, epoch_keys, frames }) => {
    const byNonce = new Map(frames.map((frame) => [frame.nonce, frame]));
    const last = Math.max(...byNonce.keys());
    const sealer = new FrameSealer(crypto, crypto.importAes256Gcm(fromHex(key)));
    const opener = new FrameOpener(crypto, crypto.importAes256Gcm(fromHex(key)));
    let compared = 0;
    for (let nonce = 0; nonce <= last; nonce++) {
      const expected = byNonce.get(nonce);
      const plaintext = expected === undefined ? new Uint8Array(1) : fromHex(expected.plaintext);
      const frame = concat(...sealer.seal([plaintext]));
      if (expected !== undefined) {
        expect(hex(frame)).toBe(expected.frame);
        compared += 1;
      }
      expect(opener.open(frame)).toEqual(plaintext);
    }
    expect(compared).toBe(frames.length);
    let epochKey = crypto.importAes256Gcm(fromHex(key));
    for (let epoch = 0; epoch <= 128; epoch++) {
      const expected = epoch_keys[epoch];
      if (expected !== undefined) expect(fingerprint(epochKey)).toBe(keyPrint(crypto, expected));
      epochKey = rekey(crypto, epochKey);
    }
  });

  test('57,140 arrivals at a receiver, forgeries included', () => {
    const key = crypto.importAes256Gcm(new Uint8Array(32).fill(7));
    const sealer = new FrameSealer(crypto, key);
    const frames: Uint8Array[] = [];
    const frameOf = (nonce: bigint): Uint8Array => {
      // Far nonces are refused by the window in every case, so any bytes do for the rest of the frame.
      if (nonce > 100_000n) return concat(fromHex(nonce.toString(16).padStart(16, '0')), new Uint8Array(17));
      while (frames.length <= nonce) frames.push(concat(...sealer.seal([Uint8Array.of(frames.length % 256)])));
      return frames[Number(nonce)]!;
    };
    let events = 0;
    for (const { nonces, genuine, accept } of sequences) {
      const opener = new FrameOpener(crypto, key);
      const verdicts = nonces.map((text, index) => {
        const frame = frameOf(BigInt(text)).slice();
        if (genuine[index] === '0') frame[frame.length - 1]! ^= 1;
        return opens(opener, frame) ? '1' : '0';
      });
      expect(verdicts.join('')).toBe(accept);
      events += verdicts.length;
    }
    expect(events).toBe(57_140);
  });
});

test('57,140 arrivals at the window alone', () => {
  for (const { nonces, genuine, accept } of sequences) {
    const window = new NonceWindow();
    const verdicts = nonces.map((text, index) => {
      const [high, low] = nonceHalves(BigInt(text));
      const verdict = window.check(high, low);
      const accepted = (verdict === 'newest' || verdict === 'late') && genuine[index] === '1';
      if (accepted) window.accept(high, low);
      return accepted ? '1' : '0';
    });
    expect(verdicts.join('')).toBe(accept);
  }
});

function opens(opener: FrameOpener, frame: Uint8Array): boolean {
  try {
    opener.open(frame);
    return true;
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'FRAME_REFUSED') return false;
    throw error;
  }
}
