import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

test('R1: a relay makes a node reachable, also where its address is piped on', async () => {
  await person.does('node create n1');
  await person.does('node create n2');
  const relay = await person.does('relay create n2 --at /node/n1 --to /node/n2');
  expect(relay).toBe('/service/forward_to_n2');
  expect(await person.does('message send hello --to /node/n1/service/forward_to_n2/service/uppercase')).toBe('HELLO');
  const piped = await person.does('relay create other --at n1 --to n2');
  expect(await person.does('message send hello --to /node/n1/-/service/uppercase', { stdin: piped })).toBe('HELLO');
  const inside = await person.does('relay create inside --at /node/n1/secure/api --to n2');
  expect(await person.does('message send hello --to /node/n1/secure/api/-/service/uppercase', { stdin: inside })).toBe('HELLO');
});

test('R1: through a relay at one node, a channel of a third reaches the second', async () => {
  for (const node of ['n1', 'n2', 'n3']) await person.does(`node create ${node}`);
  const relay = await person.does('relay create n1 --at /node/n2 --to n1');
  expect(await person.does('message send hello --from n3 --to /node/n2/-/secure/api/service/uppercase', { stdin: relay })).toBe('HELLO');
});

test('R2, R3: relays are listed, shown and deleted', async () => {
  await person.does('node create n1');
  await person.does('node create n2');
  expect(await person.does('relay list --to n2')).toBe('[]');
  await person.does('relay create blue --at n1 --to n2');
  await person.does('relay create green --at n1 --to n2 --relay-address forward_to_lime');
  expect(await person.json('relay list --to n2')).toMatchObject([
    { name: 'blue', remote_address: 'forward_to_blue', connection_status: 'Up', destination_address: '/node/n1' },
    { name: 'green', remote_address: 'forward_to_lime' },
  ]);
  expect(await person.does('relay list --to n1')).toBe('[]');
  expect(await person.json('relay show forward_to_blue --at n2')).toEqual({
    name: 'blue',
    destination: '/node/n1',
    connection_status: 'Up',
    relay_route: expect.stringMatching(/^0#[0-9a-f]{32} => 0#forward_to_blue$/) as string,
    remote_address: '/service/forward_to_blue',
    worker_address: expect.stringMatching(/^\/service\/[0-9a-f]{32}$/) as string,
  });
  expect(await person.fails('relay show red --at n2')).toContain('not found');
  expect(await person.fails('relay create blue --at n1 --to n2')).toContain('blue');
  await person.does('relay delete blue --at n2 -y');
  expect(await person.json('relay list --to n2')).toMatchObject([{ name: 'green' }]);
  expect(await person.fails('relay delete blue --at n2 -y')).toContain('not found');
  await person.does('relay delete green --at n2 -y');
  expect(await person.does('relay delete green --at n2 -y')).toBe('[]');
});

test('R4: channel and message go through a relay that is reached over a connection made before', async () => {
  const at = `127.0.0.1:${await freePort()}`;
  await person.does(`node create relay -t ${at}`);
  for (const node of ['blue', 'green']) await person.does(`node create ${node}`);
  await person.does('relay create blue --at relay --to blue');
  const connection = await person.does(`tcp-connection create --from green --to ${at}`);
  const channel = await person.does(`secure-channel create --from green --to ${connection}/service/forward_to_blue/service/api`);
  expect(await person.does(`message send hello --from green --to ${channel}/service/uppercase`)).toBe('HELLO');
});

test('a relay that nobody confirms is made, and says what it waits for', async () => {
  await person.does('node create n1');
  const { code, stdout, stderr } = await person.try(
    `relay create x --to n1 --no-connection-wait --at /dnsaddr/localhost/tcp/${await freePort()}`,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ connection_status: 'Down', remote_address: null, worker_address: null });
  const lacking = await person.try('relay create y --to n1');
  expect(lacking).toMatchObject({ code: 77, stdout: '' });
  expect(lacking.stderr).toContain('enroll');
});
