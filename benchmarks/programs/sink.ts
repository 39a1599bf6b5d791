// The server behind the portal. The first byte of a connection says what it wants: `d` discards, `e` echoes, `x` exchanges.
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digests, exchange, type ExchangeOrder } from './exchange.ts';
import { portOf } from './port-of.ts';
import { serve } from './serve.ts';

const DISCARD = 'd'.charCodeAt(0);
const ECHO = 'e'.charCodeAt(0);

const sockets = new Set<Socket>();
/** Discarding connections by their tag, the second byte that came. */
const discarding = new Map<number, { readonly socket: Socket; bytes: number }>();
const exchanged: Promise<Digests>[] = [];
let bytesRead = 0;

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  sockets.add(socket);
  socket
    .on('error', () => undefined)
    .on('close', () => {
      sockets.delete(socket);
    });
  socket.once('data', (first: Buffer) => {
    if (first[0] === DISCARD) discard(socket, first);
    else if (first[0] === ECHO) echo(socket, first);
    else answer(socket, first);
  });
});

function discard(socket: Socket, first: Buffer): void {
  const stream = { socket, bytes: 0 };
  discarding.set(first[1] ?? 0, stream);
  const count = (bytes: Buffer) => {
    bytesRead += bytes.length;
    stream.bytes += bytes.length;
  };
  count(first);
  socket.on('data', count).on('end', () => socket.end());
}

function echo(socket: Socket, first: Buffer): void {
  socket.write(first);
  socket.pipe(socket);
}

/** After the `x`, one line of JSON says what to do; what follows it is content. */
function answer(socket: Socket, first: Buffer): void {
  const lineEnd = first.indexOf('\n');
  if (lineEnd < 0) return void socket.destroy();
  socket.pause();
  if (lineEnd + 1 < first.length) socket.unshift(first.subarray(lineEnd + 1));
  const done = exchange(socket, JSON.parse(first.subarray(1, lineEnd).toString()) as ExchangeOrder);
  done.catch(() => undefined); // `exchanged` tells
  exchanged.push(done);
}

serve({
  begin: async () => ({ port: await portOf(server) }),
  connections: () => sockets.size,
  /** Bytes a second that came in on all discarding connections, or all but the one with that tag, during that time. */
  rate: async ({ forMs, without }: { readonly forMs: number; readonly without?: number }) => {
    const others = () => bytesRead - (without === undefined ? 0 : (discarding.get(without)?.bytes ?? 0));
    const [start, before] = [performance.now(), others()];
    await sleep(forMs);
    return ((others() - before) / (performance.now() - start)) * 1_000;
  },
  /** Stops reading a discarding connection. */
  stall: ({ tag }: Tagged) => void discarding.get(tag)?.socket.pause(),
  goOn: ({ tag }: Tagged) => void discarding.get(tag)?.socket.resume(),
  /** What was read of it, and from which port it came. */
  read: ({ tag }: Tagged) => ({ bytes: discarding.get(tag)?.bytes, port: discarding.get(tag)?.socket.remotePort }),
  exchanged: () => Promise.all(exchanged.splice(0)),
});

interface Tagged {
  readonly tag: number;
}
