import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../host/clock.ts';
import { systemRandom } from '../host/random.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import { encodeBareEnvelope } from '../runtime/codec/bare-envelope.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { route } from '../runtime/route.ts';
import type { Listener } from '../runtime/transport.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { echo } from '../workers/echo.ts';
import { nodeNetwork } from './node-network.ts';
import { websocket, type WebSocketOptions } from './websocket.ts';

const HEARTBEAT = '82050200000000';
const TEXT = 0x81;
const BINARY = 0x82;
const PING = 0x89;
const FIN = 0x80;
const immediate = () => new Promise<void>((resolve) => void setImmediate(resolve));
const makeNode = (clock: ConstructorParameters<typeof Node>[0]['clock'] = systemClock) =>
  new Node({ clock, random: systemRandom, network: nodeNetwork, logger: silentLogger });

/** A frame as a client sends it, under the mask 0 unless there is to be none. */
function frame(
  first: number,
  payload: Uint8Array,
  { masked = true, claim = payload.length }: { masked?: boolean; claim?: number } = {},
): Uint8Array {
  const mark = masked ? 0x80 : 0;
  const length = claim < 126 ? Buffer.of(mark | claim) : Buffer.alloc(9, mark | 127);
  if (claim >= 126) length.writeBigUInt64BE(BigInt(claim), 1);
  return Buffer.concat([Buffer.of(first), length, masked ? Buffer.alloc(4) : Buffer.of(), payload]);
}

/** A client that sends bytes exactly and keeps what comes. */
class RawClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  readonly closed: Promise<void>;
  #onMore: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        this.received = Buffer.concat([this.received, bytes]);
        this.#onMore();
      });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  async upgrade(headers: readonly string[] = []): Promise<string> {
    this.socket.write(
      [
        'GET / HTTP/1.1',
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
        ...headers,
        '',
        '',
      ].join('\r\n'),
    );
    const end = () => this.received.indexOf('\r\n\r\n');
    await this.when(() => end() >= 0);
    const head = this.received.subarray(0, end()).toString();
    this.received = this.received.subarray(end() + 4);
    return head;
  }

  async when(condition: () => boolean): Promise<void> {
    await Promise.race([
      this.closed,
      new Promise<void>((resolve) => {
        this.#onMore = () => condition() && resolve();
        this.#onMore();
      }),
    ]);
  }

  /** The code of the close frame that came; undefined when the connection ended without one. */
  async closeCode(): Promise<number | undefined> {
    const at = () => this.received.lastIndexOf(Buffer.of(0x88, 0x02));
    await this.when(() => at() >= 0);
    return at() < 0 ? undefined : this.received.readUInt16BE(at() + 2);
  }
}

describe('the WebSocket transport', () => {
  let server: Node;
  let control: Node;
  let listener: Listener;
  let clients: RawClient[];

  beforeEach(async () => {
    server = makeNode();
    control = makeNode();
    clients = [];
    await listen();
  });

  afterEach(async () => {
    for (const client of clients) client.socket.destroy();
    await control.stop();
    await server.stop();
  });

  async function listen(options?: WebSocketOptions): Promise<void> {
    listener = await server.listen(websocket(), '127.0.0.1:0', options);
    if (!server.addresses.some(({ name }) => name === 'echo')) server.start('echo', echo);
    server.publish('echo', { on: listener, allow: allowEveryone });
  }

  function client(): RawClient {
    const made = new RawClient(listener.local.port);
    clients.push(made);
    return made;
  }

  async function upgraded(): Promise<RawClient> {
    const made = client();
    expect(await made.upgrade()).toContain('101 Switching Protocols');
    return made;
  }

  async function expectAlive(): Promise<void> {
    const connection = await control.connect(websocket(), `ws://127.0.0.1:${listener.local.port}`);
    const { payload } = await control.request(route(connection, 'echo'), Uint8Array.of(7), { timeoutMs: 1_000 });
    expect([...payload]).toEqual([7]);
    await connection.close();
  }

  const message = (payloadBytes: number) => encodeBareEnvelope(route('echo'), route('app'), new Uint8Array(payloadBytes));

  test('greets with a heartbeat, and answers as the original writes it', async () => {
    const raw = await upgraded();
    raw.socket.write(frame(BINARY, Buffer.from('010100046563686f0100036170700568656c6c6f01027b7d', 'hex')));
    await raw.when(() => raw.received.includes('hello'));
    expect(raw.received.toString('hex')).toBe(`${HEARTBEAT}8215010100036170700100046563686f0568656c6c6f00`);
    await expectAlive();
  });

  test.each<[string, () => readonly Uint8Array[], number | undefined]>([
    ['a text message', () => [frame(TEXT, Buffer.from('hello'))], 1003],
    ['bytes that are no envelope', () => [frame(BINARY, Buffer.of(1, 9))], 1007],
    ['a frame without a mask', () => [frame(BINARY, message(3), { masked: false })], 1002],
    ['reserved bits', () => [frame(BINARY | 0x40, message(3))], 1002],
    ['a reserved opcode', () => [frame(FIN | 0x03, message(3))], 1002],
    ['a long ping', () => [frame(PING, new Uint8Array(126))], 1002],
    ['a claim of 1 GiB', () => [frame(BINARY, new Uint8Array(10), { claim: 2 ** 30 })], 1009],
    ['a claim of 2^63', () => [frame(BINARY, new Uint8Array(10), { claim: 2 ** 63 })], 1009],
    ['one byte over what is skipped', () => [frame(BINARY, new Uint8Array(10), { claim: 4 * 262_144 + 1 })], 1009],
    [
      '20,000 fragments of a byte',
      () => Array.from({ length: 20_000 }, (_, index) => frame(index === 0 ? 0x02 : 0x00, Buffer.of(1))),
      1008,
    ],
    ['1,000 pings at once', () => Array.from({ length: 1_000 }, () => frame(PING, new Uint8Array(125))), undefined],
  ])('%s closes that connection alone', async (_name, frames, code) => {
    const raw = await upgraded();
    await raw.when(() => raw.received.length > 0);
    raw.socket.write(Buffer.concat(frames()));
    expect(await raw.closeCode()).toBe(code);
    raw.socket.end();
    await raw.closed;
    await expectAlive();
    expect(server.connections.size).toBe(0);
  });

  test('a message over the limit is dropped alone', async () => {
    const raw = await upgraded();
    raw.socket.write(frame(BINARY, message(262_144)));
    raw.socket.write(frame(BINARY, message(3)));
    await raw.when(() => raw.received.includes('app'));
    expect(server.deadLetters.count('frame-limit')).toBe(1);
    expect(server.connections.size).toBe(1);
  });

  test('compression that is offered is not taken', async () => {
    const head = await client().upgrade(['Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Protocol: chat']);
    expect(head).toContain('101');
    expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
    expect(head.toLowerCase()).not.toContain('sec-websocket-protocol');
  });

  test('web pages are refused unless their origin is allowed', async () => {
    expect(await client().upgrade(['Origin: https://evil.example'])).toContain('403');
    expect(server.connections.size).toBe(0);
    await listen({ origins: ['https://good.example'] });
    expect(await client().upgrade(['Origin: https://good.example'])).toContain('101');
    expect(await client().upgrade(['Origin: https://good.example.evil'])).toContain('403');
    expect(await client().upgrade(['Origin: null'])).toContain('403');
  });

  test('headers over 4 KiB are refused', async () => {
    expect(await client().upgrade([`X: ${'x'.repeat(5_000)}`])).toContain('431');
  });

  test('what is no upgrade is told so and ended', async () => {
    const raw = client();
    raw.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.closed;
    expect(raw.received.toString()).toMatch(/^HTTP\/1\.1 426 /);
    const garbage = client();
    garbage.socket.write(Buffer.of(1, 0, 0, 0, 4));
    await garbage.closed;
    await expectAlive();
  });

  test('an upgrade that does not come in 5 s is ended, and its place is free', async () => {
    const clock = new SimulatedClock();
    const slow = makeNode(clock);
    const at = await slow.listen(websocket(), '127.0.0.1:0', { caps: { strangersPerAddress: 2 } });
    const [silent, trickling, refused] = [0, 1, 2].map(() => new RawClient(at.local.port));
    clients.push(silent!, trickling!, refused!);
    await refused!.closed; // accepted in order: the third has no place
    trickling!.socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await immediate();
    clock.advance(4_999);
    expect(silent!.socket.destroyed || trickling!.socket.destroyed).toBe(false);
    clock.advance(1);
    await Promise.all([silent!.closed, trickling!.closed]);
    const next = new RawClient(at.local.port);
    clients.push(next);
    expect(await next.upgrade()).toContain('101');
    await clock.runUntil(slow.stop());
  });

  test('a message that is begun and not ended in 30 s ends the connection', async () => {
    const clock = new SimulatedClock();
    const slow = makeNode(clock);
    const at = await slow.listen(websocket(), '127.0.0.1:0');
    const raw = new RawClient(at.local.port);
    clients.push(raw);
    await raw.upgrade();
    raw.socket.write(frame(BINARY, message(1_000)).subarray(0, 100));
    for (let turn = 0; turn < 50; turn++) await immediate(); // until the server has read it
    clock.advance(29_000);
    expect(slow.connections.size).toBe(1);
    clock.advance(1_100);
    await raw.closed;
    expect(slow.connections.size).toBe(0);
    await clock.runUntil(slow.stop());
  });

  describe('in virtual time', () => {
    let clock: SimulatedClock;
    let timed: Node;
    let raw: RawClient;

    beforeEach(async () => {
      clock = new SimulatedClock();
      timed = makeNode(clock);
      const at = await timed.listen(websocket(), '127.0.0.1:0');
      raw = new RawClient(at.local.port);
      clients.push(raw);
      await raw.upgrade();
    });

    afterEach(async () => {
      await clock.runUntil(timed.stop());
    });

    /** Lets the sockets do what they can do, then that much time pass. */
    async function pass(ms: number): Promise<void> {
      for (let turn = 0; turn < 50; turn++) await immediate();
      clock.advance(ms);
    }

    const [begin, goOn] = [0x02, 0x00];

    test('pings between the fragments of a message do not end its 30 s', async () => {
      raw.socket.write(Buffer.concat([frame(begin, Buffer.of(1)), frame(PING, Buffer.of())]));
      for (let second = 0; second < 29; second++) {
        await pass(1_000);
        raw.socket.write(Buffer.concat([frame(PING, Buffer.of(1)), frame(goOn, Buffer.of(0)), frame(PING, Buffer.of())]));
      }
      await pass(500);
      expect(timed.connections.size).toBe(1);
      await pass(1_000);
      await raw.closed;
      expect(timed.connections.size).toBe(0);
    });

    test('one that begins right behind another has its 30 s too', async () => {
      raw.socket.write(Buffer.concat([frame(BINARY, message(3)), frame(begin, Buffer.of(1))]));
      await pass(29_000);
      expect(timed.connections.size).toBe(1);
      await pass(1_100);
      await raw.closed;
      expect(timed.connections.size).toBe(0);
    });

    test('pings alone are no message that has begun', async () => {
      for (let second = 0; second < 40; second++) {
        raw.socket.write(frame(PING, Buffer.of(7)));
        await pass(1_000);
      }
      expect(timed.connections.size).toBe(1);
    });

    test('a peer that takes nothing of what waits for it is cut off after 30 s, one that takes a little is not', async () => {
      const [connection] = [...timed.connections];
      let readBytes = 0;
      let onRead: () => void = () => undefined;
      raw.socket.removeAllListeners('data').on('data', ({ length }: Buffer) => {
        readBytes += length;
        onRead();
      });
      raw.socket.pause();
      const count = 120; // of 200 KB: more than the buffers of both systems take
      for (let index = 0; index < count; index++) void timed.send(route(connection!, 'x'), new Uint8Array(200_000));
      for (let round = 1; round <= 2; round++) {
        for (let second = 0; second < 25; second++) await pass(1_000);
        raw.socket.resume();
        await new Promise<void>((resolve) => {
          onRead = () => readBytes > round * 6_000_000 && resolve();
        });
        raw.socket.pause();
      }
      expect(timed.connections.size).toBe(1);
      for (let index = 0; index < count; index++) void timed.send(route(connection!, 'x'), new Uint8Array(200_000));
      for (let second = 0; second < 36; second++) await pass(1_000);
      expect(timed.connections.size).toBe(0);
      expect(await connection!.closed).toMatchObject({ code: 'PEER_STALLED' });
    });
  });

  test('a dial to something else fails with the reason', async () => {
    for (const answer of ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'SSH-2.0-x\r\n', '']) {
      const other = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, (stream) => {
        if (answer === '') return undefined;
        stream.write([Buffer.from(answer)]);
        return { buffer: () => new Uint8Array(1_000), onBytes: () => undefined, onEnd: () => stream.end(), onReset: () => undefined };
      });
      await expect(control.connect(websocket(), `127.0.0.1:${other.local.port}`)).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
      await other.close();
    }
    expect(control.addresses).toEqual([]);
  });

  test('a dial that is not answered ends when its time is up, and when it is called off', async () => {
    const silent = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, () => ({
      buffer: () => new Uint8Array(1_000),
      onBytes: () => undefined,
      onEnd: () => undefined,
      onReset: () => undefined,
    }));
    const target = `127.0.0.1:${silent.local.port}`;
    await expect(control.connect(websocket(), target, { connectTimeoutMs: 20 })).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
    const off = new AbortController();
    const attempt = control.connect(websocket(), target, { signal: off.signal });
    off.abort();
    await expect(attempt).rejects.toMatchObject({ code: 'CONNECT_ABORTED' });
    const another = control.connect(websocket(), target);
    await Promise.all([expect(another).rejects.toMatchObject({ code: 'CONNECT_ABORTED' }), control.stop()]);
    await silent.close();
  });

  test.each(['wss://127.0.0.1:1', 'ws://127.0.0.1:1/path', 'http://127.0.0.1:1', 'ws://user:secret@127.0.0.1:1', ''])(
    '%s is no target',
    async (target) => {
      await expect(control.connect(websocket(), target)).rejects.toMatchObject({ code: 'TARGET_TEXT' });
    },
  );
});
