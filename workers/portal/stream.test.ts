import { describe, expect, test } from 'vitest';
import { allowEveryone, allowNobody } from '../../runtime/access-control.ts';
import { type Route, route } from '../../runtime/route.ts';
import { inlet } from './inlet.ts';
import { isPrefix, pattern, PortalWorld, type Program } from '../../property-tests/portal-world.ts';

const MIB = 1024 * 1024;

test('what goes in comes out, both ways and at once; then nothing is left', async () => {
  const world = await PortalWorld.make();
  const addresses = world.near.addresses.length + world.far.addresses.length;
  const there = pattern(300_000, 1);
  const back = pattern(500_000, 2);
  world.onTarget = (target) => {
    target.stream.write([back]);
    target.stream.end();
  };
  const client = await world.connect();
  client.stream.write([there]);
  client.stream.end();
  await world.until(() => world.inlet.streams + world.outlet.streams === 0 && client.isOver);
  expect([client.hasEnd, world.targets[0]!.hasEnd]).toEqual([true, true]);
  expect(client.received.equals(back)).toBe(true);
  expect(world.targets[0]!.received.equals(there)).toBe(true);
  await world.until(() => world.inlet.streams + world.outlet.streams === 0);
  await world.run(100);
  expect(world.near.addresses.length + world.far.addresses.length).toBe(addresses);
  expect(world.network.streamCount).toBe(4); // the two transport connections
  await world.stop();
  expect(world.network.streamCount).toBe(0);
});

test('half-close: a request and its end, then a long answer', async () => {
  const world = await PortalWorld.make();
  const answer = pattern(3 * MIB);
  world.onTarget = (target) => {
    target.onMore = () => {
      if (!target.hasEnd) return;
      target.stream.write([answer]);
      target.stream.end();
    };
  };
  const client = await world.connect();
  client.stream.write([pattern(10)]);
  client.stream.end();
  await world.until(() => client.isOver);
  expect(client.hasEnd).toBe(true);
  expect(client.received.equals(answer)).toBe(true);
});

describe('a target that cannot be reached resets the client within 5 s', () => {
  const cases = [
    ['refused', 'far:9', () => undefined],
    ['unresolvable', 'nowhere:5432', () => undefined],
    [
      'black-holed',
      'hole:5432',
      (world: PortalWorld) => {
        world.network.host('hole');
        world.network.partition('far', 'hole');
      },
    ],
  ] as const;
  test.each(cases)('%s', async (_, target, prepare) => {
    const world = await PortalWorld.make({ outlet: { target } });
    prepare(world);
    const client = await world.connect();
    const tookMs = await world.until(() => client.isOver);
    expect(client.wasReset).toBe(true);
    expect(tookMs).toBeLessThan(5_000);
    await world.run(100);
    expect([world.inlet.streams, world.outlet.streams]).toEqual([0, 0]);
  });
});

test('a dial is called off when its outlet closes', async () => {
  const world = await PortalWorld.make({ outlet: { target: 'hole:5432', dialTimeoutMs: 60_000 } });
  let accepted = 0;
  const listening = world.network.host('hole').listen({ host: '0.0.0.0', port: 5432 }, () => {
    accepted++;
    return undefined;
  });
  await world.clock.runUntil(listening);
  world.network.partition('far', 'hole');
  const client = await world.connect();
  await world.until(() => world.outlet.streams === 1);
  await world.clock.runUntil(world.outlet.close());
  await world.until(() => client.isOver, 100);
  expect(client.wasReset).toBe(true);
  world.network.heal();
  await world.run(60_000);
  expect([accepted, world.inlet.streams, world.network.streamCount]).toEqual([0, 0, 4]);
});

test('an outlet that says nothing resets the client after the time for a Pong', async () => {
  const world = await PortalWorld.make();
  await world.clock.runUntil(world.outlet.close());
  const client = await world.connect();
  expect(await world.until(() => client.isOver)).toBeGreaterThan(29_000);
  expect(client.wasReset).toBe(true);
  expect(world.inlet.streams).toBe(0);
});

describe('a reset reaches the other side at once', () => {
  const open = async () => {
    const world = await PortalWorld.make();
    const client = await world.connect();
    client.stream.write([pattern(100)]);
    await world.until(() => world.targets[0]?.byteCount === 100);
    return { world, client, target: world.targets[0] as Program };
  };
  test.each(['client', 'target'] as const)('of the %s', async (who) => {
    const { world, client, target } = await open();
    const [one, other] = who === 'client' ? [client, target] : [target, client];
    one.stream.reset();
    expect(await world.until(() => other.isOver)).toBeLessThan(100);
    expect(other.wasReset).toBe(true);
    await world.run(100);
    expect([world.inlet.streams, world.outlet.streams, world.network.streamCount]).toEqual([0, 0, 4]);
  });

  test('of a client that did not wait for the Pong', async () => {
    const world = await PortalWorld.make({ latencyMs: 50 });
    const client = await world.connect();
    client.stream.reset();
    await world.run(1_000);
    expect(world.targets.map(({ wasReset }) => wasReset)).toEqual([true]);
    expect([world.inlet.streams, world.outlet.streams, world.network.streamCount]).toEqual([0, 0, 4]);
  });

  test.each(['near', 'mid', 'far'] as const)('of the %s node that stops', async (name) => {
    const { world, client, target } = await open();
    await world.clock.runUntil(world[name].stop());
    await world.run(100);
    expect([client.wasReset, target.wasReset, client.hasEnd, target.hasEnd]).toEqual([true, true, false, false]);
    expect([world.inlet.streams, world.outlet.streams]).toEqual([0, 0]);
  });

  test.each(['near', 'far'] as const)('of a portal end on %s that is closed', async (name) => {
    const { world, client, target } = await open();
    await world.clock.runUntil((name === 'near' ? world.inlet : world.outlet).close());
    await world.run(100);
    expect([client.wasReset, target.wasReset]).toEqual([true, true]);
  });
});

test('a path that goes dead in silence resets both ends in 35 s, busy and idle', async () => {
  const world = await PortalWorld.make();
  const idle = await world.connect();
  const busy = await world.connect();
  await world.until(() => world.targets.length === 2);
  // The relay itself goes deaf, so that no connection is lost.
  world.relay.edit = () => [];
  busy.stream.write([pattern(10_000)]);
  await world.until(() => [idle, busy, ...world.targets].every(({ wasReset }) => wasReset), 41_000);
  expect([idle, busy, ...world.targets].map(({ wasReset }) => wasReset)).toEqual([true, true, true, true]);
  expect(world.clock.monotonicMs()).toBeLessThan(35_000);
});

test.each(['there', 'back'] as const)('a tail that is lost %s, with nothing behind it, resets both ends', async (direction) => {
  const world = await PortalWorld.make();
  const client = await world.connect();
  await world.until(() => world.targets.length === 1);
  const target = world.targets[0] as Program;
  await world.run(20);
  let isFirst = true;
  world.relay.edit = (message, way) => {
    if (way !== direction || !isFirst) return [message];
    isFirst = false;
    return [];
  };
  (direction === 'there' ? client : target).stream.write([pattern(100)]);
  expect(await world.until(() => client.isOver && target.isOver)).toBeLessThan(5_000);
  expect([client.wasReset, target.wasReset, client.byteCount + target.byteCount]).toEqual([true, true, 0]);
});

test('a link that stalls for 8 s breaks no stream', async () => {
  const world = await PortalWorld.make();
  const bytes = pattern(2 * MIB);
  const client = await world.connect();
  await world.run(20);
  world.network.partition('near', 'mid');
  client.stream.write([bytes]);
  client.stream.end();
  await world.run(8_000);
  world.network.heal();
  await world.until(() => world.targets[0]!.isOver);
  expect([world.targets[0]!.hasEnd, world.targets[0]!.received.equals(bytes)]).toEqual([true, true]);
});

describe('the way to the outlet', () => {
  const makeWay = (current: Route | undefined) => {
    const listeners = new Set<() => void>();
    const way = {
      current,
      needs: 0,
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
      need: () => {
        way.needs++;
        return () => {
          way.needs--;
        };
      },
      become: (route: Route) => {
        way.current = route;
        for (const listener of listeners) listener();
      },
    };
    return way;
  };

  test('a client waits 10 s for one that is down, then it is reset', async () => {
    const way = makeWay(undefined);
    const world = await PortalWorld.make({ inlet: { outlet: way } });
    const client = await world.connect();
    await world.run(1);
    expect(way.needs).toBe(1);
    expect(await world.until(() => client.isOver)).toBeGreaterThan(9_900);
    expect([client.wasReset, world.inlet.streams, way.needs, world.clock.monotonicMs() < 10_100]).toEqual([true, 0, 0, true]);
  });

  test('one that comes back in time serves the client that waited, and new ones go the new way', async () => {
    const way = makeWay(undefined);
    const world = await PortalWorld.make({ inlet: { outlet: way } });
    const client = await world.connect();
    client.stream.write([pattern(5)]);
    await world.run(9_000);
    way.become(world.wayTo('outlet'));
    await world.until(() => world.targets[0]?.byteCount === 5, 100);
    expect(world.targets[0]?.byteCount).toBe(5);
    way.become(route('nobody'));
    const next = await world.connect();
    expect(await world.until(() => next.isOver)).toBeLessThan(100);
    expect([next.wasReset, client.wasReset]).toEqual([true, false]);
  });
});

test('it listens on loopback unless told otherwise, and says so then', async () => {
  const events: string[] = [];
  const logger = {
    log: (level: string, event: string) => {
      if (level === 'warn') events.push(event);
    },
  };
  const world = await PortalWorld.make({ logger });
  const listen = (at: string) =>
    world.clock.runUntil(inlet(world.near, { listen: at, outlet: world.wayTo('outlet'), allow: allowEveryone }));
  expect((await listen('7001')).local).toEqual({ host: '127.0.0.1', port: 7001 });
  expect((await listen(':0')).local.host).toBe('127.0.0.1');
  expect(events).toEqual([]);
  expect((await listen('0.0.0.0:7002')).local.host).toBe('0.0.0.0');
  expect(events).toEqual(['inlet.beyond.loopback']);
});

test('who is not allowed opens no stream', async () => {
  const world = await PortalWorld.make({ outlet: { allow: allowNobody }, inlet: { pongTimeoutMs: 1_000 } });
  const client = await world.connect();
  await world.until(() => client.isOver);
  expect([client.wasReset, world.targets.length, world.far.deadLetters.count('denied-incoming')]).toEqual([true, 0, 1]);
});

test('an idle stream lives', async () => {
  const world = await PortalWorld.make();
  const client = await world.connect();
  await world.run(120_000);
  client.stream.write([pattern(9)]);
  await world.until(() => world.targets[0]?.byteCount === 9, 1_000);
  expect(world.targets[0]!.byteCount).toBe(9);
});

test('100 half-closes and 200 resets, a tenth of them: exact, and nothing is left', async () => {
  const world = await PortalWorld.make();
  const answer = pattern(MIB);
  world.onTarget = (target) => {
    target.onMore = () => {
      if (!target.hasEnd) return;
      target.stream.write([answer]);
      target.stream.end();
    };
  };
  for (let trial = 0; trial < 10; trial++) {
    const client = await world.connect();
    client.stream.write([pattern(10)]);
    client.stream.end();
    await world.until(() => client.isOver);
    expect(client.hasEnd && client.received.equals(answer)).toBe(true);
  }
  for (let trial = 0; trial < 20; trial++) {
    const before = world.targets.length;
    const client = await world.connect();
    client.stream.write([pattern(1 + trial * 5_000)]);
    await world.run(trial); // before the Ping, before the Pong, in the middle of it, after it
    const target = world.targets[before];
    const [one, other] = trial % 2 === 0 || target === undefined ? [client, target] : [target, client];
    one.stream.reset();
    await world.run(50);
    expect([other?.wasReset ?? true, world.network.streamCount]).toEqual([true, 4]);
  }
  expect([world.inlet.streams, world.outlet.streams]).toEqual([0, 0]);
});

test('1,000,000 messages in one stream, a hundredth of them', async () => {
  const world = await PortalWorld.make({ latencyMs: 0 });
  const client = await world.connect();
  const messages = 10_000;
  for (let sent = 0; sent < messages; sent++) client.stream.write([Uint8Array.of(sent, sent >> 8, 3)]);
  client.stream.end();
  await world.until(() => world.targets[0]?.isOver === true);
  const { received, hasEnd } = world.targets[0]!;
  expect(hasEnd && received.length === 3 * messages).toBe(true);
  for (let index = 0; index < messages; index++) expect(received.readUInt16LE(3 * index)).toBe(index);
});

describe('a slow reader', () => {
  test('of the target holds a window at most, and slows nobody else', async () => {
    const world = await PortalWorld.make();
    world.onTarget = (target) => {
      if (world.targets.length === 1) target.stream.pause();
    };
    const stalled = await world.connect();
    await world.until(() => world.targets.length === 1);
    const bytes = pattern(4 * MIB);
    let carried = 0;
    world.relay.edit = (message) => {
      carried += message.payloadBytes;
      return [message];
    };
    stalled.stream.write([bytes]);
    await world.run(1_000);
    const socketBytes = 65_536;
    expect(carried).toBeLessThan(MIB + socketBytes + 10_000);
    const other = await world.connect();
    other.stream.write([bytes]);
    other.stream.end();
    await world.until(() => world.targets[1]?.hasEnd === true);
    expect(world.targets[1]!.received.equals(bytes)).toBe(true);
    await world.run(60_000); // long beyond every limit of silence
    expect(stalled.wasReset).toBe(false);
    world.targets[0]!.stream.resume();
    stalled.stream.end();
    await world.until(() => world.targets[0]!.isOver);
    expect(world.targets[0]!.hasEnd).toBe(true);
    expect(world.targets[0]!.received.equals(bytes)).toBe(true);
  });

  test('of the client does not lose the tail', async () => {
    const world = await PortalWorld.make();
    const bytes = pattern(2 * MIB);
    world.onTarget = (target) => {
      target.stream.write([bytes]);
      target.stream.end();
    };
    const client = await world.connect();
    client.stream.pause();
    await world.run(45_000);
    expect(client.byteCount).toBeLessThan(bytes.length);
    client.stream.resume();
    client.stream.end();
    await world.until(() => client.isOver);
    expect(client.hasEnd).toBe(true);
    expect(isPrefix(client.received, bytes) && client.byteCount === bytes.length).toBe(true);
  });
});
