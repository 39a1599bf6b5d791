import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

/** Nodes at ports that are known. */
async function nodes<Name extends string>(...names: readonly Name[]): Promise<Readonly<Record<Name, string>>> {
  const at: Partial<Record<Name, string>> = {};
  // The first one is the default node.
  for (const name of names) {
    at[name] = `127.0.0.1:${await freePort()}`;
    await person.does(`node create ${name} -t ${at[name]}`);
  }
  return at as Record<Name, string>;
}

const HEX = /[0-9a-f]{32}/;
const hexIn = (text: string) => HEX.exec(text)?.[0] ?? '';

test('C1, C2, C3: connections and listeners are made, shown and ended by address', async () => {
  const { n1 } = await nodes('n1');
  const made = await person.json(`tcp-connection create --from n1 --to ${n1}`);
  expect(made).toEqual({ from: 'n1', to: n1, address: expect.stringMatching(/^\/worker\/[0-9a-f]{32}$/) as string });
  const { address } = made as { readonly address: string };
  expect(await person.does('tcp-connection list')).toContain(n1);
  for (const by of [n1, address]) expect(await person.does(`tcp-connection show ${by}`)).toContain(n1);
  expect(await person.json(`tcp-connection show ${address}`)).toMatchObject({ type: 'Tcp', mode: 'Outgoing', socket_addr: n1 });
  expect(await person.fails(`tcp-connection delete ${address}`)).toContain('--yes');
  expect(await person.json(`tcp-connection delete ${address} -y`)).toEqual({ address });
  expect(await person.does('tcp-connection list')).not.toContain(hexIn(address));
  expect(await person.fails(`tcp-connection delete ${address} -y`)).toContain('not found');
  expect((await person.try(`tcp-connection create --from n1 --to 127.0.0.1:${await freePort()}`)).code).toBe(69);

  const listener = `127.0.0.1:${await freePort()}`;
  expect(await person.does(`tcp-listener create ${listener} --at /node/n1`)).toMatch(/^\/dnsaddr\/localhost\/tcp\/\d+$/);
  expect(await person.does('tcp-listener list')).toContain(listener);
  expect(await person.json(`tcp-listener show ${listener}`)).toMatchObject({
    mode: 'Listen',
    socket_addr: listener,
    worker_addr: '<none>',
  });
  expect(await person.json('node show n1')).toMatchObject({
    transports: expect.arrayContaining([expect.objectContaining({ socket_addr: listener })]) as unknown[],
  });
  expect(await person.json(`tcp-listener delete ${listener} --yes`)).toEqual({ node: 'n1' });
  expect(await person.does('tcp-listener list')).not.toContain(listener);
  expect(await person.fails(`tcp-listener show ${listener}`)).toContain('not found');
  expect(await person.fails('tcp-listener create 127.0.0.1:99999')).toContain('65535');
});

test('S1, S2, S3: channels carry messages, by their address and at the end of a pipe', async () => {
  await nodes('n1', 'n2');
  const channel = await person.does('secure-channel create --from n1 --to /node/n2/service/api');
  expect(channel).toMatch(/^\/service\/[0-9a-f]{32}$/);
  expect(await person.does(`message send hello --from n1 --to ${channel}/service/uppercase`)).toBe('HELLO');
  expect(await person.does('message send hello --from n1 --to -/service/uppercase', { stdin: `${channel}\n` })).toBe('HELLO');
  expect(await person.does(`message send hello --from n1 --to /service/${hexIn(channel)}/service/uppercase`)).toBe('HELLO');
  expect(await person.does('message send hello --to /node/n2/secure/api/service/uppercase')).toBe('HELLO');
  expect(await person.json('secure-channel list --at n1')).toEqual([{ from: '/node/n1', to: '/node/n2/service/api', at: channel }]);
  expect(await person.json(`secure-channel show ${channel} --at n1`)).toEqual({
    channel,
    route: expect.stringMatching(/=> 0#api$/) as string,
    authorized_identifiers: null,
    flow_control_id: expect.stringMatching(HEX) as string,
  });

  expect(await person.does('secure-channel-listener create extra --at n2')).toBe('/service/extra');
  const other = await person.json('secure-channel create --from n1 --to /node/n2/service/extra');
  const [{ address } = { address: '' }] = other as { readonly address: string }[];
  expect(await person.does(`message send hello --from n1 --to ${address}/service/uppercase`)).toBe('HELLO');
  expect(await person.json('secure-channel-listener list --at n2')).toMatchObject([{ address: 'api' }, { address: 'extra' }]);
  expect(await person.does('secure-channel-listener show /service/extra --at n2')).toBe('/service/extra');
  expect(await person.does('secure-channel-listener delete extra --at n2')).toBe('/service/extra');
  expect(await person.fails('secure-channel-listener show extra --at n2')).toContain('not found');

  expect(await person.json(`secure-channel delete ${hexIn(channel)} --at n1 -y`)).toEqual([{ address: channel }]);
  expect(await person.fails(`secure-channel show ${channel} --at n1`)).toContain('not found');
  expect(await person.fails('secure-channel create --from n1 --to /node/n3/service/api')).toContain('not found');
});

test('S4, S5: who is at each end may be named, and be another identity than that of the node', async () => {
  const alice = await person.does('identity create alice');
  await person.does('vault create second');
  const bob = await person.does('identity create bob --vault second');
  const mallory = await person.does('identity create mallory --vault second');
  for (const node of ['n1', 'n2']) await person.does(`node create ${node} --identity alice`);
  await person.does(`secure-channel-listener create only --at n2 --identity bob --authorized ${mallory}`);
  const create = (identity: string, peer: string) =>
    `secure-channel create --from n1 --to /node/n2/service/only --identity ${identity} --authorized ${peer}`;
  const channel = await person.does(create('mallory', bob));
  expect(await person.does(`message send hello --from n1 --to ${channel}/service/uppercase`)).toBe('HELLO');
  expect(await person.json(`secure-channel show ${channel} --at n1`)).toMatchObject({ authorized_identifiers: [bob] });
  const quickly = { env: { POSTERN_DEFAULT_TIMEOUT: '2s' } };
  expect((await person.try(create('mallory', alice), quickly)).code).not.toBe(0);
  // The other end refuses without a word: nothing is answered through the channel.
  const refused = await person.try(create('alice', bob), quickly);
  const said =
    refused.code === 0 ? await person.try(`message send hello --from n1 --timeout 1 --to ${refused.stdout}/service/echo`) : refused;
  expect(said).toMatchObject({ code: 69, stdout: '' });
  // Both nodes are alice, the listener is bob, whose keys are elsewhere.
  await person.does('secure-channel-listener create all --at n2 --identity bob');
  const shared = await person.does(`secure-channel create --from n1 --to /node/n2/service/all --identity alice --authorized ${bob}`);
  expect(await person.does(`message send hello --from n1 --to ${shared}/service/uppercase`)).toBe('HELLO');
});

test('M1, M2, M3: messages from a temporary node and between nodes come back as they should', async () => {
  await nodes('n1', 'n2');
  const missing = await person.try('message send hello --no-retry --timeout 5 --to /node/n3/service/uppercase');
  expect(missing).toMatchObject({ stdout: '' });
  expect(missing.code).not.toBe(0);
  expect(missing.stderr).toContain('not found');
  expect(await person.does('message send hello --to /node/n1/service/uppercase')).toBe('HELLO');
  for (const from of ['n1', '/node/n1'])
    expect(await person.does(`message send hello --timeout 5 --from ${from} --to /node/n2/service/uppercase`)).toBe('HELLO');
  expect(await person.does('message send hello --from n1 --to uppercase').catch(String)).toContain('64');
  const silent = await person.try('message send hello --no-retry --timeout 1 --to /node/n1/service/nobody');
  expect(silent).toMatchObject({ code: 69, stdout: '' });
  expect(await person.does('worker list --at n1')).toContain('"addr": "uppercase"');
  expect(await person.json('service list --at n1')).toContainEqual({ addr: 'uppercase', type: 'uppercase' });

  const said = 'Hello, world! "Quoted" & spaced?';
  expect(await person.does(['message', 'send', said, '--to', '/node/n1/service/echo'])).toBe(said);
  const started = await person.try('service start hop --addr hop1 --at n1', { env: { QUIET: '' } });
  expect(started).toMatchObject({ code: 0, stdout: '' });
  expect(started.stderr).toContain('demonstrations');
  await person.does('service start hop --addr hop2 --at n1');
  for (const hops of ['/service/hop1', '/service/hop1/service/hop2'])
    expect(await person.does(['message', 'send', said, '--to', `/node/n1${hops}/service/echo`])).toBe(said);
  expect((await person.try('service start hop --addr hop1 --at n1')).code).not.toBe(0);
  expect((await person.try('service start other --at n1')).code).toBe(64);
  expect((await person.try('message send x --from n1 --identity i --to /node/n2/service/echo')).stderr).toContain('--identity');
  expect((await person.try('message send x --credential-scope s --to /node/n2/service/echo')).stderr).toContain('--authority-identity');
});

test('M4: a message goes over two connections with a hop between', async () => {
  const { n2, n3 } = await nodes('n1', 'n2', 'n3');
  await person.does('service start hop --at n2');
  const first = hexIn(await person.does(`tcp-connection create --from n1 --to ${n2}`));
  const second = hexIn(await person.does(`tcp-connection create --from n2 -t ${n3}`));
  const route = `/worker/${first}/service/hop/worker/${second}/service/uppercase`;
  expect(await person.does(`message send hello --from n1 --to ${route}`)).toBe('HELLO');
});

test('M5: bytes come back as they were; an empty address on standard input fails at once', async () => {
  await nodes('n1');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('hex');
  expect(await person.does(`message send ${bytes} --hex --to /node/n1/service/echo`)).toBe(bytes);
  expect((await person.try('message send ff0 --hex --to /node/n1/service/echo')).code).toBe(65);
  expect(await person.fails('message send hello --from n1 --to -/service/uppercase')).toContain('no address on standard input');
  expect(await person.fails('message send hello --from n1 --to -/service/uppercase', { stdin: '\n' })).toContain('no address');
});

test('a worker is reached by one more flow once that is said', async () => {
  const { n2 } = await nodes('n1', 'n2');
  const address = await person.does(`tcp-connection create --from n1 --to ${n2}`);
  const shown = await person.json(`tcp-connection show ${address} --at n1`);
  const { flow_control_id: id } = shown as { readonly flow_control_id: string };
  expect(await person.try(`flow-control add-consumer ${id} /service/uppercase --at n1`)).toMatchObject({ code: 0, stdout: '' });
  expect(await person.fails(`flow-control add-consumer ${'0'.repeat(32)} uppercase --at n1`)).toContain('not found');
  expect(await person.fails(`flow-control add-consumer ${id} nobody --at n1`)).toContain('not found');
});
