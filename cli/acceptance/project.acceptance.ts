import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, Person, processesOf } from './world.ts';

let administrator: Person;
let people: Person[];
let port: number;
beforeEach(async () => {
  people = [];
  administrator = await someone();
  port = await freePort();
});
afterEach(async () => {
  for (const person of people.reverse()) await person[Symbol.asyncDispose]();
});

/** Somebody with an empty home. */
async function someone(): Promise<Person> {
  const person = await Person.create();
  people.push(person);
  return person;
}

/** Begins the project, in the administrator's home. */
const begin = (...more: string[]) => administrator.does(['enroll', '--tcp-listener-address', `127.0.0.1:${port}`, ...more]);

/** @returns the path of a file with a ticket */
async function ticket(...options: string[]): Promise<string> {
  const file = join(administrator.folder, `ticket-${Math.random()}`);
  await writeFile(file, await administrator.does(['project', 'ticket', ...options]), { mode: 0o600 });
  return file;
}

/** Somebody who joined by a ticket. */
async function member(...options: string[]): Promise<Person> {
  const person = await someone();
  await person.does(['enroll', await ticket(...options)]);
  return person;
}

const relayStatus = async (person: Person, command: string) => (await person.json(command)) as { connection_status: string };
const answerOf = (address: string) => fetch(`http://${address}/`, { signal: AbortSignal.timeout(3_000) }).then((each) => each.text());
const served = (person: Person, text = 'served') => person.serve((_, response) => response.end(text));

/** Sends bytes to a port. @returns how it ended within that time */
function client(address: string, withinMs: number): Promise<'answered' | 'closed' | 'timeout'> {
  const [host = '', at] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(at) }, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    const timer = setTimeout(() => resolve('timeout'), withinMs);
    const end = (how: 'answered' | 'closed') => {
      clearTimeout(timer);
      resolve(how);
    };
    socket.once('data', () => end('answered'));
    socket.once('close', () => end('closed'));
    socket.on('error', () => undefined);
  });
}

test('E1, E2: a project is imported without asking anybody; a space needs a project', async () => {
  expect(await administrator.fails('space create acme')).toContain("Please enroll using 'postern enroll' before using this command");
  expect((await administrator.try('space create acme')).code).toBe(77);
  expect(await administrator.json('space list')).toEqual([]);
  await begin();
  const project = (await administrator.json('project show')) as Record<string, unknown>;
  const file = join(administrator.folder, 'project.json');
  await writeFile(file, JSON.stringify({ ...project, okta_config: null, somethingElse: 1 }));
  await administrator.does('project stop');
  const other = await someone();
  expect(await other.does(`project import --project-file ${file}`)).toContain('Successfully imported project default');
  expect(await other.json('project show')).toMatchObject({ id: project['id'], authority_identity: project['authority_identity'] });
  await writeFile(file, JSON.stringify({ ...project, identity: `I${'0'.repeat(64)}` }));
  expect((await other.try(`project import --project-file ${file}`)).code).toBe(65);
  expect((await other.try('project import --project-file nothing')).code).toBe(66);
});

test('E3, E4: projects, spaces and the version are shown; a ticket is redeemed from a file, and as text', async () => {
  await begin();
  expect(await administrator.json('project list')).toMatchObject([{ name: 'default', access_address: `127.0.0.1:${port}` }]);
  await administrator.does('space create acme');
  expect(await administrator.json('space list')).toEqual([{ id: 'acme', name: 'acme', projects: ['default'] }]);
  expect(await administrator.json('project show')).toMatchObject({ space_name: 'acme', running: true });
  await administrator.does('space delete acme -y');
  expect(await administrator.json('space list')).toEqual([]);
  expect(await administrator.json('project version')).toMatchObject({ project_version: expect.any(String) as string });

  const [first, second] = [await someone(), await someone()];
  const joined = { project_name: 'default', credential: { attributes: { a: 'b', flag: 'true' } } };
  expect(await first.json(['project', 'enroll', await ticket('-a', 'a=b', '-a', 'flag')])).toMatchObject(joined);
  const text = await readFile(await ticket('-a', 'a=b', '--attribute', 'flag'), 'utf8');
  expect(await second.json(['project', 'enroll', text])).toMatchObject(joined);
  // The one that is refused leaves nothing.
  const third = await someone();
  expect((await third.try(['project', 'enroll', text])).code).toBe(77);
  expect(await third.json('credential list')).toEqual([]);
});

test('E5, E7: who was not added is refused; who was reaches the project, from any kind of node', async () => {
  await begin();
  const file = join(administrator.folder, 'project.json');
  await writeFile(file, await administrator.does('project show --output json'));
  const other = await someone();
  await other.does(`project import --project-file ${file}`);
  const identifier = await other.does('identity create i1');
  expect((await other.try('project enroll')).code).toBe(77);
  await administrator.does(`project-member add ${identifier}`);
  await other.does('project enroll');
  expect(await other.does('message send hello --to /project/default/service/echo')).toBe('hello');

  await other.does('node create n1');
  const to = ['--to', '/project/default/service/echo'];
  expect(await other.does(['message', 'send', 'hello', '--from', 'n1', ...to])).toBe('hello');
  expect(await other.does(['message', 'send', '68656c6c6f', '--hex', ...to])).toBe('68656c6c6f');
  await other.does('identity create stranger');
  expect(await other.does(['message', 'send', 'hello', '--identity', 'i1', ...to])).toBe('hello');
  await other.fails(['message', 'send', 'hello', '--identity', 'stranger', '--timeout', '2s', ...to]);
});

test('E6, E10: a relay is up for whom its name was allowed, and for an administrator', async () => {
  await begin();
  const file = join(administrator.folder, 'project.json');
  await writeFile(file, await administrator.does('project show --output json'));
  const stranger = await someone();
  await stranger.does(`project import --project-file ${file}`);
  expect(await relayStatus(stranger, 'relay create blue')).toMatchObject({ connection_status: 'Down' });
  await stranger.does('relay delete blue -y');
  await administrator.does(`project-member add ${await stranger.does('identity show')} --relay blue`);
  await stranger.does('project enroll');
  expect(await relayStatus(stranger, 'relay create blue')).toMatchObject({ connection_status: 'Up' });

  const green = await member('--relay', 'green');
  expect(await relayStatus(green, 'relay create green')).toMatchObject({ connection_status: 'Up' });
  expect(await relayStatus(green, 'relay create blue')).toMatchObject({ connection_status: 'Down' });
  for (const name of ['blue', 'green'])
    expect(await relayStatus(administrator, `relay create ${name}`)).toMatchObject({ connection_status: 'Up' });
});

test('E8, E9: relays lead to nodes, in the project and at a node that trusts it', async () => {
  await begin();
  for (const name of ['a', 'b']) await administrator.does(`node create ${name}`);
  await administrator.does('relay create --at /project/default --to /node/a a');
  await administrator.does('relay create --at /project/default --to /node/a/service/x a2');
  const channel = await administrator.does('secure-channel create --from b --to /project/default/service/forward_to_a/service/api');
  expect(await administrator.does('message send hello --from b --to -/service/uppercase', { stdin: channel })).toBe('HELLO');

  const blue = await member('--relay', 'allowed');
  await blue.does('node create blue');
  await blue.does('node create green');
  const at = '--at /node/blue/secure/api --to green';
  expect(await relayStatus(blue, `relay create other ${at}`)).toMatchObject({ connection_status: 'Down' });
  expect(await relayStatus(blue, `relay create allowed ${at}`)).toMatchObject({ connection_status: 'Up' });
});

test('E11, E13, E15: portals through the project, by an explicit channel, by --via, by policy, and with 10 MB', async () => {
  await begin();
  const bytes = Buffer.alloc(10_000_000, 'postern');
  const server = await administrator.serve((_, response) => response.end(bytes));
  const outlet = await member('--relay', 'db', '--attribute', 'app=app1');
  await outlet.does(['tcp-outlet', 'create', '--to', server, '--allow', '(= subject.app "app1")']);
  await outlet.does('relay create db');
  const inlet = await member('--attribute', 'app=app1');
  const allow = ['--allow', '(= subject.app "app1")'];
  const read = async (address: string) => Buffer.from(await (await fetch(`http://${address}/`)).arrayBuffer());

  const printed = await inlet.does(['tcp-inlet', 'create', '--via', 'db', ...allow]);
  expect((await read(printed)).equals(bytes)).toBe(true);
  const from = await freePort();
  await inlet.does(['tcp-inlet', 'create', '--via', 'db', '--from', String(from), ...allow]);
  expect((await read(`127.0.0.1:${from}`)).equals(bytes)).toBe(true);
  const route = '/project/default/service/forward_to_db/secure/api/service/outlet';
  expect((await read(await inlet.does(['tcp-inlet', 'create', '--to', route, ...allow]))).equals(bytes)).toBe(true);

  await inlet.does('node create explicit');
  const channel = await inlet.does(
    'secure-channel create --from explicit --to /project/default/service/forward_to_db/service/api --identity'
      .split(' ')
      .concat(((await inlet.json('node show explicit')) as { identity_name: string }).identity_name),
  );
  const through = ['tcp-inlet', 'create', '--at', 'explicit', '--to', '-/service/outlet', ...allow];
  expect((await read(await inlet.does(through, { stdin: channel }))).equals(bytes)).toBe(true);
});

test('E12, E17, E18: what a policy of a type denies carries nothing, and a change of it counts at once', async () => {
  await begin();
  const server = await served(administrator);
  await administrator.does(`tcp-outlet create --to ${server}`);
  await administrator.does('relay create db');
  const file = join(administrator.folder, 'project.json');
  await writeFile(file, await administrator.does('project show --output json'));
  const stranger = await someone();
  await stranger.does(`project import --project-file ${file}`);
  const address = await stranger.does('tcp-inlet create --via db --no-connection-wait');
  expect(await client(address, 1_500)).not.toBe('answered');
  await administrator.does(`project-member add ${await stranger.does('identity show')} -a component=web`);
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    30_000,
  );

  const type = (expression: string) => administrator.does(['policy', 'create', '--resource-type', 'tcp-outlet', '--allow', expression]);
  await type('(= subject.component "db")');
  expect(await client(address, 1_500)).not.toBe('answered');
  await type('(= subject.component "web")');
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    10_000,
  );
  await type('(= subject.component "db")');
  expect(await client(address, 1_500)).not.toBe('answered');
});

test('E14: an outlet node that was killed and is made again serves the inlet that nobody touched', async () => {
  await begin();
  const server = await served(administrator);
  const outlet = await member('--relay', 'db');
  const make = async () => {
    await outlet.does('node create o');
    await outlet.does(`tcp-outlet create --at o --to ${server}`);
    await outlet.does('relay create db --to o');
  };
  await make();
  const inlet = await member();
  const address = await inlet.does('tcp-inlet create --via db');
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    20_000,
  );
  const { pid } = (await outlet.json('node show o')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await outlet.does('node delete o -y');
  await make();
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    60_000,
  );
});

test('E16: a relay that is reached through a forwarder is down when that is, and up again', async () => {
  await begin();
  const forwarder = await tcpForwarder(port);
  const { id } = (await administrator.json('project show')) as { id: string };
  const outlet = await member('--relay', 'db');
  const server = await served(administrator);
  await outlet.does(`tcp-outlet create --to ${server}`);
  const at = `/ip4/127.0.0.1/tcp/${forwarder.port}/service/${id}/secure/api`;
  expect(await relayStatus(outlet, `relay create db --at ${at}`)).toMatchObject({ connection_status: 'Up' });
  const inlet = await member();
  const address = await inlet.does('tcp-inlet create --via db');
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    20_000,
  );
  await forwarder.stop();
  await eventually(
    () => relayStatus(outlet, 'relay show db'),
    (relay) => relay.connection_status !== 'Up',
    40_000,
  );
  expect(await client(address, 2_000)).not.toBe('answered');
  await forwarder.start();
  await eventually(
    () => relayStatus(outlet, 'relay show db'),
    (relay) => relay.connection_status === 'Up',
    40_000,
  );
  await eventually(
    () => answerOf(address),
    (text) => text === 'served',
    40_000,
  );
});

/** Passes bytes on, until it is stopped. */
async function tcpForwarder(to: number) {
  const seen: Buffer[] = [];
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('data', (chunk: Buffer) => seen.push(chunk));
  });
  const at = await freePort();
  const start = () => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  await start();
  administrator.atEnd(() => stop().catch(() => undefined));
  return { port: at, start, stop, seen };
}

test('E19: a client of a member without the attribute hears nothing at all', async () => {
  await begin();
  const server = await served(administrator);
  const control = await member('--relay', 'fabrication', '--attribute', 'component=control');
  await control.does(['tcp-outlet', 'create', '--to', server, '--allow', '(= subject.component "edge")']);
  await control.does('relay create fabrication');
  const [edge, x] = [await member('--attribute', 'component=edge'), await member('--attribute', 'component=x')];
  const allow = ['--allow', '(= subject.component "control")'];
  const allowed = await edge.does(['tcp-inlet', 'create', '--via', 'fabrication', ...allow]);
  const denied = await x.does(['tcp-inlet', 'create', '--via', 'fabrication', ...allow]);
  await eventually(
    () => answerOf(allowed),
    (text) => text === 'served',
    20_000,
  );
  expect(await client(denied, 10_000)).toBe('timeout');
});

test('E22: the two database files of an enrolled home are a copy of it', async () => {
  await begin();
  const copy = await someone();
  await mkdir(copy.home, { mode: 0o700 });
  for (const name of (await readdir(administrator.home)).filter((each) => /^(application_)?database\.sqlite3$/.test(each)))
    await copyFile(join(administrator.home, name), join(copy.home, name));
  expect(await copy.does('message send hello --to /project/default/service/echo')).toBe('hello');
  expect(await copy.does('project ticket')).toMatch(/^[0-9a-f]+$/);
});

test('E23: the open portal of who is removed ends, a ticket is used once, and the project sees no plain text', async () => {
  const forwarder = await tcpForwarder(port);
  await begin('--public-address', `127.0.0.1:${forwarder.port}`);
  const secret = 'plain text of the portal';
  const server = await administrator.serve((_, response) => {
    response.write(secret);
    // It stays open.
  });
  const outlet = await member('--relay', 'db');
  await outlet.does(`tcp-outlet create --to ${server}`);
  await outlet.does('relay create db');
  const used = await ticket();
  const inlet = await someone();
  await inlet.does(['enroll', used]);
  expect((await (await someone()).try(['project', 'enroll', used])).code).toBe(77);

  const address = await inlet.does('tcp-inlet create --via db');
  const open = await fetch(`http://${address}/`);
  const reader = open.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(secret);
  const seen = Buffer.concat(forwarder.seen);
  expect(seen.length).toBeGreaterThan(10_000);
  expect(seen.includes(secret) || seen.includes('GET /')).toBe(false);

  const over = reader?.read().then(
    ({ done }) => done,
    () => true,
  );
  const identifier = await inlet.does('identity show');
  expect(await administrator.json(`project revoke ${identifier}`)).toMatchObject({
    project: 'default',
    identifier,
    voided_tickets: [],
    added_members: [],
    receipt: { number: 1, revoked: { kind: 'subject', identifier }, acknowledged: expect.any(Array) as string[] },
  });
  expect(await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 10_000, 'still open'))])).toBe(true);
  expect(await administrator.json('project revoke --receipt 1')).toMatchObject({ receipt: { number: 1 } });
  expect(await client(address, 1_500)).not.toBe('answered');
  expect(await administrator.fails(`project revoke ${identifier}`)).toContain('not found');
  expect((await administrator.try('project revoke')).code).toBe(64);
});

test('tickets that can still be redeemed are listed without their codes, and can be voided', async () => {
  await begin();
  const file = await ticket('--attribute', 'a=b', '--usage-count', '3', '--expires-in', '1h');
  const [only] = (await administrator.json('project-ticket list')) as { reference: string }[];
  expect(only).toMatchObject({ uses_left: 3, attributes: { a: 'b' }, issued_by: await administrator.does('identity show') });
  const { one_time_code: code } = JSON.parse(Buffer.from(await readFile(file, 'utf8'), 'hex').toString()) as { one_time_code: string };
  expect(JSON.stringify(only)).not.toContain(code);
  expect(await administrator.does(`project-ticket revoke ${only?.reference ?? ''}`)).toBe(only?.reference);
  expect(await administrator.fails('project-ticket revoke aaaaaaaaaa')).toContain('not found');
  expect((await (await someone()).try(['project', 'enroll', file])).code).toBe(77);
  expect((await administrator.try('project ticket --expires-in 31d')).code).not.toBe(0);
  expect((await administrator.try('project ticket --usage-count 0')).code).toBe(64);
  expect((await administrator.try('project ticket --output json')).code).toBe(64);
});

test('a project without an administrator gives one ticket, whose file goes when it is used', async () => {
  const file = join(administrator.folder, 'admin.ticket');
  await administrator.does(['project', 'create', '-t', `127.0.0.1:${port}`, '--no-enroll', '--admin-ticket', file]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await administrator.fails('project admin-ticket')).toContain('already');
  const first = await someone();
  await first.does(['enroll', file]);
  expect(await first.json('project-admin list')).toHaveLength(1);
  await eventually(
    () => readdir(administrator.folder),
    (names) => !names.includes('admin.ticket'),
    5_000,
  );
  expect(await administrator.fails('project admin-ticket')).toContain('administrator');
  expect((await administrator.try('project create x --no-enroll')).code).toBe(64);
});

test('no child has a secret in its arguments or its environment, and a ticket on the command line is warned of once', async () => {
  await begin();
  const text = await readFile(await ticket('--relay', 'db'), 'utf8');
  const other = await someone();
  await other.does('identity create i1');
  const { stderr } = await other.try(['enroll', text], { env: { QUIET: '' } });
  expect(stderr.match(/safer/g)).toHaveLength(1);
  await other.does('node create n1', { env: { ENROLLMENT_TICKET: text } });
  await administrator.does('node create n1', { env: { ENROLLMENT_TICKET: text } });
  const processes = [...(await processesOf(other.home)), ...(await processesOf(administrator.home))];
  expect(processes.length).toBeGreaterThanOrEqual(3);
  const { one_time_code: code } = JSON.parse(Buffer.from(text, 'hex').toString()) as { one_time_code: string };
  for (const pid of processes)
    for (const part of ['cmdline', 'environ']) {
      const bytes = await readFile(`/proc/${pid}/${part}`, 'utf8');
      expect(bytes).not.toContain(text.slice(0, 200));
      expect(bytes).not.toContain(code);
      expect(bytes).not.toContain('ENROLLMENT_TICKET');
    }
});

test('a ticket is read from a path, standard input, hex, the environment or a URL; an empty one is refused', async () => {
  await begin();
  const file = await ticket('--usage-count', '6');
  const text = await readFile(file, 'utf8');
  const server = await administrator.serve((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/ticket' }).end();
    else if (request.url === '/round') response.writeHead(302, { location: '/round' }).end();
    else if (request.url === '/ticket') response.end(text);
    else if (request.url === '/large') response.end('f'.repeat(2_000_000));
    else response.writeHead(404).end();
  });
  for (const [given, options] of [
    [[file], {}],
    [['-'], { stdin: `${text}\n` }],
    [[text], {}],
    [[], { env: { ENROLLMENT_TICKET: text } }],
    [[`http://${server}/ticket`], {}],
    [[`http://${server}/moved`], {}],
  ] as const)
    await (await someone()).does(['project', 'enroll', ...given], options);
  const nobody = await someone();
  const code = async (given: readonly string[], options = {}) => (await nobody.try(['enroll', ...given], options)).code;
  expect(await code([''])).toBe(64);
  expect(await code([], { env: { ENROLLMENT_TICKET: '' } })).toBe(64);
  expect(await code(['-'], { stdin: '' })).toBe(64);
  expect(await code(['http://192.0.2.1/ticket'])).toBe(64);
  expect(await code(['nothing.ticket'])).toBe(66);
  expect(await code([`http://${server}/none`])).toBe(66);
  expect(await code([`http://${server}/large`])).toBe(65);
  expect(await code([`http://${server}/round`])).toBe(69);
  expect(await code(['00'.repeat(64)])).toBe(65);
});
