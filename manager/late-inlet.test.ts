import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOf, ManagerWorld } from '../property-tests/manager-world.ts';

let world: ManagerWorld;
beforeEach(() => {
  world = new ManagerWorld();
});
afterEach(async () => {
  await world.run(Promise.all(world.managers.map((manager) => manager.close())));
  await world.pass(1_000);
  expect(world.network.streamCount).toBe(0);
});

const LISTEN = '127.0.0.1:7000';
const TO_BLUE = '/node/blue/secure/api/service/outlet';
const says = () => world.says('one', LISTEN).catch(codeOf);

test('a port refuses clients until its way is up, and listens from then on', async () => {
  await world.serve('one', 5_432);
  const green = await world.start('green');
  const made = await world.run(green.inlets.create({ name: 'db', listen: LISTEN, to: TO_BLUE }));
  expect(made).toMatchObject({ status: 'Down', worker_addr: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
  expect(green.workers.list()).toContainEqual({ addr: made.worker_addr });
  await world.pass(5_000);
  expect(await says()).toBe('CONNECT_REFUSED');
  const blue = await world.start('blue');
  await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:5432' }));
  await world.pass(10_000);
  expect(green.inlets.show('db')).toMatchObject({ status: 'Up', worker_addr: made.worker_addr });
  expect(await says()).toBe('cba');
  await world.run(blue.close());
  await world.pass(2_000);
  expect(green.inlets.show('db').status).toBe('Down');
  // Held, not refused.
  expect(await says()).toBe('');
  await world.run(green.inlets.delete('db'));
  expect(await says()).toBe('CONNECT_REFUSED');
  expect(green.workers.list()).not.toContainEqual({ addr: made.worker_addr });
});

test('a port is one inlet’s from its making on', async () => {
  const green = await world.start('green');
  const made = (listen: string, name: string) => world.run(green.inlets.create({ name, listen, to: TO_BLUE }).then(() => 'made', codeOf));
  expect(await made(LISTEN, 'a')).toBe('made');
  expect([await made(LISTEN, 'b'), await made('0.0.0.0:7000', 'b'), await made('127.0.0.1:7001', 'b')]).toEqual([
    'LISTEN_FAILED',
    'LISTEN_FAILED',
    'made',
  ]);
  await world.run(green.inlets.delete('a'));
  expect(await made('0.0.0.0:7000', 'c')).toBe('made');
  await world.serve('one', 7_002);
  expect(await made('127.0.0.1:7002', 'd')).toBe('LISTEN_FAILED');
  expect(green.inlets.list().map(({ alias }) => alias)).toEqual(['b', 'c']);
});

test('a port that is chosen is none of an inlet that does not listen yet', async () => {
  const green = await world.start('green');
  const { network } = green.node;
  const listen = network.listen.bind(network);
  // As a system may do that is asked for any port again and again.
  let asked = 0;
  network.listen = (at, accept) => listen(at.port === 0 ? { ...at, port: 50_000 + Math.floor((asked += 1) / 3) } : at, accept);
  const made = async () => (await world.run(green.inlets.create({ to: TO_BLUE }))).bind_addr.replace(/^.*:/, '');
  expect([await made(), await made()]).toEqual(['50000', '50001']);
});

test('a port that somebody took meanwhile is waited for', async () => {
  await world.serve('one', 5_432);
  const green = await world.start('green');
  await world.run(green.inlets.create({ name: 'db', listen: LISTEN, to: TO_BLUE }));
  const taken = await world.serve('one', 7_000);
  const blue = await world.start('blue');
  await world.run(blue.outlets.create({ name: 'outlet', to: '127.0.0.1:5432' }));
  await world.pass(10_000);
  expect(green.inlets.show('db')).toMatchObject({ status: 'Down', last_failure: 'LISTEN_FAILED' });
  await world.pass(61_000);
  expect(green.health()).toMatchObject({ status: 'down', down: [{ kind: 'tcp-inlet', name: 'db' }] });
  await world.run(taken.close());
  await world.pass(6_000);
  expect(green.inlets.show('db')).toMatchObject({ status: 'Up' });
  expect(await says()).toBe('cba');
  expect(green.health()).toEqual({ status: 'ok' });
});

test('a relay that is up has a worker here', async () => {
  const blue = await world.start('blue');
  await world.start('relay', { services: { relay: true } });
  await world.run(blue.relays.create({ name: 'blue', at: '/node/relay' }));
  expect(blue.relays.show('blue').worker_address).toBe(null);
  await world.pass(1_000);
  const { worker_address: worker } = blue.relays.show('blue');
  expect(worker).toMatch(/^[0-9a-f]{32}$/);
  expect(blue.workers.list()).toContainEqual({ addr: worker });
});
