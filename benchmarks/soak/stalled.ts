import { setTimeout as sleep } from 'node:timers/promises';
import { bytesInSockets } from './bytes-in-sockets.ts';
import type { Program } from '../processes.ts';
import type { Result, Setting } from './setting.ts';

const STREAMS = 50;
const MEASURE_MS = 5_000;
const WARM_UP_MS = 3_000;
const RATE_SHARE_MIN = 0.8;
/** At each end; what lies at both is measured together, and the limit of one is asked of it. */
const HELD_BYTES_MAX = 2 * 1024 ** 2;

type ByPort = readonly (readonly [port: number, bytes: number])[];

/** One of 50 streams through one channel stops being read: the others keep their rate, and the nodes hold little for it. */
export async function stalled({ client, sink, chain }: Setting): Promise<Result> {
  await client.ask('push', { port: chain.port, streams: STREAMS });
  await sleep(WARM_UP_MS);
  const before = (await sink.ask<number>('rate', { forMs: MEASURE_MS })) * ((STREAMS - 1) / STREAMS);
  const sinkPort = await sink.ask<number>('stall');
  await sleep(WARM_UP_MS);
  const after = await sink.ask<number>('rate', { forMs: MEASURE_MS });
  const rateShare = after / before;
  const heldBytes = await bytesHeld(client, sink, sinkPort, chain.port);
  await client.ask('stopPushing');
  return {
    passed: rateShare >= RATE_SHARE_MIN && heldBytes < HELD_BYTES_MAX,
    streams: STREAMS,
    rateShareOfOthers: Number(rateShare.toFixed(2)),
    othersMBPerSecond: Math.round(after / 1e6),
    heldBytesAtBothEnds: heldBytes,
  };
}

/** What the client's system took and the sink's program has not read, less what lies in the system's sockets. */
async function bytesHeld(client: Program, sink: Program, sinkPort: number, inletPort: number): Promise<number> {
  const read = new Map(await sink.ask<ByPort>('read')).get(sinkPort) ?? 0;
  const pushed = await client.ask<ByPort>('pushed');
  // The stalled stream is the one from which least was taken: the others moved on.
  const [clientPort, taken] = [...pushed].sort(([, one], [, other]) => one - other)[0] ?? [0, 0];
  return taken - read - (await bytesInSockets([clientPort, inletPort])) - (await bytesInSockets([sinkPort]));
}
