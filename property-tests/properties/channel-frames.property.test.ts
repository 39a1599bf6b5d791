import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import { ChannelError } from '../../workers/secure-channel/errors.ts';
import { nonceHalves } from '../../workers/secure-channel/frame-nonce.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { ReceivingKeys } from '../../workers/secure-channel/key-schedule.ts';
import { NonceWindow } from '../../workers/secure-channel/nonce-window.ts';
import { SHARE } from '../full-counts.ts';

/** All that a receiver must know: what it accepted, and the largest of it. */
class SeenModel {
  readonly #seen = new Set<bigint>();
  #newest: bigint;

  constructor(first = 0n) {
    this.#newest = first;
  }

  accept(nonce: bigint): boolean {
    if (this.#seen.has(nonce) || nonce > this.#newest + 32n || nonce < this.#newest - 32n) return false;
    this.#seen.add(nonce);
    if (nonce > this.#newest) this.#newest = nonce;
    return true;
  }
}

const KEY_BYTES = new Uint8Array(32).fill(0x17);

/** How the network treats the next frame: where it lies from the newest so far, and whether somebody touched it. */
const arrival = fc.record({
  step: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 3, arbitrary: fc.integer({ min: -40, max: 40 }) }),
  touched: fc.option(fc.nat(1_000), { freq: 6 }),
});

test('the window accepts what a set of nonces would', () => {
  const starts = fc.constantFrom(0n, 31n, 2n ** 32n - 50n, 2n ** 53n - 50n, 2n ** 63n, 2n ** 64n - 70n);
  const events = 1_000_000 / SHARE;
  fc.assert(
    fc.property(starts, fc.array(fc.integer({ min: -35, max: 35 }), { minLength: 200, maxLength: 200 }), (start, steps) => {
      const window = new NonceWindow(...nonceHalves(start));
      const model = new SeenModel(start);
      let at = start;
      for (const step of steps) {
        const nonce = clamp(at + BigInt(step));
        const [high, low] = nonceHalves(nonce);
        const verdict = window.check(high, low);
        expect(window.check(high, low)).toBe(verdict); // looking changes nothing
        const accepted = verdict === 'newest' || verdict === 'late';
        if (accepted) window.accept(high, low);
        if (accepted !== model.accept(nonce)) throw new Error(`${nonce} after ${at}: ${verdict}`);
        if (verdict === 'newest') at = nonce;
      }
    }),
    { numRuns: events / 200 },
  );
});

describe.each([
  { crypto: nodeCrypto, name: nodeCrypto.name, numRuns: 1_000 / SHARE },
  { crypto: nobleCrypto, name: nobleCrypto.name, numRuns: 200 / SHARE },
])('$name', ({ crypto, numRuns }) => {
  const key = () => crypto.importAes256Gcm(KEY_BYTES);
  const sealer = new FrameSealer(crypto, key());
  const sealed: Uint8Array[] = [];
  const frame = (nonce: number): Uint8Array => {
    while (sealed.length <= nonce) sealed.push(concat(...sealer.seal([Uint8Array.of(sealed.length >> 8, sealed.length & 0xff)])));
    return sealed[nonce]!;
  };

  test('a frame opens once, to what was sealed, if a set of nonces would take it; a rejected frame changes nothing', () => {
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 150 }), (arrivals) => {
        const opener = new FrameOpener(crypto, key());
        const model = new SeenModel();
        let newest = 0;
        for (const { step, touched } of arrivals) {
          const nonce = Math.max(0, newest + step);
          const genuine = frame(nonce);
          if (touched !== null) expect(open(opener, flip(genuine, touched))).toBeUndefined();
          const accepted = model.accept(BigInt(nonce));
          expect(open(opener, genuine)).toEqual(accepted ? Uint8Array.of(nonce >> 8, nonce & 0xff) : undefined);
          if (accepted) newest = Math.max(newest, nonce);
        }
      }),
      { numRuns },
    );
  });

  // Source: reliability.md CH12
  test('both ends agree at every boundary up to 4,096, whatever is lost or late around it', () => {
    const burst = fc.record({ lost: fc.integer({ min: 0, max: 31 }), before: fc.integer({ min: 0, max: 33 }), late: fc.nat(31) });
    fc.assert(
      fc.property(fc.array(burst, { minLength: 128, maxLength: 128 }), (bursts) => {
        const opener = new FrameOpener(crypto, key());
        const model = new SeenModel();
        const deliver = (nonce: number) => {
          if (nonce < 0) return;
          const accepted = model.accept(BigInt(nonce));
          expect(open(opener, frame(nonce)) !== undefined, `nonce ${nonce}`).toBe(accepted);
        };
        let next = 0;
        bursts.forEach(({ lost, before, late }, index) => {
          const boundary = 32 * (index + 1);
          while (next < boundary - before) deliver(next++);
          next = Math.min(next + lost, boundary + 31);
          deliver(next++);
          deliver(next - 1 - late);
          deliver(boundary - 1);
          deliver(boundary);
        });
        expect(next).toBeGreaterThan(4_000);
      }),
      { numRuns: Math.max(2, numRuns / 25) },
    );
  });

  test('the key before the last is gone', () => {
    const keys = new ReceivingKeys(crypto, key());
    const first = keys.choose(0, 31)!;
    keys.adopt(keys.choose(0, 32)!);
    expect(keys.choose(0, 31)).toBe(first);
    keys.adopt(keys.choose(0, 64)!);
    expect(keys.choose(0, 31)).toBeUndefined();
    expect(keys.choose(0, 128)).toBeUndefined();
    // A derived key that opened nothing is kept by nobody.
    const candidate = keys.choose(0, 96);
    expect(keys.choose(0, 96)).not.toBe(candidate);
  });
});

describe('a (key, nonce) pair seals once', () => {
  // Source: reliability.md CH9
  test('64 senders, calls in between, failures half way', async () => {
    const perChannel = 5_000 / SHARE;
    const recorder = recordSeals();
    for (let channel = 0; channel < 200; channel++) {
      recorder.failAt(channel % 2 === 0 ? undefined : channel * 7);
      const sealer = new FrameSealer(recorder.crypto, recorder.crypto.importAes256Gcm(KEY_BYTES));
      const sender = async (share: number) => {
        for (let sent = 0; sent < share; sent++) {
          try {
            sealer.seal([new Uint8Array(1)]);
          } catch (error) {
            if (!(error instanceof ChannelError && error.code === 'SEALING_FAILED')) throw error;
          }
          await Promise.resolve();
        }
      };
      await Promise.all(Array.from({ length: 64 }, () => sender(Math.ceil(perChannel / 64))));
    }
    expect(recorder.pairs.size).toBe(recorder.count());
    expect(recorder.count()).toBeGreaterThan((400_000 / SHARE) * 1.2);
  });

  // Source: reliability.md CH14
  test('70,000 frames, then the last ones before 2^64-1, which is never used, and nothing wraps', () => {
    const recorder = recordSeals();
    const { crypto } = recorder;
    const long = new FrameSealer(crypto, crypto.importAes256Gcm(KEY_BYTES));
    for (let sent = 0; sent < 70_000; sent++) long.seal([new Uint8Array(1)]);
    const last = new FrameSealer(crypto, crypto.importAes256Gcm(KEY_BYTES), 2n ** 64n - 64n);
    for (let sent = 0; sent < 63; sent++) last.seal([new Uint8Array(1)]);
    for (let again = 0; again < 40; again++) {
      expect(() => last.seal([new Uint8Array(1)])).toThrow(expect.objectContaining({ code: 'NONCES_EXHAUSTED' }));
    }
    expect(recorder.pairs.size).toBe(recorder.count());
    // Under 2^64-1 there are only the rekeys: one per interval of the long channel, one of the other.
    expect([...recorder.pairs].filter((pair) => pair.endsWith('ffffffffffffffff'))).toHaveLength(Math.floor(69_999 / 32) + 1);
  });

  test.each([2n ** 32n - 64n, 2n ** 53n - 64n, 2n ** 63n - 64n])('both ends go on together past the carry after %s', (first) => {
    const sealer = new FrameSealer(nodeCrypto, nodeCrypto.importAes256Gcm(KEY_BYTES), first);
    const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY_BYTES), first);
    const late: Uint8Array[] = [];
    for (let sent = 0; sent < 160; sent++) {
      const frame = concat(...sealer.seal([Uint8Array.of(sent)]));
      expect(new DataView(frame.buffer).getBigUint64(0)).toBe(first + BigInt(sent));
      if (sent % 16 === 15) late.push(frame);
      else expect(opener.open(frame)).toEqual(Uint8Array.of(sent));
      if (sent % 16 === 4) for (const held of late.splice(0)) opener.open(held);
    }
  });

  test('both ends reach the end of the counter together', () => {
    const first = 2n ** 64n - 64n;
    const sealer = new FrameSealer(nodeCrypto, nodeCrypto.importAes256Gcm(KEY_BYTES), first);
    const opener = new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(KEY_BYTES), first);
    for (let sent = 0; sent < 63; sent++) {
      const opened = opener.open(concat(...sealer.seal([Uint8Array.of(sent)])));
      expect(opened).toEqual(Uint8Array.of(sent));
    }
    expect(open(opener, new Uint8Array(40).fill(0xff, 0, 8))).toBeUndefined();
  });
});

function clamp(nonce: bigint): bigint {
  const last = 2n ** 64n - 1n;
  return nonce < 0n ? 0n : nonce > last ? last : nonce;
}

function flip(frame: Uint8Array, at: number): Uint8Array {
  const forged = frame.slice();
  forged[at % frame.length]! ^= 1 << (at % 8);
  return forged;
}

/** Only the one refusal counts: any other error fails the test. */
function open(opener: FrameOpener, frame: Uint8Array): Uint8Array | undefined {
  try {
    return opener.open(frame);
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'FRAME_REFUSED') return undefined;
    throw error;
  }
}

/** A provider that seals nothing and writes down each (key, nonce); a key is its number, since every import is another key. */
function recordSeals() {
  const pairs = new Set<string>();
  let count = 0;
  let keys = 0;
  let failing: number | undefined;
  let sinceFailure = 0;
  const importAes256Gcm = (_key: Uint8Array): AeadKey => {
    const number = keys++;
    return {
      seal: (nonce, plaintext) => {
        pairs.add(`${number} ${hex(nonce)}`);
        count += 1;
        if (failing !== undefined && sinceFailure++ === failing) throw new Error('half way');
        return [...plaintext, new Uint8Array(16)];
      },
      open: () => {
        throw new Error('nothing is opened here');
      },
    };
  };
  return {
    crypto: { ...nodeCrypto, importAes256Gcm } satisfies CryptoProvider,
    pairs,
    count: () => count,
    failAt: (seals: number | undefined) => {
      failing = seals;
      sinceFailure = 0;
    },
  };
}
