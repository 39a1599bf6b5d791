import { afterEach, beforeEach, expect, test } from 'vitest';
import { createIdentity, type Identity } from '../identities/identity.ts';
import { everyone } from '../identities/trust.ts';
import type { PosternError } from '../runtime/errors.ts';
import { silentLogger } from '../runtime/logger.ts';
import { parseMultiAddress } from '../runtime/multi-address.ts';
import { Node } from '../runtime/node.ts';
import { route } from '../runtime/route.ts';
import type { Listener } from '../runtime/transport.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { relayService } from '../workers/relay/relay-service.ts';
import { relaySession } from '../workers/relay/relay-session.ts';
import { secureChannelListener } from '../workers/secure-channel/secure-channel.ts';
import { type Link, Links, type ProjectEntrance } from './links.ts';

/** `far` has `api`, a second listener `inner` behind it, `echo` behind each, and a relay service; `near` has the ways. */
class World {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly targets = new Map<string, string>();
  readonly projects = new Map<string, ProjectEntrance>();
  readonly near = this.#node('near');
  far!: { readonly node: Node; readonly identity: Identity; readonly listener: Listener };
  me!: Identity;
  readonly links = new Links(this.near, {
    transport: tcp(),
    nodes: { targetOf: (name) => Promise.resolve(this.targets.get(name)) },
    projects: { project: (name) => Promise.resolve(this.projects.get(name)) },
  });
  #seed = 10;

  static async make(): Promise<World> {
    const world = new World();
    world.me = await world.run(world.identity());
    world.far = await world.run(world.start('far'));
    return world;
  }

  run<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.runUntil(promise);
  }

  pass(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  identity(): Promise<Identity> {
    return createIdentity({ clock: this.clock, random: seededRandom((this.#seed += 1)) });
  }

  async start(name: string, port = 4_000) {
    const node = this.#node(name);
    const identity = await this.identity();
    const listener = await node.listen(tcp(), `0.0.0.0:${port}`);
    const api = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
    const inner = secureChannelListener(node, 'inner', { identity, trust: everyone, on: api });
    node.start('echo', echo);
    node.publish('echo', { on: [listener, api, inner], allow: everyone });
    relayService(node, { on: [listener, api], allow: everyone });
    return { node, identity, listener };
  }

  open(text: string, authorized?: readonly Identity[]): Promise<Link> {
    const by = { identity: this.me, ...(authorized && { authorized: authorized.map(({ identifier }) => identifier) }) };
    return this.run(this.links.open(parseMultiAddress(text), by));
  }

  async hears(link: Link): Promise<string> {
    const payload = Uint8Array.of(1, 2, 3);
    const route = link.current;
    if (route === undefined) return 'down';
    const answer = this.near.request(route, payload, { timeoutMs: 2_000 });
    return this.run(
      answer.then(
        (message) => message.payload.join(),
        (thrown: unknown) => (thrown as PosternError).code,
      ),
    );
  }

  #node(name: string): Node {
    const network = this.network.host(name);
    return new Node({ name, clock: this.clock, random: seededRandom(name.length), network, logger: silentLogger });
  }
}

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.run(Promise.all([world.near.stop(), world.far.node.stop()]));
  expect(world.network.streamCount).toBe(0);
});

const states = (link: Link) => link.sessions.map(({ name, state }) => `${name}: ${state}`);

test('each part of an address becomes what it says, nested as often as it stands there', async () => {
  const link = await world.open('/dnsaddr/far/tcp/4000/secure/api/secure/inner/service/echo');
  await world.pass(500);
  expect(states(link)).toEqual(['connection to far:4000: up', 'channel to /api: up', 'channel to /inner: up']);
  expect(await world.hears(link)).toBe('1,2,3');
});

test('what ways have in common is made once, and lasts as long as one of them', async () => {
  const plain = await world.open('/dnsaddr/far/tcp/4000/service/echo');
  const sealed = await world.open('/dnsaddr/far/tcp/4000/secure/api/service/echo');
  const again = await world.open('/dnsaddr/far/tcp/4000/secure/api');
  await world.pass(500);
  expect([world.near.connections.size, sealed.end.current]).toEqual([1, again.end.current]);
  await world.run(plain.close());
  await world.run(sealed.close());
  await world.run(sealed.close());
  expect(again.current).toBeDefined();
  await world.run(again.close());
  expect([world.near.connections.size, again.current]).toEqual([0, undefined]);
});

test('another identity, or other peers, are other channels', async () => {
  const [mine, other] = [await world.open('/dnsaddr/far/tcp/4000/secure/api'), await world.run(world.identity())];
  const known = await world.open('/dnsaddr/far/tcp/4000/secure/api', [world.far.identity]);
  const wrong = await world.open('/dnsaddr/far/tcp/4000/secure/api', [other]);
  const theirs = await world.run(world.links.open(parseMultiAddress('/dnsaddr/far/tcp/4000/secure/api'), { identity: other }));
  await world.pass(500);
  expect(new Set([mine, known, theirs].map(({ current }) => current?.toString())).size).toBe(3);
  expect(wrong.sessions.at(-1)).toMatchObject({ lastError: 'PEER_REFUSED' });
  expect(wrong.current).toBeUndefined();
});

test('only the last channel has to lead to whom is authorized', async () => {
  const relay = world.far;
  const behind = await world.run(world.start('behind'));
  const toRelay = await world.run(behind.node.connect(tcp(), 'far:4000'));
  const registered = relaySession(
    behind.node,
    { current: toRelay.route, flow: toRelay.flow, onChange: () => () => 0, need: () => () => 0 },
    { name: 'behind' },
  );
  behind.node.publish('api', { on: toRelay, allow: everyone });
  await world.pass(500);
  const address = '/dnsaddr/far/tcp/4000/secure/api/service/forward_to_behind/secure/api/service/echo';
  const link = await world.open(address, [behind.identity]);
  const wrong = await world.open(address, [relay.identity]);
  await world.pass(1_000);
  expect([await world.hears(link), await world.hears(wrong)]).toEqual(['1,2,3', 'down']);
  await world.run(registered.close());
  await world.run(behind.node.stop());
});

test('a node may be started later, and come back elsewhere', async () => {
  const link = await world.open('/node/blue/secure/api/service/echo');
  const needed = link.need();
  await world.pass(5_000);
  expect(link.sessions[0]).toMatchObject({ lastError: 'NODE_UNKNOWN' });
  world.targets.set('blue', 'far:4000');
  await world.pass(3_000);
  expect(await world.hears(link)).toBe('1,2,3');
  await world.run(world.far.node.stop());
  world.far = await world.run(world.start('other', 5_000));
  world.targets.set('blue', 'other:5000');
  await world.pass(10_000);
  expect(await world.hears(link)).toBe('1,2,3');
  needed();
});

test('a project is only its own identity', async () => {
  const entrance = (identity: Identity) => ({
    identity: identity.identifier,
    route: parseMultiAddress('/dnsaddr/far/tcp/4000/service/api'),
  });
  world.projects.set('right', entrance(world.far.identity));
  world.projects.set('wrong', entrance(world.me));
  const [right, wrong] = [await world.open('/project/right/service/echo'), await world.open('/project/wrong/service/echo')];
  await world.pass(500);
  expect([await world.hears(right), await world.hears(wrong)]).toEqual(['1,2,3', 'down']);
  await expect(world.open('/project/none')).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
  world.projects.set('nowhere', { identity: world.me.identifier, route: parseMultiAddress('/service/api') });
  await expect(world.open('/project/nowhere')).rejects.toMatchObject({ code: 'ADDRESS_ROUTE' });
});

test('a local address stays on this node', async () => {
  world.near.start('echo', echo);
  const link = await world.open('/service/echo');
  expect([await world.hears(link), link.flow, link.sessions, link.current?.toString()]).toEqual([
    '1,2,3',
    undefined,
    [],
    route('echo').toString(),
  ]);
});
