import { describe, expect, test } from 'vitest';
import { RELAY_PORT, relayWorld, sayWho, ScriptedPeer } from '../../property-tests/relay-world.ts';
import { SHARE } from '../../property-tests/full-counts.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { bareString } from '../../runtime/codec/bare.ts';
import { parseRoute, Route, route } from '../../runtime/route.ts';
import { whenThere } from '../../runtime/way.ts';
import { echo } from '../echo.ts';
import { connectionSession } from '../session/connection-session.ts';
import { tcp } from '../../transports/tcp.ts';
import type { RelayError } from './errors.ts';
import { relaySession } from './relay-session.ts';
import { registerRelay } from './remote-relay.ts';

type World = ReturnType<typeof relayWorld>;

/** Registers, and says whether it was confirmed within 8 s: longer than any question to a holder takes. */
function ask(node: Parameters<typeof registerRelay>[0], via: Route, name: string): Promise<string> {
  return registerRelay(node, via, { name, timeoutMs: 8_000 }).then(
    () => 'confirmed',
    (error: unknown) => (error as RelayError).code,
  );
}

const register = ({ clock }: World, ...what: Parameters<typeof ask>) => clock.runUntil(ask(...what));

describe('a name belongs to the identity that registered it', () => {
  test('another identity is refused while the holder lives, and traffic still reaches the holder', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay');
    const [alice, bob] = [await world.party('alice'), await world.party('bob')];
    const [holder, other] = [await alice.join('one', 'relay'), await bob.join('two', 'relay')];
    sayWho(holder.node, holder.channel);
    sayWho(other.node, other.channel);
    const asker = world.node('asker');
    const through = await world.connect(asker, 'relay');

    expect(await register(world, holder.node, holder.channel.route, 'bank')).toBe('confirmed');
    await world.pass(1_000);
    expect(await register(world, other.node, other.channel.route, 'bank')).toBe('RELAY_TIMEOUT');
    expect(await world.who(asker, through, 'bank')).toBe('alice-one');
    const plain = world.node('plain');
    expect(await register(world, plain, (await world.connect(plain, 'relay')).route, 'bank')).toBe('RELAY_TIMEOUT');
    expect(await world.who(asker, through, 'bank')).toBe('alice-one');
    expect(relay.node.deadLetters.count('refused')).toBe(2);
    expect(relay.service.relays.map(String)).toEqual(['0#forward_to_bank']);
  });

  test('the same identity takes it over at once, from a node that lives or one that lost its power', async () => {
    for (const crashes of [false, true]) {
      const world = relayWorld();
      await world.relayNode('relay');
      const alice = await world.party('alice');
      const before = await alice.join('one', 'relay');
      await register(world, before.node, before.channel.route, 'bank');
      if (crashes) world.network.crash(before.host);
      const after = await alice.join('two', 'relay');
      sayWho(after.node, after.channel);
      const sinceMs = world.clock.monotonicMs();
      expect(await register(world, after.node, after.channel.route, 'bank')).toBe('confirmed');
      expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(100);
      const asker = world.node('asker');
      expect(await world.who(asker, await world.connect(asker, 'relay'), 'bank')).toBe('alice-two');
    }
  });

  test('a holder that answered before and is silent for 5 s loses it to another identity', async () => {
    const world = relayWorld();
    await world.relayNode('relay');
    const [alice, bob] = [await world.party('alice'), await world.party('bob')];
    const [holder, other] = [await alice.join('one', 'relay'), await bob.join('two', 'relay')];
    await register(world, holder.node, holder.channel.route, 'bank');
    await world.pass(1_000);
    world.network.crash(holder.host);
    const sinceMs = world.clock.monotonicMs();
    expect(await register(world, other.node, other.channel.route, 'bank')).toBe('confirmed');
    const tookMs = world.clock.monotonicMs() - sinceMs;
    expect(tookMs).toBeGreaterThanOrEqual(5_000);
    expect(tookMs).toBeLessThan(5_100);
  });

  test('a holder that never answered is not judged by its silence', async () => {
    const world = relayWorld();
    await world.relayNode('relay');
    const [alice, bob] = [await world.party('alice'), await world.party('bob')];
    const [holder, other] = [await alice.join('one', 'relay'), await bob.join('two', 'relay')];
    await world.clock.runUntil(holder.node.stopWorker('echo'));
    await register(world, holder.node, holder.channel.route, 'bank');
    await world.pass(10_000);
    world.network.crash(holder.host);
    expect(await register(world, other.node, other.channel.route, 'bank')).toBe('RELAY_TIMEOUT');
  });

  test('an administrator takes any name', async () => {
    const world = relayWorld();
    const [alice, bob] = [await world.party('alice'), await world.party('bob')];
    await world.relayNode('relay', { isAdministrator: ({ peer }) => peer === bob.identity.identifier });
    const [holder, other] = [await alice.join('one', 'relay'), await bob.join('two', 'relay')];
    await register(world, holder.node, holder.channel.route, 'bank');
    await world.pass(1_000);
    expect(await register(world, other.node, other.channel.route, 'bank')).toBe('confirmed');
  });

  test(`after a crash it is reclaimed within 5 s of reconnecting, ${100 / SHARE} times`, async () => {
    const world = relayWorld();
    await world.relayNode('relay');
    const alice = await world.party('alice');
    const asker = world.node('asker');
    const through = await world.connect(asker, 'relay');
    for (let round = 0; round < 100 / SHARE; round++) {
      const joined = await alice.join(`round-${round}`, 'relay');
      sayWho(joined.node, joined.channel);
      const sinceMs = world.clock.monotonicMs();
      expect(await register(world, joined.node, joined.channel.route, 'bank')).toBe('confirmed');
      expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(5_000);
      expect(await world.who(asker, through, 'bank')).toBe(`alice-round-${round}`);
      world.network.crash(joined.host);
    }
  });
});

describe('a plain registration', () => {
  async function plainWorld() {
    const world = relayWorld();
    const relay = await world.relayNode('relay');
    const join = async (name: string) => {
      const node = world.node(name);
      const connection = await world.connect(node, 'relay');
      sayWho(node, connection);
      return { node, connection };
    };
    return { world, relay, join };
  }

  test('gives way at once when its connection is gone', async () => {
    const { world, join } = await plainWorld();
    const [first, second] = [await join('first'), await join('second')];
    await register(world, first.node, first.connection.route, 'bank');
    await world.clock.runUntil(first.connection.close());
    const sinceMs = world.clock.monotonicMs();
    expect(await register(world, second.node, second.connection.route, 'bank')).toBe('confirmed');
    expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(100);
    expect(await world.who(first.node, await world.connect(first.node, 'relay'), 'bank')).toBe('second');
  });

  test('gives way after 5 s when no echo answers, the last one to ask getting it', async () => {
    const { world, relay, join } = await plainWorld();
    const [first, second, third] = [await join('first'), await join('second'), await join('third')];
    await register(world, first.node, first.connection.route, 'bank');
    const sinceMs = world.clock.monotonicMs();
    const [two, three] = await Promise.all([
      register(world, second.node, second.connection.route, 'bank'),
      register(world, third.node, third.connection.route, 'bank'),
    ]);
    expect([two, three]).toEqual(['RELAY_TIMEOUT', 'confirmed']);
    expect(world.clock.monotonicMs() - sinceMs).toBeGreaterThanOrEqual(5_000);
    expect(relay.node.deadLetters.count('refused')).toBe(1);
  });

  test('gives way at once when its connection goes while it is asked', async () => {
    const { world, join } = await plainWorld();
    const [first, second] = [await join('first'), await join('second')];
    await register(world, first.node, first.connection.route, 'bank');
    const sinceMs = world.clock.monotonicMs();
    const asked = ask(second.node, second.connection.route, 'bank');
    await world.pass(1_000);
    await world.clock.runUntil(first.connection.close());
    expect(await world.clock.runUntil(asked)).toBe('confirmed');
    expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(2_000);
  });

  test('stays when its echo answers', async () => {
    const { world, join } = await plainWorld();
    const [first, second] = [await join('first'), await join('second')];
    first.node.start('echo', { onMessage: (message, context) => context.reply(message, message.payload) });
    first.node.publish('echo', { on: first.connection, allow: { allows: () => true } });
    await register(world, first.node, first.connection.route, 'bank');
    expect(await register(world, second.node, second.connection.route, 'bank')).toBe('RELAY_TIMEOUT');
    expect(await world.who(second.node, second.connection, 'bank')).toBe('first');
  });

  test('stays when its echo answers, however many requests of the node itself are stuck', async () => {
    const { world, relay, join } = await plainWorld();
    const [first, second] = [await join('first'), await join('second')];
    first.node.start('echo', echo);
    first.node.publish('echo', { on: first.connection, allow: allowEveryone });
    await register(world, first.node, first.connection.route, 'bank');
    relay.node.start('stuck', { onMessage: () => new Promise(() => undefined) });
    for (let sent = 0; sent < 1_100; sent++) relay.node.request('stuck', Uint8Array.of(1)).catch(() => undefined);
    await world.pass(2_000); // from now on what they exceed is shed
    expect(await register(world, second.node, second.connection.route, 'bank')).toBe('RELAY_TIMEOUT');
    expect(await world.who(second.node, second.connection, 'bank')).toBe('first');
  });

  test('may be made anew by the same way', async () => {
    const { world, join } = await plainWorld();
    const first = await join('first');
    await register(world, first.node, first.connection.route, 'bank');
    const sinceMs = world.clock.monotonicMs();
    expect(await register(world, first.node, first.connection.route, 'bank')).toBe('confirmed');
    expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(100);
  });

  test('keeps its address for a minute after its connection went, then nothing of it is left', async () => {
    const { world, relay, join } = await plainWorld();
    const first = await join('first');
    await register(world, first.node, first.connection.route, 'bank');
    await world.clock.runUntil(first.connection.close());
    await world.pass(59_000);
    expect(relay.service.relays).toHaveLength(1);
    await world.pass(2_000);
    expect(relay.service.relays).toHaveLength(0);
    expect(relay.node.addresses.map(({ name }) => name)).not.toContain('forward_to_bank');
    const second = await join('second');
    expect(await register(world, second.node, second.connection.route, 'bank')).toBe('confirmed');
  });
});

describe('what a service refuses', () => {
  test('the 101st relay of an owner, until one of its relays is gone', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay');
    const alice = await world.party('alice');
    const joined = await alice.join('one', 'relay');
    const outcomes = await Promise.all(
      Array.from({ length: 101 }, (_, index) => register(world, joined.node, joined.channel.route, `r${index}`)),
    );
    expect(outcomes.filter((outcome) => outcome === 'confirmed')).toHaveLength(100);
    expect(outcomes[100]).toBe('RELAY_TIMEOUT');
    expect(await register(world, joined.node, joined.channel.route, 'r0')).toBe('confirmed');
    expect(relay.node.deadLetters.count('refused')).toBe(1);

    const bob = await (await world.party('bob')).join('two', 'relay');
    expect(await register(world, bob.node, bob.channel.route, 'bobs')).toBe('confirmed');
  });

  test('one more than there is room for, until a client is gone: the relay of the one longest gone makes room', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay', { relaysMax: 3 });
    const join = async (name: string) => {
      const node = world.node(name);
      const connection = await world.connect(node, 'relay');
      return { connection, asks: (relayName: string) => register(world, node, connection.route, relayName) };
    };
    const [a, b, c, d] = [await join('a'), await join('b'), await join('c'), await join('d')];
    for (const { asks } of [a, b, c]) expect(await asks(`r${relay.service.relays.length}`)).toBe('confirmed');
    expect(await d.asks('d')).toBe('RELAY_TIMEOUT');
    await world.clock.runUntil(b.connection.close());
    await world.clock.runUntil(a.connection.close());
    expect(await d.asks('d')).toBe('confirmed');
    expect(relay.service.relays.map(({ name }) => name)).toEqual(['forward_to_r0', 'forward_to_r2', 'forward_to_d']);
    expect(await d.asks('e')).toBe('confirmed');
    expect(await d.asks('f')).toBe('RELAY_TIMEOUT');
  });

  test('one with nobody behind its connection: its relay would be a hop for strangers', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay');
    const peer = new ScriptedPeer();
    await world.clock.runUntil(world.network.host('stranger').connect({ host: 'relay', port: RELAY_PORT }, peer.reader));
    peer.sendTo(route('static_forwarding_service'), Route.empty, bareString('open'));
    await world.pass(100);
    expect(relay.service.relays).toEqual([]);
    expect(relay.node.deadLetters.count('refused')).toBe(1);
  });

  test('what is no registration, has no way back, or is not permitted', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay', { mayRegister: ({ name }) => name !== 'forbidden' });
    const node = world.node('client');
    const connection = await world.connect(node, 'relay');
    const service = route(connection, 'static_forwarding_service');
    for (const payload of [Uint8Array.of(), Uint8Array.of(5, 1), Uint8Array.of(1, 0xff), bareString('')]) {
      await world.clock.runUntil(node.send(service, payload));
    }
    expect(await register(world, node, connection.route, 'forbidden')).toBe('RELAY_TIMEOUT');
    expect(await register(world, node, connection.route, 'x'.repeat(245))).toBe('RELAY_TIMEOUT');
    expect(relay.node.deadLetters.count('refused')).toBe(6);
    expect(await register(world, node, connection.route, 'x'.repeat(244))).toBe('confirmed');
  });

  test('traffic without an address behind the relay never becomes a heartbeat', async () => {
    const world = relayWorld();
    const relay = await world.relayNode('relay');
    const [server, client] = [world.node('server'), world.node('client')];
    await register(world, server, (await world.connect(server, 'relay')).route, 'bank');
    await world.clock.runUntil(client.send(route(await world.connect(client, 'relay'), 'forward_to_bank'), Uint8Array.of(1)));
    await world.pass(50);
    expect(relay.node.deadLetters.count('empty-route')).toBe(1);
  });
});

test('an ephemeral relay gets a random name under the same prefix', async () => {
  const world = relayWorld();
  await world.relayNode('relay');
  const [server, client] = [world.node('server'), world.node('client')];
  const connection = await world.connect(server, 'relay');
  sayWho(server, connection);
  const relay = await world.clock.runUntil(registerRelay(server, connection.route));
  expect(relay.address.name).toMatch(/^forward_to_[0-9a-f]{32}$/);
  const name = relay.address.name.slice('forward_to_'.length);
  expect(await world.who(client, await world.connect(client, 'relay'), name)).toBe('server');
});

test('a relay to a client on the same node is no way around what is published', async () => {
  const world = relayWorld();
  const relay = await world.relayNode('relay');
  sayWho(relay.node);
  relay.node.start('open', { onMessage: (message, context) => context.reply(message, Uint8Array.of(7)) });
  relay.node.publish('open', { on: relay.listener, allow: { allows: () => true } });
  expect(await register(world, relay.node, Route.empty, 'self')).toBe('confirmed');
  const client = world.node('client');
  const through = await world.connect(client, 'relay');
  expect(await world.who(client, through, 'self')).toBe(undefined);
  expect(relay.node.deadLetters.count('denied-flow')).toBe(1);
  const open = client.request(route(through, 'forward_to_self', 'open'), Uint8Array.of(1), { timeoutMs: 200 });
  expect([...(await world.clock.runUntil(open)).payload]).toEqual([7]);
});

test('answers go straight from connection to connection, not through the relay worker', async () => {
  const world = relayWorld();
  const relay = await world.relayNode('relay');
  const [server, client] = [world.node('server'), world.node('client')];
  const connection = await world.connect(server, 'relay');
  sayWho(server, connection);
  await register(world, server, connection.route, 'bank');
  const through = await world.connect(client, 'relay');
  const handled: string[] = [];
  relay.node.trace(({ kind, message }) => {
    if (kind === 'handled') handled.push(message.destination.name);
  });
  expect(await world.who(client, through, 'bank')).toBe('server');
  expect(handled.filter((name) => name === 'forward_to_bank')).toHaveLength(1);
  expect(handled).toHaveLength(3); // the relay, the sender to the server, the sender to the client
});

test('closing the service ends its relays and leaves no timer of its own', async () => {
  const world = relayWorld();
  const relay = await world.relayNode('relay');
  const alice = await (await world.party('alice')).join('one', 'relay');
  await register(world, alice.node, alice.channel.route, 'bank');
  await world.clock.runUntil(relay.service.close());
  expect(relay.service.relays).toEqual([]);
  expect(relay.node.addresses.filter(({ name }) => /forward/.test(name))).toEqual([]);
});

test('loops of relays end: one message in, one message on, and no more than the longest route allows', async () => {
  const world = relayWorld();
  const [a, b] = [await world.relayNode('a'), await world.relayNode('b')];
  const [ab] = [await world.connect(a.node, 'b')];
  // Each registers with a way back that leads through the other's relay: x at b leads to a's y, y at a to b's x.
  const forged = (relay: typeof a, back: Route, name: string) => {
    relay.node.start(`forger-${name}`, {
      onMessage: (message, context) => context.forward(message.rerouted(parseRoute('static_forwarding_service'), back)),
    });
    return world.clock.runUntil(relay.node.send(`forger-${name}`, bareString(name)));
  };
  const [ba] = [...b.node.connections];
  await forged(b, Route.of([ba!.address, 'forward_to_y', 'end']), 'x');
  await forged(a, Route.of([ab.address, 'forward_to_x', 'end']), 'y');
  a.node.publish('forward_to_y', { on: ab, allow: { allows: () => true } });
  await world.pass(1_000);

  const tooLong = () => a.node.deadLetters.count('route-limit') + b.node.deadLetters.count('route-limit');
  expect(tooLong()).toBe(2); // the two confirmations went round too
  let forwards = 0;
  for (const { node } of [a, b]) {
    node.trace(({ kind, message }) => {
      if (kind === 'handled' && message.destination.name.startsWith('forward_to_')) forwards++;
    });
  }
  const client = world.node('client');
  await world.clock.runUntil(client.send(route(await world.connect(client, 'a'), 'forward_to_y', 'nowhere'), Uint8Array.of(1)));
  await world.pass(5_000);
  expect(forwards).toBeGreaterThan(20);
  expect(forwards).toBeLessThan(64);
  expect(tooLong()).toBe(3);
});

test('a relay session is back within 5 s of the relay’s return', async () => {
  const world = relayWorld();
  const first = await world.relayNode('relay');
  const server = world.node('server');
  const connection = connectionSession(server, tcp(), 'relay:4000');
  const relay = relaySession(server, connection, { name: 'bank' });
  sayWho(server, connection);
  await world.clock.runUntil(whenThere(relay));
  await world.clock.runUntil(first.node.stop());
  await world.pass(120_000);
  expect(relay.state).toBe('connecting');
  await world.relayNode('relay');
  const sinceMs = world.clock.monotonicMs();
  await world.clock.runUntil(whenThere(relay));
  expect(world.clock.monotonicMs() - sinceMs).toBeLessThan(5_000);
  const asker = world.node('asker');
  expect(await world.who(asker, await world.connect(asker, 'relay'), 'bank')).toBe('server');
});
