import { describe, expect, test } from 'vitest';
import { pattern, PortalWorld, Program, TARGET_PORT } from '../../property-tests/portal-world.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { bareData, concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope, encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import { hex } from '../../runtime/random.ts';
import { route, type Route } from '../../runtime/route.ts';
import { FrameReader } from '../../transports/framing.ts';
import { inlet } from './inlet.ts';

const fromHex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'));
const text = (words: string) => new TextEncoder().encode(words);
const MIB = 1024 * 1024;

/** Speaks to the outlet's node as the original does: frame by frame over its own TCP connection. */
class RawPeer extends Program {
  readonly payloads: Uint8Array[] = [];
  returnRoute: Route | undefined;
  readonly #frames = new FrameReader({
    onFrame: (body) => {
      const { onward, returnRoute, payload } = decodeEnvelope(body.slice());
      if (onward.isEmpty) return; // a heartbeat
      this.returnRoute ??= returnRoute;
      this.payloads.push(payload);
    },
    onSkipped: () => undefined,
  });

  static async connect(world: PortalWorld): Promise<RawPeer> {
    const peer = new RawPeer();
    const connected = world.network.host('stranger').connect({ host: 'far', port: 4000 }, (stream) => {
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

  /** Sends to the peer's stream address, with `i1` as the way back. */
  send(payload: Uint8Array, onward: Route = this.returnRoute ?? route('outlet')): void {
    this.stream.write([this.frame(payload, onward)]);
  }

  frame(payload: Uint8Array, onward: Route = this.returnRoute ?? route('outlet')): Uint8Array {
    const head = encodeEnvelopeHead(onward, route('i1'), payload.length, 4);
    new DataView(head.buffer, head.byteOffset).setUint32(0, head.length - 4 + payload.length);
    return concat(head, payload);
  }
}

const payload = (bytes: Uint8Array, counter?: number) =>
  concat(Uint8Array.of(3), bareData(bytes), counter === undefined ? new Uint8Array() : Uint8Array.of(1, counter, counter >> 8));

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

  test('a reader that makes no progress for 15 s is reset, one that does is not', async () => {
    const { world, peer, target } = await open();
    target.stream.pause();
    for (let sent = 0; sent < 30; sent++) peer.send(payload(pattern(49_152)));
    await world.run(14_000);
    expect(peer.payloads).toHaveLength(1);
    await world.run(3_000);
    expect(hex(peer.payloads.at(-1)!)).toBe('02');
    expect(world.outlet.streams).toBe(0);
    target.stream.resume();
    await world.run(10);
    expect(target.wasReset).toBe(true);
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
    const world = await PortalWorld.make({ outlet: { streamsMax: 2 } });
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
