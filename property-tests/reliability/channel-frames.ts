import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AeadKey, CryptoProvider } from '../../identities/crypto.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { ChannelError } from '../../workers/secure-channel/errors.ts';
import { nonceHalves } from '../../workers/secure-channel/frame-nonce.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { NonceWindow } from '../../workers/secure-channel/nonce-window.ts';
import { readVectors } from '../vectors/read-vectors.ts';
import { inTurn, type Row, Tally } from './row.ts';

/** One direction of a channel: what one end seals and the other opens. */
function direction(seed: number, crypto: CryptoProvider = nodeCrypto) {
  const key = seededRandom(seed).bytes(32);
  const sealer = new FrameSealer(crypto, crypto.importAes256Gcm(key));
  const opener = new FrameOpener(crypto, crypto.importAes256Gcm(key));
  const seal = (plaintext: Uint8Array) => concat(...sealer.seal([plaintext]));
  return { seal, opener };
}

/** Whether the frame is opened. Any error but the one refusal is a fault of ours. */
function opens(opener: FrameOpener, frame: Uint8Array): boolean {
  try {
    opener.open(frame);
    return true;
  } catch (thrown) {
    if (thrown instanceof ChannelError && thrown.code === 'FRAME_REFUSED') return false;
    throw thrown;
  }
}

const numbered = (index: number) => Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index);
const SCHEDULES = 613;
const REPEATED = 10_000;

/** Counts what is done with keys, and calls back for every seal with the key's bytes and the nonce. */
export function watchedCrypto(onSeal: (key: string, nonce: Uint8Array) => void = () => undefined) {
  const counts = { keys: 0, opens: 0 };
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    importAes256Gcm: (bytes) => {
      counts.keys += 1;
      const key = nodeCrypto.importAes256Gcm(bytes);
      const name = hex(bytes);
      return {
        seal: (nonce, plaintext, associated) => {
          onSeal(name, nonce);
          return key.seal(nonce, plaintext, associated);
        },
        open: (nonce, sealed, associated) => {
          counts.opens += 1;
          return key.open(nonce, sealed, associated);
        },
      };
    },
  };
  return { crypto, counts };
}

const flipped: Row = {
  id: 'CH2',
  about: 'each bit of a frame flipped: none accepted, and the genuine frame is',
  full: 200,
  run: ({ count, seed }) => {
    const { seal, opener } = direction(seed);
    return inTurn(count, async (index) => {
      const frame = seal(concat(numbered(index), new Uint8Array(index % 64)));
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const forged = frame.slice();
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if (opens(opener, forged)) return `accepted with bit ${bit} flipped`;
      }
      return opens(opener, frame) ? undefined : 'the genuine frame was refused';
    });
  },
};

interface Schedule {
  nonces: (number | string)[];
  genuine: string;
  accept: string;
}

const replayedInside: Row = {
  id: 'CH3',
  about: 'the 613 schedules of the window, and each of 10,000 frames twice: delivered once',
  full: SCHEDULES + REPEATED,
  run: async ({ count, seed }) => {
    const { named, random } = readVectors<{ named: Schedule[]; random: Schedule[] }>('ockam/nonce_window.json');
    const schedules = [...named, ...random];
    const schedulesRun = Math.round((count * SCHEDULES) / (SCHEDULES + REPEATED));
    const { seal, opener } = direction(seed);
    let held: Uint8Array | undefined;
    return inTurn(count, async (index) => {
      if (index < schedulesRun) return faultOfSchedule(schedules[(index + seed) % schedules.length]);
      const frame = seal(numbered(index));
      if (!opens(opener, frame)) return 'a genuine frame was refused';
      if (held !== undefined && index % 7 === 0 && opens(opener, held)) return 'the frame before it was accepted again';
      held = frame;
      return opens(opener, frame) ? 'accepted twice' : undefined;
    });
  },
};

function faultOfSchedule(schedule: Schedule | undefined): string | undefined {
  if (schedule === undefined) return 'no such schedule';
  const window = new NonceWindow();
  for (const [at, nonce] of schedule.nonces.entries()) {
    const [high, low] = nonceHalves(BigInt(nonce));
    const verdict = window.check(high, low);
    const accepted = schedule.genuine[at] !== '0' && (verdict === 'newest' || verdict === 'late');
    if (accepted !== (schedule.accept[at] === '1')) return `event ${at}, nonce ${nonce}`;
    if (accepted) window.accept(high, low);
  }
  return undefined;
}

const movedByForgery: Row = {
  id: 'CH5',
  about: 'a forged frame up to 32 ahead moves neither window nor keys: the genuine next one is opened',
  full: 1_000,
  run: ({ count, seed }) => {
    const { seal, opener } = direction(seed);
    return inTurn(count, async (index) => {
      const frame = seal(numbered(index));
      const forged = frame.slice();
      new DataView(forged.buffer).setUint32(4, index + 1 + (index % 32));
      for (let times = 0; times < 3; times++) if (opens(opener, forged)) return 'a forged frame was accepted';
      return opens(opener, frame) ? undefined : 'the genuine next frame was refused';
    });
  },
};

const farNonces: Row = {
  id: 'CH8',
  about: 'frames with nonces up to 2^64-1: at most one key derived and one decryption tried for each, and no key kept',
  full: 100_000,
  run: ({ count, seed }) => {
    const { crypto, counts } = watchedCrypto();
    const { seal, opener } = direction(seed, crypto);
    for (let index = 0; index < 40; index++) opener.open(seal(numbered(index)));
    const random = seededRandom(seed + 1);
    return inTurn(count, async (index) => {
      const frame = random.bytes(40);
      // Half anywhere at all, half just ahead, where a key has to be derived to tell.
      if (index % 2 === 1) frame.set(concat(new Uint8Array(7), Uint8Array.of(40 + (index % 33))));
      const before = { ...counts };
      if (opens(opener, frame)) return 'accepted';
      if (counts.keys - before.keys > 1 || counts.opens - before.opens > 1) return `${JSON.stringify(before)} to ${JSON.stringify(counts)}`;
      if (index % 1_000 !== 0) return undefined;
      return opens(opener, seal(numbered(index))) ? undefined : 'the genuine next frame was refused';
    });
  },
};

const SENDERS = 64;

const nonceReuse: Row = {
  id: 'CH9',
  about: 'seals of 64 concurrent senders, some of which fail half way: no (key, nonce) pair twice',
  full: 1_000_000,
  run: async ({ count, seed }) => {
    const used = new Map<string, Set<string>>();
    const random = seededRandom(seed);
    let repeated = 0;
    let failing = 0;
    const { crypto } = watchedCrypto((key, nonce) => {
      const nonces = used.get(key) ?? new Set<string>();
      used.set(key, nonces);
      const text = hex(nonce);
      if (nonces.has(text)) repeated += 1;
      nonces.add(text);
      if (failing-- === 1) throw new Error('the provider fails');
    });
    let sealer = new FrameSealer(crypto, crypto.importAes256Gcm(random.bytes(32)));
    const tally = new Tally();
    const send = async (share: number) => {
      for (let sent = 0; sent < share; sent++) {
        const before = repeated;
        const current = sealer;
        try {
          if (tally.attempted % 1_009 === 1_008) failing = 1;
          current.seal([numbered(sent)]);
        } catch {
          // A failed sealer must stay silent; a new channel takes over, with keys of its own.
          let isSilent = false;
          try {
            current.seal([numbered(sent)]);
          } catch {
            isSilent = true;
          }
          if (!isSilent) repeated += 1;
          if (sealer === current) sealer = new FrameSealer(crypto, crypto.importAes256Gcm(random.bytes(32)));
        }
        tally.add(repeated === before ? undefined : 'a pair was used twice');
        if (sent % 8 === 0) await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, (_, index) => send(Math.floor(count / SENDERS) + (index < count % SENDERS ? 1 : 0))));
    return tally.result;
  },
};

const BOUNDARIES = [31, 32, 33, 63, 64, 65, ...Array.from({ length: 64 }, (_, index) => 64 * (index + 1))];

const rekeying: Row = {
  id: 'CH12',
  about: 'losses and late frames in bursts around every change of keys: both ends agree on each frame',
  full: 1_000_000,
  run: ({ count, seed }) => {
    const random = seededRandom(seed);
    const { seal, opener } = direction(seed + 1);
    const seen = new Set<number>();
    let newest = 0;
    let late: { frame: Uint8Array; nonce: number }[] = [];
    let lossesLeft = 0;
    const deliver = (frame: Uint8Array, nonce: number): string | undefined => {
      const expected = Math.abs(nonce - newest) <= 32 && !seen.has(nonce);
      if (opens(opener, frame) !== expected) return `nonce ${nonce}, newest ${newest}: should be ${expected ? 'opened' : 'refused'}`;
      if (!expected) return undefined;
      newest = Math.max(newest, nonce);
      seen.add(nonce).delete(nonce - 100);
      return undefined;
    };
    return inTurn(count, async (nonce) => {
      const frame = seal(numbered(nonce));
      const isBoundary = BOUNDARIES.includes(nonce % 4_160);
      const [chance = 0, length = 0] = random.bytes(2);
      if (lossesLeft === 0 && (isBoundary ? chance < 128 : chance < 2)) lossesLeft = 1 + (length % 31);
      if (lossesLeft > 0) {
        lossesLeft -= 1;
        if (length < 128) late.push({ frame, nonce }); // not lost, but late
        return undefined;
      }
      const fault = deliver(frame, nonce);
      const waiting = late;
      if (waiting.length > 0 && chance < 200) {
        late = [];
        for (const { frame: lateFrame, nonce: lateNonce } of waiting.reverse()) {
          const lateFault = deliver(lateFrame, lateNonce) ?? deliver(lateFrame, lateNonce);
          if (lateFault !== undefined) return lateFault;
        }
      }
      return fault;
    });
  },
};

const OLD_NONCES = 32;

const oldKeys: Row = {
  id: 'CH13',
  about: 'after nonce 64 a genuine frame of the first interval is refused; two receiving keys at most are alive',
  full: OLD_NONCES + 1,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      if (index === OLD_NONCES) return faultOfKeysAlive(seed);
      const { seal, opener } = direction(seed + index);
      const oldNonce = 31 - index;
      const frames = Array.from({ length: 65 + index }, (_, nonce) => seal(numbered(nonce)));
      const old = frames[oldNonce];
      for (const [nonce, frame] of frames.entries()) {
        if (nonce !== oldNonce && !opens(opener, frame)) return 'a genuine frame was refused';
      }
      return old === undefined || opens(opener, old) ? 'the old frame was accepted' : undefined;
    }),
};

async function faultOfKeysAlive(seed: number): Promise<string | undefined> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const keys: WeakRef<AeadKey>[] = [];
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    importAes256Gcm: (bytes) => {
      const key = nodeCrypto.importAes256Gcm(bytes);
      keys.push(new WeakRef(key));
      return key;
    },
  };
  const first = seededRandom(seed).bytes(32);
  const opener = new FrameOpener(crypto, crypto.importAes256Gcm(first));
  const sealer = new FrameSealer(nodeCrypto, nodeCrypto.importAes256Gcm(first));
  for (let nonce = 0; nonce < 3_200; nonce++) opener.open(concat(...sealer.seal([numbered(nonce)])));
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef keeps its target until the turn ends
    collect();
  }
  const alive = keys.filter((key) => key.deref() !== undefined).length;
  if (keys.length < 100) return `only ${keys.length} keys were made`;
  return alive <= 2 && opener.outOfWindowRun === 0 ? undefined : `${alive} of ${keys.length} keys are alive`;
}

const exhaustion: Row = {
  id: 'CH14',
  about: 'the last nonce is never used and nothing wraps; 70,000 messages in one channel',
  full: 70_001,
  run: ({ count, seed }) => {
    const { seal, opener } = direction(seed);
    return inTurn(count, async (index) => {
      if (index === 0) return faultOfLastNonce(seed);
      const opened = opener.open(seal(numbered(index)));
      return hex(opened) === hex(numbered(index)) ? undefined : 'another message came out';
    });
  },
};

function faultOfLastNonce(seed: number): string | undefined {
  const key = nodeCrypto.importAes256Gcm(seededRandom(seed).bytes(32));
  const sealer = new FrameSealer(nodeCrypto, key, 0xffff_ffff_ffff_ffe0n);
  const nonces = new Set<string>();
  for (let left = 0; left < 31; left++) nonces.add(hex(concat(...sealer.seal([numbered(left)])).subarray(0, 8)));
  if (nonces.size !== 31 || !nonces.has('fffffffffffffffe')) return `sealed under ${[...nonces].join(' ')}`;
  for (let times = 0; times < 3; times++) {
    try {
      sealer.seal([numbered(times)]);
      return 'sealed beyond the last nonce';
    } catch (thrown) {
      if (!(thrown instanceof ChannelError) || thrown.code !== 'NONCES_EXHAUSTED') return String(thrown);
    }
  }
  return undefined;
}

/** Channels, of reliability.md 2.4: what concerns single frames. */
export const rows: readonly Row[] = [flipped, replayedInside, movedByForgery, farNonces, nonceReuse, rekeying, oldKeys, exhaustion];
