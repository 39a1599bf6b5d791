// The application in front of the portal.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Digests, exchange, type ExchangeOrder } from './exchange.ts';
import { serve } from './serve.ts';

/** What an ordinary program writes at a time. */
const WRITE = Buffer.alloc(64 * 1024, 'd');
const WRITE_ONE = Buffer.from('e');
const HELD_AT_ONCE = 100;

/** By tag, the second byte that each sends. */
const pushing = new Map<number, Socket>();
const held = new Set<Socket>();

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

async function push(port: number, tag: number): Promise<void> {
  const socket = await dial(port);
  pushing.set(tag, socket);
  socket.write(Buffer.from([WRITE[0] ?? 0, tag]));
  const write = () => {
    while (!socket.destroyed && socket.write(WRITE));
  };
  socket.on('drain', write);
  write();
}

/** Sends a message and waits until it came back. */
async function bounce(socket: Socket, message: Buffer): Promise<void> {
  let left = message.length;
  await new Promise<void>((resolve, reject) => {
    const onClose = () => reject(new Error('the connection was closed'));
    const onData = (bytes: Buffer) => {
      left -= bytes.length;
      if (left > 0) return;
      socket.off('data', onData).off('close', onClose);
      resolve();
    };
    socket.on('data', onData).once('close', onClose);
    socket.write(message);
  });
}

serve({
  /** Writes on so many connections as fast as they take it. */
  push: async ({ port, streams }: { readonly port: number; readonly streams: number }) => {
    await Promise.all(Array.from({ length: streams }, (_, tag) => push(port, tag)));
  },
  /** What the system took of it, at most one write more; and from which port it goes. */
  pushed: ({ tag }: { readonly tag: number }) => {
    const socket = pushing.get(tag);
    return { bytes: (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0), port: socket?.localPort };
  },
  stopPushing: () => {
    for (const socket of pushing.values()) socket.resetAndDestroy();
    pushing.clear();
  },
  /** Round trips of 64 B, one after the other, in microseconds. */
  echo: async ({ port, forMs }: { readonly port: number; readonly forMs: number }) => {
    const socket = await dial(port);
    const message = Buffer.alloc(64, 'e');
    const times: number[] = [];
    const end = performance.now() + forMs;
    for (let now = performance.now(); now < end; ) {
      await bounce(socket, message);
      const after = performance.now();
      times.push((after - now) * 1_000);
      now = after;
    }
    socket.destroy();
    return times;
  },
  /** Connections made, used for one byte and closed, a second; so many at a time. */
  connects: async ({ port, forMs, atOnce }: { readonly port: number; readonly forMs: number; readonly atOnce: number }) => {
    const start = performance.now();
    let count = 0;
    const one = async () => {
      while (performance.now() < start + forMs) {
        const socket = await dial(port);
        await bounce(socket, WRITE_ONE);
        socket.destroy();
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    return (count / (performance.now() - start)) * 1_000;
  },
  /** Opens connections and leaves them open. */
  hold: async ({ port, connections }: { readonly port: number; readonly connections: number }) => {
    for (let left = connections; left > 0; left -= HELD_AT_ONCE) {
      await Promise.all(
        Array.from({ length: Math.min(left, HELD_AT_ONCE) }, async () => {
          const socket = await dial(port);
          await bounce(socket, WRITE_ONE);
          held.add(socket);
          socket.once('close', () => held.delete(socket));
        }),
      );
    }
  },
  /** @returns how many of the held connections still answer */
  bounceHeld: async () => {
    const message = Buffer.alloc(64, 'e');
    const bounced = await Promise.allSettled([...held].map((socket) => bounce(socket, message)));
    return bounced.filter(({ status }) => status === 'fulfilled').length;
  },
  /** On each of so many connections at a time, both ends send what they were told. */
  exchange: async ({ port, streams, own, other }: ExchangeRun): Promise<Digests[]> =>
    Promise.all(
      Array.from({ length: streams }, async () => {
        const socket = await dial(port);
        socket.write(`x${JSON.stringify(other)}\n`);
        return exchange(socket, own);
      }),
    ),
});

export interface ExchangeRun {
  readonly port: number;
  readonly streams: number;
  readonly own: ExchangeOrder;
  readonly other: ExchangeOrder;
}
