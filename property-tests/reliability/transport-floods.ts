import fc from 'fast-check';
import type { RawPeer } from '../conformance/raw-peer.ts';
import { inTurn, type Row, Tally } from './row.ts';
import { TcpWorld, tcpFrame } from './tcp-world.ts';

const UNLIMITED = { strangers: 1e9, strangersPerAddress: 1e9 } as const;
/** 64 MiB for a thousand connections. Source: reliability.md TR2 */
const BYTES_EACH_MAX = 65_536;
const PREAMBLE_MS = 5_000;
const FRAME_MS = 30_000;
const GRACE_MS = 5_000;
const HONEST_MS_MAX = 2_000;
const VERSION = Uint8Array.of(1);

/** Memory outside the garbage that has not been collected yet. */
const heldBytes = () => process.memoryUsage().arrayBuffers;

/** Each claims the largest frame there is, or the largest that is read, and sends a byte of it. */
const lengthBombs: Row = {
  id: 'TR2',
  about: 'a claimed length takes no memory',
  full: 1_000,
  run: async ({ count, seed }) => {
    const world = await TcpWorld.start({ seed, caps: UNLIMITED });
    const tally = new Tally();
    const before = heldBytes();
    const peers: RawPeer[] = [];
    for (let index = 0; index < count; index++) {
      const peer = await world.knock();
      peer.send(Uint8Array.of(1, ...(index % 2 === 0 ? [1, 0, 0, 0] : [0, 4, 0, 0]), 0x83));
      peers.push(peer);
    }
    await world.pass(1_000);
    const eachBytes = (heldBytes() - before) / count;
    tally.measured(eachBytes, 'bytes each');
    const echoMs = await world.echoMs();
    await world.pass(FRAME_MS);
    for (const peer of peers) {
      tally.add(
        eachBytes > BYTES_EACH_MAX
          ? `${eachBytes} bytes each`
          : peer.state === 'open'
            ? 'open after the frame deadline'
            : echoMs > HONEST_MS_MAX
              ? 'the honest client waited'
              : undefined,
      );
    }
    await world.stop();
    return tally.result;
  },
};

/** Nothing, a byte now and then, or a frame that never ends; honest clients come and go meanwhile. */
const slowLoris: Row = {
  id: 'TR3',
  about: 'slow connections end at their deadline and nobody else notices them',
  full: 5_000,
  run: async ({ count, seed }) => {
    const world = await TcpWorld.start({ seed, caps: UNLIMITED });
    const tally = new Tally();
    const slow: { readonly peer: RawPeer; readonly dueMs: number; readonly isTrickling: boolean }[] = [];
    const message = tcpFrame(['echoer'], ['app'], new Uint8Array(200));
    for (let index = 0; index < count; index++) {
      const peer = await world.knock();
      const kind = index % 3;
      if (kind > 0) peer.send(VERSION);
      slow.push({ peer, dueMs: (kind === 0 ? PREAMBLE_MS : FRAME_MS) + GRACE_MS, isTrickling: kind === 1 });
      if (kind === 2) peer.send(message.subarray(0, 100));
    }
    const closedMs = new Map<RawPeer, number>();
    for (let second = 0; second <= (FRAME_MS + GRACE_MS) / 1_000; second++) {
      for (const { peer, isTrickling } of slow) {
        if (peer.state !== 'open') {
          if (!closedMs.has(peer)) closedMs.set(peer, second * 1_000);
        } else if (isTrickling) peer.send(message.subarray(second, second + 1));
      }
      const honest = await world.knock('honest');
      const sinceMs = world.clock.monotonicMs();
      honest.send(Uint8Array.of(1, ...message));
      await world.clock.runUntil(honest.frame().then(() => honest.frame()));
      tally.measured(world.clock.monotonicMs() - sinceMs, 'ms for an honest echo');
      if (world.clock.monotonicMs() - sinceMs > HONEST_MS_MAX) tally.add('an honest client waited');
      honest.end();
      await world.pass(1_000 - (world.clock.monotonicMs() - sinceMs));
    }
    for (const { peer, dueMs } of slow) {
      const afterMs = closedMs.get(peer);
      tally.add(afterMs !== undefined && afterMs <= dueMs ? undefined : `closed after ${afterMs ?? 'never'}, due ${dueMs} ms`);
    }
    await world.stop();
    return tally.result;
  },
};

/** The way is a black hole from some moment on, while nothing, something or a lot is under way. */
const blackHoles: Row = {
  id: 'R-J1',
  about: 'TR4: both ends notice that the way is gone',
  full: 50,
  run: ({ count, seed }) => {
    const plans = fc.sample(fc.record({ cutMs: fc.nat({ max: 60_000 }), everyMs: fc.constantFrom(0, 1_000, 15_000) }), {
      numRuns: count,
      seed,
    });
    return inTurn(count, async (index, tally) => {
      const { cutMs, everyMs } = plans[index] ?? { cutMs: 0, everyMs: 0 };
      const world = await TcpWorld.start({ seed: seed + index });
      const { control, server, clock } = world;
      const pinger = control.newAddress();
      control.start(pinger, {
        onMessage: () => undefined,
        onStart: (context) => {
          const ping = () => {
            context.send(world.connection.route, new Uint8Array(1_000));
            context.setTimer(everyMs, ping);
          };
          if (everyMs > 0) ping();
        },
      });
      await world.pass(cutMs);
      if (server.connections.size !== 1) return 'gone before the cut';
      world.network.partition('control', 'server');
      const cutAtMs = clock.monotonicMs();
      while (control.connections.size + server.connections.size > 0 && clock.monotonicMs() - cutAtMs < 60_000) await world.pass(100);
      const noticedMs = clock.monotonicMs() - cutAtMs;
      tally.measured(noticedMs, 'ms');
      const left = control.connections.size + server.connections.size;
      const isLate = noticedMs > FRAME_MS + 200;
      await world.stop();
      return left > 0 ? `${left} ends did not notice` : isLate ? `noticed after ${noticedMs} ms` : undefined;
    });
  },
};

export const rows: readonly Row[] = [lengthBombs, slowLoris, blackHoles];
