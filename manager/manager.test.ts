import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOf, ManagerWorld, reader } from '../property-tests/manager-world.ts';
import type { StreamReader } from '../runtime/network.ts';

let world: ManagerWorld;
beforeEach(() => {
  world = new ManagerWorld();
});
afterEach(async () => {
  await world.run(Promise.all(world.managers.map((manager) => manager.close())));
  await world.pass(1_000);
  expect(world.network.streamCount).toBe(0);
});

test('portals, relays and listeners are there again after a restart, at the same ports', async () => {
  await world.serve('one', 5_432);
  const through = '/node/relay/service/forward_to_blue/secure/extra/service/outlet';
  const begun = async (isFirst: boolean) => {
    // In whatever order: the inlet's way leads through all of them.
    const green = await world.start('green');
    if (isFirst) await world.run(green.inlets.create({ name: 'db', to: through }));
    const blue = await world.start('blue');
    if (isFirst) {
      await world.run(blue.listeners.create({ name: 'extra' }));
      await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:5432' }));
      await world.run(blue.relays.create({ name: 'blue', at: '/node/relay' }));
    }
    const relay = await world.start('relay', { services: { relay: true } });
    await world.pass(15_000);
    return { green, blue, relay };
  };
  const first = await begun(true);
  const shown = first.green.inlets.show('db');
  expect(shown).toMatchObject({ alias: 'db', status: 'Up', outlet_addr: through, last_failure: expect.any(String) as string });
  expect(await world.says('one', shown.bind_addr)).toBe('cba');
  const before = Object.values(first).map((manager) => manager.show());
  await world.run(Promise.all(Object.values(first).map((manager) => manager.close())));

  const again = await begun(false);
  const after = Object.values(again).map((manager) => manager.show());
  for (const [index, { name, listener, outlets, services }] of before.entries())
    expect(after[index]).toMatchObject({ name, listener, outlets, services });
  expect(again.blue.relays.list()).toMatchObject([{ name: 'blue', connection_status: 'Up', remote_address: 'forward_to_blue' }]);
  expect(again.blue.listeners.list().map(({ address }) => address)).toEqual(['api', 'extra']);
  expect(await world.says('one', again.green.inlets.show('db').bind_addr)).toBe('cba');
  expect(JSON.parse(JSON.stringify(after))).toEqual(after);
});

test('what was deleted stays away, with its policy', async () => {
  const first = await world.start('blue');
  await world.run(first.outlets.create({ name: 'outlet', to: '127.0.0.1:5432', allow: 'a or b' }));
  expect(first.policies.list()[0]).toEqual({
    resource: 'outlet',
    action: 'handle_message',
    expression: '(or (= subject.a "true") (= subject.b "true"))',
  });
  await world.run(first.outlets.delete('outlet'));
  await world.run(first.close());
  const again = await world.start('blue');
  expect([again.outlets.list(), again.policies.get({ name: 'outlet' })]).toEqual([[], undefined]);
});

test('a name that is taken, and one that is not there, are refused; nothing is changed by them', async () => {
  const blue = await world.start('blue');
  await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:1', allow: 'a' }));
  const refused = (promise: Promise<unknown>) => world.run(promise.then(() => 'made', codeOf));
  expect(await refused(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:2', allow: 'b' }))).toBe('NAME_TAKEN');
  expect(await refused(blue.outlets.create({ name: 'echo', to: '127.0.0.1:2', allow: 'b' }))).toBe('ADDRESS_IN_USE');
  expect(await refused(blue.outlets.create({ name: 'other', to: 'nowhere', allow: 'b' }))).toBe('TARGET_TEXT');
  expect(await refused(blue.outlets.delete('none'))).toBe('RESOURCE_UNKNOWN');
  expect(await refused(blue.inlets.create({ name: 'x', to: '/service/x/space/y' }))).toBe('ADDRESS_ROUTE');
  expect(await refused(blue.inlets.create({ name: 'x', to: 'outlet' }))).toBe('MULTI_ADDRESS_TEXT');
  expect(await refused(blue.inlets.create({ name: 'x', to: '/service/x', allow: '(' }))).toMatch(/^POLICY/);
  expect(await refused(blue.relays.create({ name: 'x', at: '/service/x' }))).toBe('ADDRESS_ROUTE');
  expect(() => blue.inlets.show('x')).toThrow(expect.objectContaining({ code: 'RESOURCE_UNKNOWN' }) as Error);
  expect(blue.outlets.list()).toEqual([{ to: '127.0.0.1:1', worker_addr: 'outlet', payload: null }]);
  expect(blue.policies.list().filter(({ resource }) => ['echo', 'other', 'x'].includes(resource))).toEqual([]);
  expect(blue.policies.get({ name: 'outlet' })).toBe('(= subject.a "true")');
});

test('an inlet tells when its far side goes, and when it is back', async () => {
  await world.serve('one', 5_432);
  const blue = await world.start('blue');
  await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:5432' }));
  const green = await world.start('green');
  const { bind_addr } = await world.run(green.inlets.create({ name: 'db', to: '/node/blue/secure/api/service/outlet' }));
  await world.pass(1_000);
  expect(await world.says('one', bind_addr)).toBe('cba');
  await world.run(blue.close());
  await world.pass(2_000);
  expect(green.inlets.show('db')).toMatchObject({ status: 'Down', outlet_route: null });
  await world.start('blue');
  await world.pass(10_000);
  expect(green.inlets.show('db').status).toBe('Up');
  expect(await world.says('one', bind_addr)).toBe('cba');
});

test('a port that is taken at the start is waited for', async () => {
  const first = await world.start('green');
  const { bind_addr } = await world.run(first.inlets.create({ name: 'db', to: '/node/blue/service/outlet' }));
  await world.run(first.close());
  const taken = await world.serve('one', Number(bind_addr.split(':')[1]));
  const again = await world.start('green');
  expect(again.inlets.show('db')).toMatchObject({ status: 'Down', last_failure: 'LISTEN_FAILED' });
  await world.run(taken.close());
  await world.pass(6_000);
  expect(again.inlets.show('db').last_failure).not.toBe('LISTEN_FAILED');
});

test('open is only what stays on this machine and in this home', async () => {
  const [blue, green] = [await world.start('blue'), await world.start('green')];
  expect(await world.echoes(green, '/node/blue/service/echo')).toBe('7');
  await world.run(blue.policies.set({ name: 'echo' }, 'a'));
  expect(await world.echoes(green, '/node/blue/service/echo')).toBe('REQUEST_TIMEOUT');
  await world.run(blue.policies.delete({ name: 'echo' }));
  expect(await world.echoes(green, '/node/blue/secure/api/service/echo')).toBe('7');
  // Dials something on loopback that is no node of this home.
  await world.serve('one', 9_999);
  await world.echoes(blue, '/dnsaddr/localhost/tcp/9999/service/echo');
  expect([blue.show().is_open, green.show().is_open]).toEqual([false, true]);
  expect(await world.echoes(green, '/node/blue/secure/api/service/echo')).toBe('REQUEST_TIMEOUT');
  const wide = await world.start('wide', { listen: '0.0.0.0:0' });
  expect(wide.show().is_open).toBe(false);
});

test('an open stream ends with the open mode', async () => {
  await world.serve('one', 5_432);
  const blue = await world.start('blue');
  await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:5432' }));
  const green = await world.start('green');
  const { bind_addr } = await world.run(green.inlets.create({ name: 'db', to: '/node/blue/secure/api/service/outlet' }));
  await world.pass(1_000);
  const events: string[] = [];
  const seen: StreamReader = {
    ...reader(() => events.push('bytes')),
    onEnd: () => void events.push('over'),
    onReset: () => void events.push('over'),
  };
  const [host = '', port] = bind_addr.split(':');
  const stream = await world.run(world.network.host('one').connect({ host, port: Number(port) }, () => seen));
  stream.write([Uint8Array.of(1)]);
  await world.pass(1_000);
  expect(events).toEqual(['bytes']);
  blue.access.deny('for the test');
  await world.pass(1_000);
  expect(events).toEqual(['bytes', 'over']);
});

test('without trust nothing is open but what a policy opens', async () => {
  const trust = { kind: 'none' } as const;
  const blue = await world.start('blue', { trust, listen: '0.0.0.0:4000' }, 'far');
  const green = await world.start('green', { trust });
  const [plain, sealed] = ['/dnsaddr/far/tcp/4000/service/echo', '/dnsaddr/far/tcp/4000/secure/api/service/echo'];
  expect([await world.echoes(green, plain), await world.echoes(green, sealed)]).toEqual(['REQUEST_TIMEOUT', 'REQUEST_TIMEOUT']);
  await world.run(blue.policies.set({ name: 'echo' }, '(= 1 1)'));
  expect([await world.echoes(green, plain), await world.echoes(green, sealed)]).toEqual(['REQUEST_TIMEOUT', '7']);
});

test('with an authority only who holds its credential is answered', async () => {
  const authority = await world.run(world.identity('authority'));
  const history = await authority.identity.exportHistory();
  const holder = await world.run(world.identity('holder'));
  await authority.identity.importHistory(await holder.identity.exportHistory());
  const credential = await world.run(authority.identity.issueCredential(holder.identity.identifier, { team: 'x' }, { lifeSeconds: 3_600 }));
  const issuer = authority.identity.identifier;
  const { identifier: subject } = holder.identity;
  const expiresAt = world.clock.wallSeconds() + 3_600;
  await holder.repository.cacheCredential({ subject, issuer, scope: 's', expiresAt, credential });
  const trust = { kind: 'authority', history } as const;
  await world.start('blue', { trust, listen: '0.0.0.0:4000' }, 'far');
  const [green, other] = [await world.start('holder', { trust: { ...trust, scope: 's' } }), await world.start('other', { trust })];
  const to = '/dnsaddr/far/tcp/4000/secure/api/service/echo';
  expect([await world.echoes(green, to), await world.echoes(other, to)]).toEqual(['7', 'REQUEST_TIMEOUT']);
  const refused = world.start('third', { trust: { ...trust, route: '/dnsaddr/far/tcp/4000/service/api' } });
  await expect(refused).rejects.toMatchObject({ code: 'TRUST_OPTIONS' });
  await expect(world.start('fourth', { trust: { kind: 'project', name: 'none' } })).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
});

test('by the name of its own identity a node is itself, with its credential', async () => {
  const authority = await world.run(world.identity('authority'));
  const holder = await world.run(world.identity('holder'));
  await authority.identity.importHistory(await holder.identity.exportHistory());
  const { identifier: subject } = holder.identity;
  const credential = await world.run(authority.identity.issueCredential(subject, {}, { lifeSeconds: 3_600 }));
  const expiresAt = world.clock.wallSeconds() + 3_600;
  await holder.repository.cacheCredential({ subject, issuer: authority.identity.identifier, scope: 's', expiresAt, credential });
  const trust = { kind: 'authority', history: await authority.identity.exportHistory(), scope: 's' } as const;
  await world.start('blue', { trust });
  // As a home opens it once more.
  const again = new Proxy(holder.identity, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const green = await world.start('holder', { trust, identities: () => Promise.resolve(again) });
  const { channel } = await world.run(green.channels.create({ to: '/node/blue/service/api', identity: 'again' }));
  expect(await world.echoes(green, `${channel}/service/echo`)).toBe('7');
});
