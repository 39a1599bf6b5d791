import { describe, expect, test } from 'vitest';
import { pattern, PortalWorld, Program, TARGET_PORT } from '../../property-tests/portal-world.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { bareData, concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope, encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import { hex } from '../../runtime/random.ts';
import { route, type Route } from '../../runtime/route.ts';
import type { Connection } from '../../runtime/transport.ts';
import { FrameReader } from '../../transports/framing.ts';
import { tcp } from '../../transports/tcp.ts';
import { inlet } from './inlet.ts';

const fromHex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'));
const text = (words: string) => new TextEncoder().encode(words);
const MIB = 1024 * 1024;

/** Speaks to the outlet's node as the original does: frame by frame over its own TCP connection. */
class RawPeer extends Program {
  readonly payloads: Uint8Array[] = [];
  /** Of the streams that answered, in their order. */
  readonly returnRoutes: Route[] = [];
  readonly #frames = new FrameReader({
    onFrame: (body) => {
      const { onward, returnRoute, payload } = decodeEnvelope(body.slice());
      if (onward.isEmpty) return; // a heartbeat
      if (!this.returnRoutes.some((known) => known.equals(returnRoute))) this.returnRoutes.push(returnRoute.owned());
      this.payloads.push(payload);
    },
    onSkipped: () => undefined,
  });

  static async connect(world: PortalWorld, port = 4000): Promise<RawPeer> {
    const peer = new RawPeer();
    const connected = world.network.host('stranger').connect({ host: 'far', port }, (stream) => {
      peer.stream = stream;
      return peer;
    });
    await world.clock.runUntil(connected);
    peer.stream.write([Uint8Array.of(1)]);
    return peer;
  }

  override buffer(): Uint8Array {
    return this.#frames.buffer();
  }

  override onBytes(bytes: Uint8Array): void {
    this.#frames.onBytes(bytes);
  }

  get returnRoute(): Route | undefined {
    return this.returnRoutes[0];
  }

  /** Sends to the peer's stream address, with `i1` as the way back. */
  send(payload: Uint8Array, onward?: Route, wayBack?: Route): void {
    this.stream.write([this.frame(payload, onward, wayBack)]);
  }

  frame(payload: Uint8Array, onward = this.returnRoute ?? route('outlet'), wayBack = route('i1')): Uint8Array {
    const head = encodeEnvelopeHead(onward, wayBack, payload.length, 4);
    new DataView(head.buffer, head.byteOffset).setUint32(0, head.length - 4 + payload.length);
    return concat(head, payload);
  }
}

const payload = (bytes: Uint8Array, counter?: number) =>
  concat(Uint8Array.of(3), bareData(bytes), counter === undefined ? new Uint8Array() : Uint8Array.of(1, counter, counter >> 8));

/** Counts what the worker behind that route handles. */
function handledBy({ far }: PortalWorld, { next }: Route): { bytes: number } {
  const taken = { bytes: 0 };
  far.trace(({ kind, message }) => {
    if (kind === 'handled' && message.destination.equals(next)) taken.bytes += message.payloadBytes;
  });
  return taken;
}

describe('an outlet of ours and an inlet of the original', () => {
  // Source: routing.md 4.3, the wire example
  const PING = fromHex('0000001383818200466f75746c65748182004269314100');

  const open = async (options: Parameters<typeof PortalWorld.make>[0] = {}) => {
    const world = await PortalWorld.make(options);
    const peer = await RawPeer.connect(world);
    peer.stream.write([PING]);
    await world.until(() => peer.payloads.length > 0, 10_000);
    return { world, peer, target: world.targets[0] as Program };
  };

  test('the frames of the wire example', async () => {
    const { world, peer, target } = await open();
    expect(peer.payloads.map(hex)).toEqual(['01']);
    peer.send(fromHex('0303474554'));
    await world.until(() => target.byteCount === 3);
    expect(target.received.toString()).toBe('GET');
    target.stream.write([text('ok')]);
    await world.until(() => peer.payloads.length === 2);
    expect(hex(peer.payloads[1]!)).toBe('03026f6b');
    target.stream.write([pattern(100_000)]);
    await world.run(10);
    expect(peer.payloads.slice(2).every((each) => each.length <= 49_156)).toBe(true);
    peer.send(Uint8Array.of(2));
    await world.until(() => target.hasEnd);
    expect(target.wasReset).toBe(false);
    target.stream.end();
    await world.run(10);
    expect(world.outlet.streams).toBe(0);
  });

  test('the end of the target is told at once, and ends both directions', async () => {
    const { world, peer, target } = await open();
    target.stream.write([text('bye')]);
    target.stream.end();
    expect(await world.until(() => peer.payloads.length === 3)).toBeLessThan(100);
    expect(peer.payloads.map(hex)).toEqual(['01', '0303627965', '02']);
    await world.until(() => target.isOver);
    expect([target.hasEnd, world.outlet.streams]).toEqual([true, 0]);
  });

  test('everything that was received is written out before a Disconnect ends it', async () => {
    const { world, peer, target } = await open();
    target.stream.pause();
    const bytes = pattern(400_000);
    for (let at = 0; at < bytes.length; at += 40_000) peer.send(payload(bytes.subarray(at, at + 40_000)));
    peer.send(Uint8Array.of(2));
    await world.run(3_000);
    target.stream.resume();
    await world.until(() => target.isOver);
    expect(target.hasEnd && target.received.equals(bytes)).toBe(true);
  });

  test('a target that is gone, or was never there, is told by a Disconnect', async () => {
    const { world, peer, target } = await open();
    target.stream.reset();
    await world.until(() => peer.payloads.length === 2);
    expect(hex(peer.payloads[1]!)).toBe('02');
    const refused = await open({ outlet: { target: 'far:9' } });
    expect(refused.peer.payloads.map(hex)).toEqual(['02']);
  });

  test('unknown kinds, a second Ping and a Pong are ignored', async () => {
    const { world, peer, target } = await open();
    for (const digits of ['04', '0f00', '00', '01', 'ff']) peer.send(fromHex(digits));
    peer.send(payload(text('on')));
    await world.until(() => target.byteCount === 2);
    expect([target.received.toString(), peer.payloads.length, world.targets.length]).toEqual(['on', 1, 1]);
  });

  test('a counter is checked, and wraps', async () => {
    const { world, peer, target } = await open();
    const frameOf = (_: unknown, counter: number) => peer.frame(payload(Uint8Array.of(counter), counter & 0xffff));
    peer.stream.write([concat(...Array.from({ length: 0x1_0001 }, frameOf))]);
    peer.send(payload(Uint8Array.of(9)));
    peer.send(payload(Uint8Array.of(8), 1));
    await world.until(() => target.byteCount === 0x1_0003);
    expect([target.byteCount, target.wasReset]).toEqual([0x1_0003, false]);
    peer.send(payload(Uint8Array.of(7), 3));
    await world.run(10);
    expect([target.wasReset, target.byteCount, hex(peer.payloads.at(-1)!)]).toEqual([true, 0x1_0003, '02']);
  });

  test.each(['0305', '1003474554', '120a', '1105', ''])('%s is a fault that resets the stream', async (digits) => {
    const { world, peer, target } = await open();
    peer.send(fromHex(digits));
    await world.run(10);
    expect([target.wasReset, target.byteCount, hex(peer.payloads.at(-1)!)]).toEqual([true, 0, '02']);
  });

  describe('a slow reader', () => {
    /** Opens a second stream through the same connection, from `i2`. */
    const second = async ({ world, peer }: { world: PortalWorld; peer: RawPeer }) => {
      const before = peer.returnRoutes.length;
      peer.send(Uint8Array.of(0), route('outlet'), route('i2'));
      await world.until(() => peer.returnRoutes.length > before);
      return { target: world.targets.at(-1) as Program, onward: peer.returnRoutes.at(-1) as Route };
    };
    const connectionOf = ({ far }: PortalWorld) => [...far.connections][1] as Connection & { readonly isPaused: boolean };

    test('pauses the channel at 1 MiB, and is reset after 15 s without progress; then all others go on', async () => {
      const { world, peer, target } = await open();
      const other = await second({ world, peer });
      target.stream.pause();
      const taken = handledBy(world, peer.returnRoutes[0] as Route);
      for (let sent = 0; sent < 100; sent++) peer.send(payload(pattern(49_152)));
      peer.send(payload(text('late')), other.onward);
      await world.run(1_000);
      expect(connectionOf(world).isPaused).toBe(true);
      expect(taken.bytes).toBeGreaterThan(MIB);
      expect(taken.bytes).toBeLessThan(1.2 * MIB);
      await world.run(13_000);
      expect([other.target.byteCount, peer.payloads.length]).toEqual([0, 2]);
      await world.run(1_500);
      expect([other.target.received.toString(), other.target.wasReset, hex(peer.payloads.at(-1)!)]).toEqual(['late', false, '02']);
      expect([world.outlet.streams, connectionOf(world).isPaused]).toEqual([1, false]);
      target.stream.resume();
      await world.run(10);
      expect(target.wasReset).toBe(true);
    });

    test('that reads on a little pauses it for 15 s in any 30 s, and ends when it is 8 MiB behind', async () => {
      const { world, peer, target } = await open();
      target.stream.pause();
      for (let sent = 0; sent < 600; sent++) peer.send(payload(pattern(49_152)));
      const pausedMs: boolean[] = [];
      while (world.outlet.streams > 0 && pausedMs.length < 1_000) {
        if (pausedMs.length % 50 === 0) target.stream.resume(); // 5 s apart
        await world.run(1);
        target.stream.pause();
        await world.run(99);
        pausedMs.push(connectionOf(world).isPaused);
      }
      const paused = (from: number) => pausedMs.slice(from, from + 300).filter(Boolean).length / 10;
      expect(Math.max(...pausedMs.map((_, from) => paused(from)))).toBeGreaterThan(14);
      expect(Math.max(...pausedMs.map((_, from) => paused(from)))).toBeLessThanOrEqual(15.1);
      expect([world.outlet.streams, hex(peer.payloads.at(-1)!)]).toEqual([0, '02']);
      expect(pausedMs.length).toBeGreaterThan(150);
    });

    test('that catches up lets go at once', async () => {
      const { world, peer, target } = await open();
      target.stream.pause();
      const bytes = pattern(4 * MIB);
      for (let at = 0; at < bytes.length; at += 49_152) peer.send(payload(bytes.subarray(at, at + 49_152)));
      await world.run(14_000);
      expect(connectionOf(world).isPaused).toBe(true);
      target.stream.resume();
      await world.until(() => target.byteCount === bytes.length, 5_000);
      expect([connectionOf(world).isPaused, target.received.equals(bytes)]).toEqual([false, true]);
      await world.run(30_000);
      expect(target.isOver).toBe(false);
    });
  });

  describe('no silent hole: the stream is reset, and gets nothing that came behind', () => {
    test('a frame was skipped for its size', async () => {
      const { world, peer, target } = await open();
      peer.send(payload(text('before')));
      peer.send(payload(pattern(300_000)));
      peer.send(payload(text('behind')));
      await world.run(100);
      expect([target.received.toString(), target.wasReset, hex(peer.payloads.at(-1)!)]).toEqual(['before', true, '02']);
    });

    test('the connection had to shed', async () => {
      const { world, peer, target } = await open();
      world.far.start('stuck', { onMessage: () => new Promise<void>(() => undefined) });
      world.far.publish('stuck', { on: world.farListener, allow: allowEveryone });
      peer.send(payload(text('before')));
      for (let sent = 0; sent < 60; sent++) peer.send(pattern(100_000), route('stuck'));
      peer.send(payload(text('behind')));
      await world.run(5_000);
      expect(world.far.deadLetters.count('overflow')).toBeGreaterThan(0);
      expect([target.received.toString(), target.wasReset, hex(peer.payloads.at(-1)!)]).toEqual(['before', true, '02']);
    });

    test('a chunk of the target was too large to get out', async () => {
      const world = await PortalWorld.make();
      const listener = await world.clock.runUntil(world.far.listen(tcp(), '0.0.0.0:4001', { frameBytesMax: 6_000 }));
      world.far.publish('outlet', { on: [world.farListener, listener], allow: allowEveryone });
      const peer = await RawPeer.connect(world, 4001);
      peer.send(Uint8Array.of(0));
      await world.until(() => peer.payloads.length === 1);
      const target = world.targets[0] as Program;
      for (const byteCount of [10, 30_000, 5]) {
        target.stream.write([pattern(byteCount)]);
        await world.run(10);
      }
      expect(peer.payloads.map((each) => each.length)).toEqual([1, 12, 1]);
      expect([hex(peer.payloads[2]!), target.wasReset]).toEqual(['02', true]);
    });
  });
});

describe('the listener', () => {
  test('starts a stream for a Ping only, whatever stands behind its own address or in the Ping; no other dial', async () => {
    const world = await PortalWorld.make();
    const peer = await RawPeer.connect(world);
    for (const digits of ['01', '02', '0303474554', '04', '', '1000', '005053']) peer.send(fromHex(digits), route('outlet'));
    await world.run(10);
    expect([world.outlet.streams, peer.payloads.length]).toEqual([0, 0]);
    peer.send(Uint8Array.of(0), route('outlet', 'outlet'));
    peer.send(Uint8Array.of(0), route('outlet', '1#10.0.0.1:22'));
    peer.send(concat(Uint8Array.of(0), text('127.0.0.1:22')));
    await world.run(10);
    expect(world.targets).toHaveLength(3);
    expect(world.targets.every(({ stream }) => stream.local.port === TARGET_PORT)).toBe(true);
  });

  test('a stream takes only what ends at its own address', async () => {
    const world = await PortalWorld.make();
    const peer = await RawPeer.connect(world);
    peer.send(Uint8Array.of(0), route('outlet'));
    await world.until(() => peer.payloads.length === 1);
    peer.send(payload(text('past')), route(peer.returnRoute!, 'echo'));
    await world.run(10);
    expect([world.targets[0]!.byteCount, world.far.deadLetters.count('refused')]).toEqual([0, 1]);
  });

  test('has a bound', async () => {
    const world = await PortalWorld.make({ outlet: { streamsMax: 2, streamsPerPeerMax: 2 } });
    const clients = [await world.connect(), await world.connect(), await world.connect()];
    await world.run(100);
    expect(clients.map(({ wasReset }) => wasReset)).toEqual([false, false, true]);
  });
});

describe('an inlet of ours and an outlet of the original', () => {
  /** An outlet whose far socket is the test itself. */
  const open = async () => {
    const world = await PortalWorld.make();
    const heard: string[] = [];
    let say!: (payload: Uint8Array) => void;
    let sayPong!: () => void;
    const stream = {
      onMessage: (message: Message, context: Context) => {
        heard.push(hex(message.payload));
        say = (bytes) => context.enter(() => context.reply(message, bytes));
      },
    };
    world.far.start('original', {
      onMessage: (ping: Message, context: Context) => {
        heard.push(hex(ping.payload.subarray(0, 1)));
        world.far.start('o1', {
          ...stream,
          onStart: (own) => void (sayPong = () => own.enter(() => own.send(ping.returnRoute, Uint8Array.of(1)))),
        });
        if (ping.flow !== undefined) world.far.flows.addConsumer(route('o1').next, ping.flow.id);
        context.whenQuiet(() => sayPong());
      },
    });
    world.far.publish('original', { on: world.farListener, allow: allowEveryone });
    const entry = await world.clock.runUntil(
      inlet(world.near, { listen: '127.0.0.1:0', outlet: world.wayTo('original'), allow: allowEveryone }),
    );
    const client = await world.connect(entry.local);
    await world.run(20);
    return { world, heard, entry, client, say: (bytes: Uint8Array) => say(bytes) };
  };

  test('payloads without counters; the end of the client is a Disconnect', async () => {
    const { world, heard, entry, client, say } = await open();
    client.stream.write([text('GET')]);
    await world.run(10);
    say(payload(text('page')));
    await world.until(() => client.byteCount === 4);
    client.stream.end();
    await world.run(10);
    expect(heard).toEqual(['00', '0303474554', '02']);
    expect([client.hasEnd, client.received.toString(), entry.streams]).toEqual([true, 'page', 0]);
  });

  test('a Disconnect ends the client in good order', async () => {
    const { world, entry, client, say } = await open();
    client.stream.write([text('GET')]);
    await world.run(10);
    say(payload(pattern(2 * 49_152)));
    say(Uint8Array.of(2));
    await world.until(() => client.isOver);
    expect([client.hasEnd, client.byteCount]).toEqual([true, 2 * 49_152]);
    client.stream.end();
    await world.run(10);
    expect(entry.streams).toBe(0);
  });

  test('a client that resets is a Disconnect too', async () => {
    const { world, heard, entry, client } = await open();
    client.stream.reset();
    await world.run(10);
    expect([heard.at(-1), entry.streams]).toEqual(['02', 0]);
  });

  test('a numbered message shows that the Pong was edited', async () => {
    const { world, client, say } = await open();
    client.stream.write([text('GET')]);
    await world.run(10);
    say(fromHex('1200'));
    await world.until(() => client.isOver);
    expect(client.wasReset).toBe(true);
  });
});

test('one megabyte of nothing but the largest messages is exact', async () => {
  const world = await PortalWorld.make();
  const peer = await RawPeer.connect(world);
  peer.send(Uint8Array.of(0), route('outlet'));
  await world.until(() => peer.payloads.length === 1);
  const bytes = pattern(MIB);
  for (let at = 0; at < MIB; at += 200_000) peer.send(payload(bytes.subarray(at, at + 200_000)));
  await world.until(() => world.targets[0]!.byteCount === MIB);
  expect(world.targets[0]!.received.equals(bytes)).toBe(true);
});
