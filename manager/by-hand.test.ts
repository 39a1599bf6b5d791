import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, ManagerWorld } from '../property-tests/manager-world.ts';
import { BareReader, bareString } from '../runtime/codec/bare.ts';
import type { Manager } from './manager.ts';

const HEX = /^[0-9a-f]{32}$/;

let world: ManagerWorld;
beforeEach(() => {
  world = new ManagerWorld();
});
afterEach(async () => {
  await world.run(Promise.all(world.managers.map((manager) => manager.close())));
  await world.pass(1_000);
  expect(world.network.streamCount).toBe(0);
});

/** What comes back, as text; the code of what was thrown. */
const says = (from: Manager, to: string, text = 'hello', timeoutMs = 2_000) =>
  world.run(from.sendMessage({ to, payload: bareString(text), timeoutMs }).then((payload) => new BareReader(payload).string(), codeOf));
const refused = (work: () => unknown) =>
  world.run(
    Promise.resolve()
      .then(work)
      .then(() => 'made', codeOf),
  );

describe('TCP', () => {
  test('a listener more is another way in, until it is deleted; connections by it stay', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    const made = await world.run(blue.tcpListeners.create('127.0.0.1:6000'));
    expect(made).toEqual({
      type: 'Tcp',
      mode: 'Listen',
      socket_addr: '127.0.0.1:6000',
      worker_addr: '<none>',
      processor_address: expect.stringMatching(HEX) as string,
      flow_control_id: expect.stringMatching(HEX) as string,
    });
    expect(blue.tcpListeners.list()).toHaveLength(2);
    for (const by of ['127.0.0.1:6000', '6000', made.processor_address]) expect(blue.tcpListeners.show(by)).toEqual(made);
    const { worker_addr } = await world.run(green.tcpConnections.create({ to: '127.0.0.1:6000' }));
    expect(await says(green, `/worker/${worker_addr}/service/uppercase`)).toBe('HELLO');
    await world.run(blue.tcpListeners.delete('127.0.0.1:6000'));
    expect(blue.tcpListeners.list()).toHaveLength(1);
    expect(await says(green, `/worker/${worker_addr}/service/uppercase`)).toBe('HELLO');
    expect(await refused(() => green.tcpConnections.create({ to: '127.0.0.1:6000' }))).toBe('CONNECT_REFUSED');
    expect(await refused(() => blue.tcpListeners.delete('127.0.0.1:6000'))).toBe('RESOURCE_UNKNOWN');
    expect(await refused(() => blue.tcpListeners.create('nowhere'))).toBe('TARGET_TEXT');
  });

  test('a connection to one’s own listener is shown from both ends, and ends by address', async () => {
    const blue = await world.start('blue');
    const to = blue.show().listener;
    const made = await world.run(blue.tcpConnections.create({ to }));
    expect(made).toMatchObject({ type: 'Tcp', mode: 'Outgoing', socket_addr: to.replace('127.0.0.1', 'one') });
    await world.pass(50);
    expect(blue.tcpConnections.list().map(({ mode }) => mode)).toEqual(['Incoming', 'Outgoing']);
    const names = blue.tcpConnections.list().flatMap(({ worker_addr, processor_address }) => [worker_addr, processor_address]);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(HEX);
    for (const by of [made.socket_addr, made.worker_addr, `/worker/${made.worker_addr}`, made.processor_address])
      expect(blue.tcpConnections.show(by)).toEqual(made);
    expect(blue.show().transports).toHaveLength(3);
    await world.run(blue.tcpConnections.delete(made.socket_addr));
    await world.pass(50);
    expect(blue.tcpConnections.list()).toEqual([]);
    expect(await refused(() => blue.tcpConnections.show(made.socket_addr))).toBe('RESOURCE_UNKNOWN');
  });

  test('open stays what is of this home, listeners that were made later too; beyond loopback it ends', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    await world.run(blue.tcpListeners.create('127.0.0.1:6000'));
    await world.run(green.tcpConnections.create({ to: '127.0.0.1:6000' }));
    expect([blue.show().is_open, green.show().is_open]).toEqual([true, true]);
    await world.serve('one', 9_999);
    await world.run(green.tcpConnections.create({ to: '127.0.0.1:9999' }));
    await world.run(blue.tcpListeners.create('0.0.0.0:6001'));
    expect([blue.show().is_open, green.show().is_open]).toEqual([false, false]);
    expect(await says(green, '/dnsaddr/127.0.0.1/tcp/6001/service/echo')).toBe('REQUEST_TIMEOUT');
  });

  test('relays are reached by listeners that were made after them', async () => {
    const relay = await world.start('relay', { services: { relay: true } });
    const blue = await world.start('blue');
    await world.run(blue.relays.create({ name: 'blue', at: '/node/relay' }));
    await world.pass(500);
    await world.run(relay.tcpListeners.create('127.0.0.1:6000'));
    await world.run(blue.relays.create({ name: 'other', at: '/node/relay' }));
    await world.pass(500);
    const green = await world.start('green');
    for (const name of ['blue', 'other'])
      expect(await says(green, `/dnsaddr/localhost/tcp/6000/service/forward_to_${name}/service/uppercase`)).toBe('HELLO');
  });
});

describe('hop', () => {
  test('passes on over two connections, and over two hops of one node', async () => {
    const [one, two, three] = [await world.start('one'), await world.start('two'), await world.start('three')];
    expect(two.services.startHop()).toEqual({ addr: 'hop', type: 'hop' });
    const first = await world.run(one.tcpConnections.create({ to: two.show().listener }));
    const second = await world.run(two.tcpConnections.create({ to: three.show().listener }));
    const to = `/worker/${first.worker_addr}/service/hop/worker/${second.worker_addr}/service/uppercase`;
    expect(await says(one, to)).toBe('HELLO');
    two.services.startHop('hop2');
    expect(await says(three, '/node/two/service/hop/service/hop2/service/echo', 'a, b!')).toBe('a, b!');
    expect(two.services.list().filter(({ type }) => type === 'hop')).toHaveLength(2);
    expect(await refused(() => two.services.startHop())).toBe('ADDRESS_IN_USE');
    expect(two.workers.list()).toContainEqual({ addr: 'hop2' });
  });

  test('is no way in for whom its policy does not allow', async () => {
    const trust = { kind: 'none' } as const;
    const blue = await world.start('blue', { trust, listen: '0.0.0.0:4000' }, 'far');
    blue.services.startHop();
    await world.run(blue.policies.set({ name: 'echo' }, '(= 1 1)'));
    const green = await world.start('green', { trust });
    const through = '/dnsaddr/far/tcp/4000/secure/api/service/hop/service/echo';
    expect(await says(green, through)).toBe('REQUEST_TIMEOUT');
    await world.run(blue.policies.set({ name: 'hop' }, '(= 1 1)'));
    expect(await says(green, through)).toBe('hello');
  });
});

describe('a channel by hand', () => {
  test('has an address to send to, also for another channel inside', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    await world.run(blue.listeners.create({ name: 'extra' }));
    const made = await world.run(green.channels.create({ to: '/node/blue/service/extra' }));
    expect(made).toMatchObject({ channel: `/service/${made.address}`, to: '/node/blue/service/extra', authorized_identifiers: null });
    expect([made.address, made.flow_control_id]).toEqual([expect.stringMatching(HEX), expect.stringMatching(HEX)]);
    expect([made.identifier, made.peer]).toEqual([green.identity.identifier, blue.identity.identifier]);
    expect(await says(green, `${made.channel}/service/uppercase`)).toBe('HELLO');
    const inner = await world.run(green.channels.create({ to: `${made.channel}/service/api` }));
    expect(await says(green, `${inner.channel}/service/uppercase`)).toBe('HELLO');
    expect(green.channels.list()).toEqual([made, inner]);
    for (const by of [made.address, made.channel]) expect(green.channels.show(by)).toEqual(made);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    await world.run(green.channels.delete(inner.address));
    await world.run(green.channels.delete(made.channel));
    expect(green.channels.list()).toEqual([]);
    expect(await says(green, `${made.channel}/service/uppercase`)).toBe('REQUEST_TIMEOUT');
    expect(await refused(() => green.channels.show(made.address))).toBe('RESOURCE_UNKNOWN');
    await world.pass(500);
    expect(green.tcpConnections.list()).toEqual([]);
  });

  test('leads only to whom it may, as whom it is told, and needs a listener', async () => {
    const home = { identities: async (name: string) => (await world.identity(name)).identity };
    const [blue, green] = [await world.start('blue', home), await world.start('green', home)];
    const [one, two] = [await world.run(world.identity('one')), await world.run(world.identity('two'))];
    await world.run(blue.listeners.create({ name: 'extra', identity: 'one', authorized: [two.identity.identifier] }));
    const to = '/node/blue/service/extra';
    const authorized = [one.identity.identifier];
    const made = await world.run(green.channels.create({ to, authorized, identity: 'two' }));
    expect(made).toMatchObject({ identifier: two.identity.identifier, peer: one.identity.identifier, authorized_identifiers: authorized });
    expect(await says(green, `${made.channel}/service/uppercase`)).toBe('HELLO');
    const other = [green.identity.identifier];
    expect(await refused(() => green.channels.create({ to, authorized: other, identity: 'two' }))).toBe('PEER_REFUSED');
    expect(await refused(() => green.channels.create({ to: '/node/blue/secure/api' }))).toBe('ADDRESS_ROUTE');
    expect(await refused(() => green.channels.create({ to: '/node/none/service/api', timeoutMs: 1_000 }))).toBe('WAY_DOWN');
    expect(await refused(() => green.channels.create({ to: '/node/blue/service/none', timeoutMs: 1_000 }))).toBe('HANDSHAKE_TIMEOUT');
    expect(green.channels.list()).toHaveLength(1);
  });

  test('presents what it is given in place of the node’s own credential', async () => {
    const { identity: authority } = await world.run(world.identity('authority'));
    const { identity } = await world.run(world.identity('green'));
    await authority.importHistory(await identity.exportHistory());
    const credential = await world.run(authority.issueCredential(identity.identifier, { team: 'x' }, { lifeSeconds: 3_600 }));
    const trust = { kind: 'authority', history: await authority.exportHistory() } as const;
    await world.start('blue', { trust, listen: '0.0.0.0:4000' }, 'far');
    const green = await world.start('green', { trust });
    const to = '/dnsaddr/far/tcp/4000/service/api';
    const [without, having] = [await world.run(green.channels.create({ to })), await world.run(green.channels.create({ to, credential }))];
    expect(await says(green, `${having.channel}/service/echo`)).toBe('hello');
    await world.run(green.channels.delete(having.channel));
    expect(green.channels.list()).toEqual([without]);
  });

  test('keeps its address when its connection is made anew, and is gone with its other end', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    const made = await world.run(green.channels.create({ to: '/node/blue/service/api' }));
    const [connection] = green.tcpConnections.list();
    await world.run(green.tcpConnections.delete(connection!.worker_addr));
    await world.pass(3_000);
    expect(green.channels.list()).toHaveLength(1);
    expect(await says(green, `${made.channel}/service/uppercase`)).toBe('HELLO');
    await world.run(blue.close());
    await world.pass(1_000);
    expect(green.channels.list()).toEqual([]);
  });
});

describe('messages and flows', () => {
  test('an answer comes back byte for byte; what does not answer, and what is not there, are told apart', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect(await world.run(green.sendMessage({ to: '/node/blue/secure/api/service/echo', payload }))).toEqual(payload);
    expect(await says(blue, '/service/uppercase')).toBe('HELLO');
    expect(await says(green, '/node/blue/service/none')).toBe('REQUEST_TIMEOUT');
    const down = green.sendMessage({ to: '/node/none/service/echo', payload, timeoutMs: 1_000 });
    await expect(world.run(down)).rejects.toMatchObject({ code: 'WAY_DOWN', message: expect.stringContaining('NODE_UNKNOWN') as string });
    expect(await says(green, '/service/x/tcp/1')).toBe('ADDRESS_ROUTE');
    await world.pass(500);
    expect(green.tcpConnections.list()).toEqual([]);
  });

  test('a consumer is reached by the flow that it was added to, and by no other', async () => {
    const [blue, green] = [await world.start('blue'), await world.start('green')];
    blue.node.start('hidden', { onMessage: (message, context) => context.reply(message, message.payload) });
    const more = await world.run(blue.tcpListeners.create('127.0.0.1:6000'));
    const to = (port: string) => says(green, `/dnsaddr/localhost/tcp/${port}/service/hidden`);
    expect(await to('6000')).toBe('REQUEST_TIMEOUT');
    blue.flowControls.addConsumer(more.flow_control_id, '/service/hidden');
    expect(await to('6000')).toBe('hello');
    expect(await to(blue.show().listener.split(':')[1]!)).toBe('REQUEST_TIMEOUT');
    expect(await refused(() => blue.flowControls.addConsumer('none', 'hidden'))).toBe('RESOURCE_UNKNOWN');
    expect(await refused(() => blue.flowControls.addConsumer(more.flow_control_id, 'none'))).toBe('RESOURCE_UNKNOWN');
  });
});

describe('health', () => {
  test('is lost after a minute without a way, whatever the wall clock says, and comes back with it', async () => {
    const green = await world.start('green');
    const { alias } = await world.run(green.inlets.create({ name: 'db', to: '/node/blue/service/outlet' }));
    await world.run(green.relays.create({ name: 'green', at: '/node/relay' }));
    world.clock.jumpWall(86_400);
    await world.pass(60_000);
    expect(green.health()).toEqual({ status: 'ok' });
    await world.pass(1_500);
    expect(green.health()).toEqual({
      status: 'down',
      down: [
        { kind: 'relay', name: 'green', down_seconds: 61, last_failure: 'NODE_UNKNOWN' },
        { kind: 'tcp-inlet', name: alias, down_seconds: 61, last_failure: 'NODE_UNKNOWN' },
      ],
    });
    const blue = await world.start('blue');
    await world.start('relay', { services: { relay: true } });
    await world.pass(35_000);
    expect(green.health()).toEqual({ status: 'ok' });
    await world.run(blue.close());
    await world.pass(50_000);
    expect(green.health()).toEqual({ status: 'ok' });
    await world.pass(15_000);
    expect(green.health()).toMatchObject({ status: 'down', down: [{ kind: 'tcp-inlet', name: 'db' }] });
  });

  test('counts what could not begin again from the start', async () => {
    const first = await world.start('green');
    const { bind_addr } = await world.run(first.inlets.create({ name: 'db', to: '/node/blue/service/outlet' }));
    await world.run(first.close());
    const taken = await world.serve('one', Number(bind_addr.split(':')[1]));
    const again = await world.start('green');
    await world.pass(40_000);
    await world.run(taken.close());
    await world.pass(22_000);
    expect(again.health()).toMatchObject({ status: 'down', down: [{ kind: 'tcp-inlet', name: 'db', last_failure: 'NODE_UNKNOWN' }] });
  });
});
