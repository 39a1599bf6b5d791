import { setTimeout as sleep } from 'node:timers/promises';
import { compare, type Subject } from '../measure.ts';
import type { Program } from '../processes.ts';
import { bytesInSockets } from './bytes-in-sockets.ts';
import type { Result, Setting } from './setting.ts';

const STREAMS = 50;
/** The one that is not read. */
const TAG = 0;
/** Long enough for a stream that goes on to be back at its rate. */
const SETTLE_MS = 1_000;
/** A stream that the client could write nothing to for so long is full all the way: sockets first, then windows. */
const STILL_MS = 2_000;
const MEASURE_MS = 1_500;
const RATE_SHARE_MIN = 0.8;
/** The limit for each end is asked of both together. */
const HELD_BYTES_MAX = 2 * 1024 ** 2;

/** One of 50 streams through one channel stops being read: the others keep their rate, and the nodes hold little for it. */
export async function stalled({ client, sink, chain }: Setting): Promise<Result> {
  await client.ask('push', { port: chain.port, streams: STREAMS });
  const others = (forMs: number) => sink.ask<number>('rate', { forMs, without: TAG });
  const held: number[] = [];
  const allRead: Subject = async (forMs) => {
    await sleep(SETTLE_MS);
    return others(forMs);
  };
  const oneStalled: Subject = async (forMs) => {
    await sink.ask('stall', { tag: TAG });
    await standstill(client);
    const rate = await others(forMs);
    held.push(await bytesHeld(client, sink, chain.port));
    await sink.ask('goOn', { tag: TAG });
    return rate;
  };
  const { found } = await compare(allRead, { found: oneStalled }, { forMs: MEASURE_MS });
  await client.ask('stopPushing');
  const heldBytes = Math.max(...held);
  return {
    passed: found.ratio >= RATE_SHARE_MIN && heldBytes < HELD_BYTES_MAX,
    streams: STREAMS,
    rateShareOfOthers: Number(found.ratio.toFixed(2)),
    noise: Number(found.noise.toFixed(2)),
    othersMBPerSecond: Math.round(found.ours / 1e6),
    heldBytesAtBothEnds: heldBytes,
  };
}

async function standstill(client: Program): Promise<void> {
  const pushed = async () => (await client.ask<Progress>('pushed', { tag: TAG })).bytes;
  for (let before = -1, now = await pushed(); now !== before; now = await pushed()) {
    before = now;
    await sleep(STILL_MS);
  }
}

interface Progress {
  readonly bytes: number;
  readonly port: number;
}

/** What the client's system took and the sink's program has not read, less what lies in the system's sockets. */
async function bytesHeld(client: Program, sink: Program, inletPort: number): Promise<number> {
  const far = await sink.ask<Progress>('read', { tag: TAG });
  const near = await client.ask<Progress>('pushed', { tag: TAG });
  return near.bytes - far.bytes - (await bytesInSockets([near.port, inletPort])) - (await bytesInSockets([far.port]));
}
