import type { EventEmitter } from 'node:events';
import { connect, Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ByteStream, StreamReader } from '../runtime/network.ts';
import { createNodeNetwork, nodeNetwork } from './node-network.ts';

const loopback = { host: '127.0.0.1', port: 0 };
const silent: StreamReader = {
  buffer: () => new Uint8Array(16),
  onBytes: () => undefined,
  onEnd: () => undefined,
  onReset: () => undefined,
};

afterEach(() => void vi.restoreAllMocks());

describe('errors tell what to do', () => {
  test('a dial', async () => {
    await expect(nodeNetwork.connect({ host: '127.0.0.1', port: 70_000 }, () => silent)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: 'Connecting to 127.0.0.1:70000 failed (ERR_SOCKET_BAD_PORT): check host and port.',
    });
    const listener = await nodeNetwork.listen(loopback, () => undefined);
    await listener.close();
    await expect(nodeNetwork.connect(listener.local, () => silent)).rejects.toMatchObject({
      code: 'CONNECT_REFUSED',
      message: `Nothing accepts connections at 127.0.0.1:${listener.local.port}: start the listener, or check host and port.`,
    });
  });

  test('a listener', async () => {
    const listener = await nodeNetwork.listen(loopback, () => undefined);
    await expect(nodeNetwork.listen(listener.local, () => undefined)).rejects.toMatchObject({
      message: expect.stringContaining('another program has this port') as string,
    });
    await listener.close();
    await expect(nodeNetwork.listen({ host: '127.0.0.1', port: -1 }, () => undefined)).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});

test('a reader that cannot be made fails the dial and leaves no socket', async () => {
  const ended = vi.fn();
  const listener = await nodeNetwork.listen(loopback, (stream) => ({
    ...silent,
    onEnd: () => {
      ended();
      stream.reset();
    },
    onReset: ended,
  }));
  const broken = () => {
    throw new Error('no reader');
  };
  await expect(nodeNetwork.connect(listener.local, broken)).rejects.toThrow('no reader');
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  await listener.close();
});

describe('accepted connections', () => {
  /** How many bytes of 200,000 came with the largest call of a reader that lends 256 KiB. */
  async function largestRead(network: typeof nodeNetwork, onListening: (server: Server) => void = () => undefined): Promise<number> {
    const listening = vi.spyOn(Server.prototype, 'listen');
    let largest = 0;
    let count = 0;
    await new Promise<void>((resolve, reject) => {
      const reader = { ...silent, buffer: () => new Uint8Array(262_144), onReset: reject };
      void network
        .listen(loopback, (stream) => {
          stream.pause();
          setImmediate(() => setImmediate(() => setImmediate(() => stream.resume())));
          return {
            ...reader,
            onBytes: (bytes) => {
              largest = Math.max(largest, bytes.length);
              count += bytes.length;
              if (count === 200_001) stream.reset();
            },
          };
        })
        .then(async (listener) => {
          onListening(listening.mock.contexts.at(-1) as Server);
          const dialled = await network.connect(listener.local, () => ({ ...reader, onReset: () => void listener.close().then(resolve) }));
          dialled.write([new Uint8Array(1)]);
          dialled.write([new Uint8Array(200_000)]);
        });
    });
    return largest;
  }

  test('are read straight into lent memory, more at once than a copying read brings', async () => {
    expect(await largestRead(createNodeNetwork())).toBeGreaterThan(65_536);
    expect(await largestRead(createNodeNetwork({ directReads: false }))).toBeLessThanOrEqual(65_536);
  });

  test('are copied where the handle of a socket is not what we know', async () => {
    const disguise = (server: EventEmitter) => {
      server.prependListener('connection', (socket: { _handle: { reading: unknown } }) => {
        socket._handle.reading = undefined;
      });
    };
    expect(await largestRead(nodeNetwork, disguise)).toBeLessThanOrEqual(65_536);
  });
});

test('whether bytes that wait leave can be told before all of them have left', async () => {
  let accepted: ByteStream | undefined;
  const listener = await nodeNetwork.listen(loopback, (stream) => {
    accepted = stream;
    stream.pause();
    return { ...silent, buffer: () => new Uint8Array(65_536) };
  });
  const dialled = await nodeNetwork.connect(listener.local, () => silent);
  dialled.write([new Uint8Array(64 * 1024 * 1024)]);
  await vi.waitUntil(() => accepted !== undefined);
  let isDrained = false;
  dialled.drained(() => (isDrained = true));
  const stuck = dialled.drainProgress;
  expect(stuck).toBeGreaterThan(0);
  accepted!.resume();
  await vi.waitUntil(() => dialled.drainProgress !== stuck, { interval: 0 });
  expect(isDrained).toBe(false);
  accepted!.reset();
  dialled.reset();
  await listener.close();
});

test('a listener out of descriptors closes for a while and opens again at the same port', async () => {
  const listening = vi.spyOn(Server.prototype, 'listen');
  const accepted = vi.fn();
  const listener = await nodeNetwork.listen(loopback, () => void accepted());
  const server = listening.mock.contexts[0] as Server;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(server.listening).toBe(false);
    await vi.advanceTimersByTimeAsync(499);
    expect(listening).toHaveBeenCalledTimes(1);
    const open = new Promise((resolve) => server.once('listening', resolve));
    await vi.advanceTimersByTimeAsync(1);
    await open;
    const socket = connect(listener.local.port, '127.0.0.1');
    await new Promise<void>((resolve) => void socket.on('error', () => undefined).on('close', () => resolve()));
    expect(accepted).toHaveBeenCalledTimes(1);

    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    await listener.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.listening).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
