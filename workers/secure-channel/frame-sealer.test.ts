import { expect, test } from 'vitest';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { FrameOpener } from './frame-opener.ts';
import { FrameSealer } from './frame-sealer.ts';

const key = () => nodeCrypto.importAes256Gcm(new Uint8Array(32).fill(7));

test('a large chunk is sealed beside its small neighbours, which take the nonce and the tag', () => {
  const sealer = new FrameSealer(nodeCrypto, key());
  const head = new Uint8Array(30).fill(1);
  const body = new Uint8Array(48_000).fill(2);
  const tail = new Uint8Array(1).fill(3);
  const frame = sealer.seal([head, body, tail]);
  expect(frame.map((chunk) => chunk.length)).toEqual([38, 48_000, 17]);
  expect(new FrameOpener(nodeCrypto, key()).open(concat(...frame))).toEqual(concat(head, body, tail));
});

test('a small frame is one chunk, an empty one too', () => {
  const sealer = new FrameSealer(nodeCrypto, key());
  expect(sealer.seal([new Uint8Array(5), new Uint8Array(6)]).map((chunk) => chunk.length)).toEqual([35]);
  expect(sealer.seal([]).map((chunk) => chunk.length)).toEqual([24]);
});

test('a frame that is out does not change when the next one is sealed', () => {
  const sealer = new FrameSealer(nodeCrypto, key());
  const first = sealer.seal([new Uint8Array(2000)]);
  const before = concat(...first);
  sealer.seal([new Uint8Array(2000)]);
  expect(concat(...first)).toEqual(before);
});

test('a failure half way stops the sealer for good', () => {
  let seals = 0;
  const failing = {
    seal: () => {
      seals += 1;
      throw new Error('half way');
    },
    open: () => new Uint8Array(0),
  };
  const sealer = new FrameSealer(nodeCrypto, failing);
  for (let again = 0; again < 3; again++) {
    expect(() => sealer.seal([])).toThrow(expect.objectContaining({ code: 'SEALING_FAILED' }));
  }
  expect(seals).toBe(1);
});

test('a nonce beyond 64 bits is nobody’s first', () => {
  expect(() => new FrameSealer(nodeCrypto, key(), 2n ** 64n)).toThrow(RangeError);
  expect(() => new FrameSealer(nodeCrypto, key(), -1n)).toThrow(RangeError);
});

test('to get ready changes no frame, whenever and however often it is done', () => {
  const [ready, plain] = [new FrameSealer(nodeCrypto, key()), new FrameSealer(nodeCrypto, key())];
  for (let nonce = 0; nonce < 100; nonce++) {
    for (let times = nonce % 3; times > 0; times--) ready.prepare();
    expect(concat(...ready.seal([new Uint8Array(50).fill(nonce)]))).toEqual(concat(...plain.seal([new Uint8Array(50).fill(nonce)])));
  }
});
