import { describe, expect, test } from 'vitest';
import { RawPeer } from '../property-tests/conformance/raw-peer.ts';
import { GREETING, tcpFrame } from '../property-tests/reliability/tcp-world.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import type { Ingress } from '../runtime/ingress.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node, type NodeLimits } from '../runtime/node.ts';
import { route } from '../runtime/route.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { hop } from '../workers/hop.ts';
import { tcp } from './tcp.ts';

const PORT = 4_000;
const HEARTBEAT = GREETING.slice(2);

function makeWorld(windowBytes?: number) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 1, ...(windowBytes !== undefined && { windowBytes }) });
  let seed = 1;
  return {
    clock,
    network,
    node: (name: string, limits: Partial<NodeLimits> = {}) =>
      new Node({ name, clock, random: seededRandom(seed++), network: network.host(name), logger: silentLogger, limits }),
    pass: (ms: number) => clock.run({ untilMs: clock.monotonicMs() + ms }),
    dial: () => RawPeer.dial(network.host('raw'), { host: 'server', port: PORT }, { clock }),
  };
}

async function listening(world: ReturnType<typeof makeWorld>) {
  const server = world.node('server');
  const listener = await world.clock.runUntil(server.listen(tcp(), `0.0.0.0:${PORT}`));
  return { server, listener };
}

describe('a connection', () => {
  test('a slow link slows the sender down and loses nothing', async () => {
    const world = makeWorld(65_536);
    world.network.setLatency('middle', 'server', 250); // 128 KiB/s
    const { server, listener } = await listening(world);
    const middle = world.node('middle');
    const atMiddle = await world.clock.runUntil(middle.listen(tcp(), `0.0.0.0:${PORT}`));
    const onward = await world.clock.runUntil(middle.connect(tcp(), `server:${PORT}`));
    middle.start('hop', hop);
    middle.publish('hop', { on: atMiddle, allow: allowEveryone });
    const received: number[] = [];
    server.start('sink', { onMessage: ({ payload }) => void received.push(payload[0] ?? -1) });
    server.publish('sink', { on: listener, allow: allowEveryone });
    const client = world.node('client');
    const connection = await world.clock.runUntil(client.connect(tcp(), `middle:${PORT}`));
    const from = client.detached();
    const sent = (async () => {
      for (let index = 0; index < 200; index++)
        await from.send(route(connection, 'hop', onward, 'sink'), new Uint8Array(40_000).fill(index));
    })();
    await world.clock.runUntil(sent);
    await world.pass(70_000);
    expect(received).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(middle.deadLetters.count()).toBe(0);
  });

  test('what is let in when room is made goes behind what waits already', async () => {
    const world = makeWorld(4_096);
    world.network.setLatency('middle', 'server', 50);
    const { server, listener } = await listening(world);
    const limits = { ingress: { messages: 12, bytes: 4 * 1024 * 1024 } };
    const middle = world.node('middle', limits);
    const atMiddle = await world.clock.runUntil(middle.listen(tcp(), `0.0.0.0:${PORT}`));
    const onward = await world.clock.runUntil(middle.connect(tcp(), `server:${PORT}`));
    middle.start('hop', hop);
    middle.publish('hop', { on: atMiddle, allow: allowEveryone });
    const received: number[] = [];
    server.start('sink', { onMessage: ({ payload }) => void received.push(payload[0] ?? -1) });
    server.publish('sink', { on: listener, allow: allowEveryone });
    const peer = await world.clock.runUntil(RawPeer.dial(world.network.host('raw'), { host: 'middle', port: PORT }, world));
    const frames = Array.from({ length: 200 }, (_, index) =>
      tcpFrame(['hop', onward.address.name, 'sink'], ['app'], new Uint8Array(500).fill(index)),
    );
    peer.send(Buffer.concat([Buffer.from(GREETING, 'hex'), ...frames]));
    await world.pass(20_000);
    expect(received).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  test('what waits to leave is charged with its routes, and given back to the byte', async () => {
    const world = makeWorld(4_096);
    const { server } = await listening(world);
    const peer = await world.clock.runUntil(world.dial());
    peer.send(Uint8Array.of(1));
    await world.pass(100);
    peer.pause();
    const [connection] = [...server.connections];
    const ingresses = new Set<Ingress>();
    server.trace(({ message }) => void ingresses.add(message.ingress));
    const long = route(connection!, ...Array.from({ length: 30 }, () => 'x'.repeat(255)));
    for (let index = 0; index < 60; index++) await world.clock.runUntil(server.send(long, Uint8Array.of(index)));
    await world.pass(100);
    const charged = () => [...ingresses].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(charged()).toBeGreaterThan(60 * 30 * 255);
    peer.resume();
    await world.pass(1_000);
    expect([charged(), server.deadLetters.count()]).toEqual([0, 0]);
  });

  test('a heartbeat is sent at once, and whenever nothing was written for 10 s', async () => {
    const world = makeWorld();
    await listening(world);
    const peer = await world.clock.runUntil(world.dial());
    peer.send(Uint8Array.of(1));
    const heartbeats = () => (peer.received.length - 1) / 8;
    await world.pass(100);
    expect(Buffer.from(peer.received).toString('hex')).toBe(GREETING);
    await world.pass(9_800);
    expect(heartbeats()).toBe(1);
    await world.pass(200);
    expect(heartbeats()).toBe(2);
    await world.pass(20_000);
    expect(heartbeats()).toBe(4);
  });

  test('the silence of a peer counts only once it has sent a heartbeat', async () => {
    const world = makeWorld();
    const { server } = await listening(world);
    const [quiet, beating] = [await world.clock.runUntil(world.dial()), await world.clock.runUntil(world.dial())];
    quiet.send(Uint8Array.of(1));
    beating.send(Buffer.from(GREETING, 'hex'));
    await world.pass(29_900);
    expect([quiet.state, beating.state]).toEqual(['open', 'open']);
    await world.pass(200);
    expect([quiet.state, beating.state]).toEqual(['open', 'reset']);
    await world.pass(600_000);
    expect(quiet.state).toBe('open');
    expect(server.connections.size).toBe(1);
  });

  test('while we do not read, the peer is not silent, nor is its frame late', async () => {
    const world = makeWorld();
    const { server, listener } = await listening(world);
    let release: () => void = () => undefined;
    server.start('stuck', { onMessage: () => new Promise<void>((resolve) => (release = resolve)) });
    server.publish('stuck', { on: listener, allow: allowEveryone });
    // Other messages are released all the while, so that the ingress is not taken for stalled and goes on reading.
    server.start('slow', { onMessage: () => new Promise((resolve) => world.clock.setTimer(500, resolve)) });
    server.publish('slow', { on: listener, allow: allowEveryone });
    const peer = await world.clock.runUntil(world.dial());
    const message = tcpFrame(['slow'], ['app'], new Uint8Array(100));
    const flood = Array.from({ length: 1_100 }, () => message);
    peer.send(
      Buffer.concat([Buffer.from(GREETING, 'hex'), tcpFrame(['stuck'], ['app'], new Uint8Array(1)), ...flood, message.subarray(0, 50)]),
    );
    await world.pass(120_000);
    expect(peer.state).toBe('open');
    const [connection] = [...server.connections];
    expect(connection).toBeDefined();
    release();
    await world.pass(600_000);
    expect(peer.state).toBe('reset'); // it read on, and then the frame was not ended
  });

  test('a peer that takes nothing of what waits for it is cut off after 30 s; one that reads in time is not', async () => {
    const world = makeWorld();
    const { server } = await listening(world);
    const [stuck, lazy] = [await world.clock.runUntil(world.dial()), await world.clock.runUntil(world.dial())];
    for (const peer of [stuck, lazy]) {
      peer.send(Buffer.from(GREETING, 'hex'));
      peer.pause();
    }
    await world.pass(100);
    const ends = [...server.connections].map((connection) => connection.closed);
    for (const connection of server.connections)
      for (let index = 0; index < 20; index++) void server.send(route(connection, 'x'), new Uint8Array(40_000));
    for (let round = 0; round < 5; round++) {
      for (const peer of [stuck, lazy]) peer.send(Buffer.from(HEARTBEAT, 'hex')); // that it lives is no excuse
      if (round === 4) expect([stuck.state, server.connections.size]).toEqual(['open', 2]);
      await world.pass(7_000);
      lazy.resume();
      await world.pass(10);
      lazy.pause();
    }
    expect([stuck.state, lazy.state, server.connections.size]).toEqual(['reset', 'open', 1]);
    expect(await ends[0]).toMatchObject({ code: 'PEER_STALLED' });
    expect(server.deadLetters.count('stopped')).toBeGreaterThan(0);
  });

  test('an end that the other end never answers is over in half a second; one whose bytes do not leave, in five', async () => {
    const world = makeWorld();
    const { server } = await listening(world);
    const peer = await world.clock.runUntil(world.dial());
    peer.send(Uint8Array.of(1));
    await world.pass(100);
    const [connection] = [...server.connections];
    const closing = connection!.close();
    await world.pass(400);
    expect(server.connections.size).toBe(1);
    await world.pass(200);
    await closing;
    expect(server.connections.size).toBe(0);

    const stuck = await world.clock.runUntil(world.dial());
    stuck.send(Uint8Array.of(1));
    stuck.pause();
    await world.pass(100);
    const [other] = [...server.connections];
    for (let index = 0; index < 20; index++) await world.clock.runUntil(server.send(route(other!, 'x'), new Uint8Array(40_000)));
    void other!.close();
    await world.pass(4_800);
    expect(server.connections.size).toBe(1);
    await world.pass(400);
    expect(server.connections.size).toBe(0);
  });

  test('a node out of patience takes its sockets with it', async () => {
    const world = makeWorld();
    const { server, listener } = await listening(world);
    server.start('stuck', { onMessage: () => new Promise(() => undefined) });
    server.publish('stuck', { on: listener, allow: allowEveryone });
    const peer = await world.clock.runUntil(world.dial());
    peer.send(Buffer.concat([Uint8Array.of(1), tcpFrame(['stuck'], ['app'], new Uint8Array(1))]));
    await world.pass(100);
    await world.clock.runUntil(server.stop());
    await world.pass(100);
    expect(peer.state).not.toBe('open');
    expect([world.network.streamCount, world.network.listenerCount, world.clock.pendingCount]).toEqual([0, 0, 0]);
  });

  test('a dial under way ends with its node', async () => {
    const world = makeWorld();
    await listening(world);
    const client = world.node('client');
    world.network.partition('client', 'server');
    const dial = client.connect(tcp(), `server:${PORT}`);
    const refused = expect(dial).rejects.toMatchObject({ code: 'CONNECT_ABORTED' });
    await world.clock.runUntil(client.stop());
    await refused;
  });
});
