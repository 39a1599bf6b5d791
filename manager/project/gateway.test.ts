import { expect, test } from 'vitest';
import { ProjectWorld } from '../../property-tests/project-world.ts';
import { everyone, onlyPeer } from '../../identities/trust.ts';
import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { type Route, route } from '../../runtime/route.ts';
import { via, whenThere } from '../../runtime/way.ts';
import { ConnectionWorker } from '../../transports/connection.ts';
import { tcp } from '../../transports/tcp.ts';
import { withAuthority } from '../../workers/authority/authority-client.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { secureChannel } from '../../workers/secure-channel/secure-channel.ts';

const dial = (world: ProjectWorld, { node }: { readonly node: Node }) => world.run(node.connect(tcp(), 'project:4000'));

/** Every message that came to a mailbox of a node: where it was sent, and what was said in it. */
function queuedAt(node: Node): { readonly to: string; readonly text: string; readonly message: Message }[] {
  const seen: { to: string; text: string; message: Message }[] = [];
  node.trace(({ kind, message }) => {
    if (kind !== 'sent') return;
    seen.push({ to: message.destination.toString(), text: new TextDecoder().decode(message.payload), message });
  });
  return seen;
}

const ASKED = 'a stranger asks here';

test('of both nodes a stranger reaches the two listeners and the channels that they opened, and no other address', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const { nodes } = world.project;
  // What peers are told of: behind the gateway's own address, one more.
  const told = new Set<string>();
  nodes.gateway.trace(({ message }) => {
    if (message.flow === undefined && message.returnRoute.length === 2) told.add([...message.returnRoute][1]!.toString());
  });
  const bob = await world.member('bob', { 'ockam-relay': 'bank' });
  await world.run(whenThere(relaySession(bob.node, bob.channel, { name: 'bank' })));
  const asking = withAuthority(bob.node, { ...bob, to: await world.run(whenThere(bob.toAuthority)) }, async (authority) => {
    await authority.credential();
    return new Promise<never>(() => undefined); // The channel to the authority stays open.
  });
  asking.catch(() => undefined);
  await world.pass(1_000);

  const stranger = await world.newcomer('stranger');
  const connection = await dial(world, stranger);
  const every = [...new Set([...nodes.gateway.addresses, ...nodes.project.addresses, ...nodes.authority.addresses])];
  expect(every.map(String)).toEqual(
    expect.arrayContaining(['0#p1', '0#api', '0#echo', '0#forward_to_bank', '0#static_forwarding_service', '0#credential_issuer']),
  );
  const reached = [queuedAt(nodes.project), queuedAt(nodes.authority)];
  const ways: Route[] = [route(connection), route(connection, 'p1'), route(connection, 'p1', 'authority')];
  for (const address of nodes.gateway.addresses) ways.push(route(connection, address));
  for (const way of ways) {
    for (const address of every) void stranger.node.send(way.concat(route(address)), new TextEncoder().encode(ASKED));
    await world.pass(100);
  }
  await world.pass(3_000);
  const asked = reached.map((seen) => new Set(seen.filter(({ text }) => text === ASKED).map(({ to }) => to)));
  expect([...asked[0]!]).toContain('0#api');
  expect([...asked[1]!]).toContain('0#api');
  for (const each of asked) expect([...each].filter((to) => to !== '0#api' && !told.has(to))).toEqual([]);
  // The channels are among them, or this would prove nothing: theirs are the only frames that are looked at.
  expect([...asked[0]!].some((to) => told.has(to)) && [...asked[1]!].some((to) => told.has(to))).toBe(true);
});

test('one connection is dialled for both: the project at its id, the authority behind it', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const bob = await world.newcomer('bob');
  const connection = await dial(world, bob);
  const open = (to: Route, peer: string) =>
    world.run(secureChannel(bob.node, to, { identity: bob.identity, trust: onlyPeer(peer as never) }));
  await open(route(connection, 'p1', 'api'), world.project.identifier);
  await open(route(connection, 'p1', 'authority', 'api'), world.project.authority.identifier);
  await expect(open(route(connection, 'p1', 'api'), world.project.authority.identifier)).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

test('a channel whose client comes by another connection goes on', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const bob = await world.newcomer('bob');
  const [first, second] = [await dial(world, bob), await dial(world, bob)];
  const channel = await world.run(secureChannel(bob.node, route(first, 'p1', 'api'), { identity: bob.identity, trust: everyone }));
  await world.run(first.close());
  expect(await world.run(channel.reroute(route(second, 'p1')))).toBe(true);
  const [opened] = world.project.nodes.project.connections;
  expect(opened?.remote.host).toBeDefined();
});

test('what a connection was for the nodes behind goes with it', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const { nodes } = world.project;
  const idle = [nodes.project.addresses.length, nodes.authority.addresses.length];
  const bob = await world.newcomer('bob');
  const connection = await dial(world, bob);
  for (const to of [route(connection, 'p1', 'api'), route(connection, 'p1', 'authority', 'api')])
    await (await world.run(secureChannel(bob.node, to, { identity: bob.identity, trust: everyone }))).close();
  await world.pass(1_000);
  expect([nodes.project.connections.size, nodes.authority.connections.size]).toEqual([1, 1]);
  await world.run(connection.close());
  await world.pass(1_000);
  expect([nodes.gateway.connections.size, nodes.project.connections.size, nodes.authority.connections.size]).toEqual([0, 0, 0]);
  expect([nodes.project.addresses.length, nodes.authority.addresses.length]).toEqual(idle);
});

test('the connection that a message came in by pays for it on every node, and each crossing counts as a hop', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const { nodes } = world.project;
  const bob = await world.newcomer('bob');
  const connection = await dial(world, bob);
  const [atGateway, atProject] = [queuedAt(nodes.gateway), queuedAt(nodes.project)];
  await world.run(secureChannel(bob.node, route(connection, 'p1', 'api'), { identity: bob.identity, trust: everyone }));
  await world.pass(100);
  const cameIn = atGateway.find(({ to }) => to === '0#p1')!.message;
  const atListener = atProject.find(({ to }) => to === '0#api')!.message;
  expect(atListener.ingress).toBe(cameIn.ingress);
  expect([cameIn.hops, atListener.hops]).toEqual([0, 1]);
  const [link] = nodes.project.connections;
  const leaving = atProject.find(({ to }) => to === link!.address.toString())!.message;
  const [outer] = nodes.gateway.connections;
  const atConnection = atGateway.find(({ to }) => to === outer!.address.toString())!.message;
  expect(atConnection.ingress).toBe(leaving.ingress);
  expect(atConnection.hops).toBeGreaterThan(leaving.hops);
  for (const { ingress } of [cameIn, leaving]) expect([ingress.messages, ingress.bytes]).toEqual([0, 0]);
});

test('a member that sends more than another one reads is held up at its own connection, and no one else is', async () => {
  const world = await ProjectWorld.make({ id: 'p1' });
  const { nodes } = world.project;
  const [slow, fast] = [await world.member('slow', { 'ockam-relay': 'slow' }), await world.member('fast')];
  slow.node.start('sink', { onMessage: () => new Promise(() => undefined) });
  slow.node.publish('sink', { on: slow.channel, allow: everyone });
  await world.run(whenThere(relaySession(slow.node, slow.channel, { name: 'slow' })));
  const to = await world.run(whenThere(via(fast.channel, 'forward_to_slow', 'sink')));
  const chunk = new Uint8Array(16 * 1024);
  let sent = 0;
  const flood = async () => {
    for (; sent < 8_192; sent++) await fast.node.send(to, chunk);
  };
  void flood();
  // Shorter than the second after which an ingress sheds.
  await world.pass(800);
  const paused = [...nodes.gateway.connections].filter((each) => each instanceof ConnectionWorker && each.isPaused);
  expect(paused).toHaveLength(1);
  expect(sent * chunk.length).toBeLessThan(32 * 1024 * 1024);
  const other = await world.member('other');
  const echo = await world.run(whenThere(via(other.channel, 'echo')));
  expect((await world.run(other.node.request(echo, Uint8Array.of(1), { timeoutMs: 1_000 }))).payload).toEqual(Uint8Array.of(1));
});
