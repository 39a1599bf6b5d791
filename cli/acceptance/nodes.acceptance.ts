import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, Person, processesOf } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

interface Shown {
  readonly name: string;
  readonly status: string;
  readonly pid?: number;
  readonly identity_name: string;
  readonly route: { readonly short: string; readonly verbose?: string };
  readonly http_server_address: string | null;
  readonly outlets: readonly { readonly to: string; readonly worker_addr: string }[];
  readonly secure_channel_listeners: readonly { readonly address: string }[];
  readonly services: readonly { readonly addr: string; readonly type: string }[];
}

const show = async (name: string) => (await person.json(`node show ${name}`)) as Shown;
const isUp = (name: string) =>
  eventually(
    () => show(name),
    ({ status, services }) => status === 'running' && services.length > 0,
    30_000,
  );

/** Of a node in the foreground, resolved when the process is gone. */
const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) =>
    child.exitCode === null ? child.once('exit', (code) => resolve(code)) : resolve(child.exitCode),
  );

async function statusInTable(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[0];
}

async function kill(name: string): Promise<void> {
  const { pid = 0 } = await show(name);
  process.kill(pid, 'SIGKILL');
  await eventually(
    () => statusInTable(pid),
    (status) => status === undefined || status === 'Z',
    5_000,
  );
}

test('N1, N2: a node is created without a name, and one with a name shows what it is', async () => {
  expect(await person.does('node create')).toMatch(/^[a-z]+-[a-z]+$/);
  expect(await person.does('node create n')).toBe('n');
  expect(await show('n')).toMatchObject({
    name: 'n',
    status: 'running',
    route: { short: '/node/n', verbose: expect.stringMatching(/^\/dnsaddr\/localhost\/tcp\/\d+$/) as string },
    services: expect.arrayContaining([expect.objectContaining({ addr: 'uppercase' })]) as unknown[],
  });
});

test('N3, N4: a hop service starts once at an address; after stop and start the services are there again', async () => {
  await person.does('node create n');
  await person.does('service start hop --addr over --at n');
  expect(await person.fails('service start hop --addr over --at n')).toContain('over');
  expect(await person.does('node stop n')).toBe('n was stopped');
  const started = JSON.parse(await person.does('node start n')) as Shown;
  expect(started.services.map(({ addr }) => addr)).toContain('echo');
});

test('N5, N6: a running node is not created a second time; a stopped one is replaced', async () => {
  await person.does('node create n');
  expect(await person.fails('node create n')).toContain('running already');
  await person.does('tcp-outlet create --to 5432 --at n');
  await person.does('node stop n');
  expect(await person.does('node create n --identity other')).toBe('n');
  expect(await show('n')).toMatchObject({ outlets: [], identity_name: 'other' });
});

test('N7: a node that was killed can be created again', async () => {
  await person.does('node create n');
  await kill('n');
  expect((await show('n')).status).not.toBe('running');
  expect(await person.does('node create n')).toBe('n');
});

test('N7: also when nobody has reaped the dead process: a zombie does not run', async () => {
  // The shell becomes a process that never waits for its children.
  const parent = person.startProgram('sh', ['-c', `"$0" "$@" & exec sleep 600`, ...person.words('node create n -f')]);
  const { pid = 0 } = await isUp('n');
  expect(pid).not.toBe(parent.pid);
  process.kill(pid, 'SIGKILL');
  await eventually(
    () => statusInTable(pid),
    (status) => status === 'Z',
    5_000,
  );
  expect(await show('n')).toMatchObject({ status: 'zombie', pid });
  expect(await person.does('node list --jq .[].status.status')).toBe('"zombie"');
  expect(await person.does('node create n')).toBe('n');
  expect(await show('n')).toMatchObject({ status: 'running' });
});

test('N8, N9, N10: a node in the foreground is visible, is alone, and is there again after a kill and after a stop', async () => {
  const first = person.start('node create n -f');
  await isUp('n');
  const second = await person.try('node create n -f');
  expect(second).toMatchObject({ code: 70, stdout: '' });
  first.kill('SIGKILL');
  await ended(first);
  const again = person.start('node create n -f');
  await isUp('n');
  expect(await person.does('node stop n')).toBe('n was stopped');
  expect(await ended(again)).toBe(0);
  person.start('node create n -f');
  expect(await isUp('n')).toMatchObject({ status: 'running' });
});

test('N11, N12: in the background it has a log file, in the foreground no folder', async () => {
  await person.does('node create n');
  expect((await readdir(join(person.home, 'nodes', 'n'))).some((name) => name.includes('stdout'))).toBe(true);
  expect(await person.does('node logs n')).toContain(join(person.home, 'nodes', 'n', 'stdout.'));
  const foreground = person.start('node create m -f -vv');
  let said = '';
  foreground.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await isUp('m');
  expect(said).toContain('node.ready');
  await person.does('node stop m');
  await ended(foreground);
  await expect(stat(join(person.home, 'nodes', 'm'))).rejects.toThrow();
});

test('N13: an inline configuration with a name and a named outlet makes both', async () => {
  const configuration = `{name: n, tcp-outlets: {db: {to: 5432, at: n}}}`;
  expect(await person.does(['node', 'create', '--configuration', configuration])).toBe('n');
  expect(await show('n')).toMatchObject({ name: 'n', outlets: [{ worker_addr: 'db', to: '127.0.0.1:5432' }] });
});

test('N14: a configuration with a port that is none fails with its place, and no node is there', async () => {
  const said = await person.fails(['node', 'create', '--configuration', 'name: n\ntcp-outlets:\n  db:\n    to: 65536\n']);
  expect(said).toContain('--configuration:4:9: tcp-outlets db: ');
  expect(await person.does('node show n --output json')).toBe('[]');
});

test('N15: the same configuration without a name, applied twice, gives two nodes, each with its outlet', async () => {
  const configuration = 'tcp-outlet: {to: 5432}';
  const names = [
    await person.does(['node', 'create', '--configuration', configuration]),
    await person.does(['node', 'create', '--node-config', configuration]),
  ];
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect((await show(name)).outlets).toMatchObject([{ worker_addr: 'outlet', to: '127.0.0.1:5432' }]);
});

test('N16: an empty variable is an error, and so is one that is given twice', async () => {
  expect(await person.fails('node create --variable MY_VAR=')).toContain("Empty value for variable 'MY_VAR'");
  expect(await person.fails('node create --configuration {} --variable A=1 --variable A=2')).toContain("'A'");
});

test('N17, N18, N19: HTTP is off, or at a free port of loopback', async () => {
  await person.does('node create n');
  expect((await show('n')).http_server_address).toBeNull();
  await person.does('node create m --http-server');
  const { http_server_address: address } = await show('m');
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  const ask = async (method: string, path: string) => fetch(`http://${address ?? ''}${path}`, { method });
  expect((await ask('HEAD', '/')).status).toBe(200);
  expect((await ask('HEAD', '/show')).status).toBe(404);
  const shown = await ask('GET', '/show');
  expect([shown.status, ((await shown.json()) as Shown).name]).toEqual([200, 'm']);
  const health = await ask('GET', '/health');
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
});

test('N20: HTTP at a port that is given, also after a restart', async () => {
  const port = await freePort();
  await person.does(`node create n --http-server-port ${port}`);
  const answers = async () => (await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' })).status;
  expect(await answers()).toBe(200);
  await person.does('node stop n');
  await person.does('node start n');
  expect(await answers()).toBe(200);
});

test('N21: what is no name and no file fails; the path of a configuration is one', async () => {
  for (const bad of ['n!', 'n.1', './config.yaml', 'node.yaml']) expect((await person.try(`node create ${bad}`)).code, bad).toBe(64);
  expect(await person.does('node list --output json')).toBe('[]');
  await writeFile(join(person.folder, 'node.yaml'), 'name: from-file\n');
  expect(await person.does('node create node.yaml')).toBe('from-file');
  expect((await person.try('node create /node/n1')).code).toBe(64);
});

test('N22: three nodes are created, listed, stopped, started and deleted', async () => {
  await person.does('node create n1');
  await person.does('node create');
  await person.does('node create n3 --verbose');
  const listed = await person.does('node list');
  expect(listed).toContain('"node_name": "n1"');
  expect(listed).toContain('"status": "running"');
  expect(await person.does('node stop n1')).toBe('n1 was stopped');
  expect(await person.fails('node stop n1')).toContain('not found');
  expect(JSON.parse(await person.does('node start n1'))).toMatchObject({ name: 'n1', status: 'running' });
  expect(await person.does('node default')).toBe('n1');
  expect(await person.does('node delete n1 --yes')).toBe('n1');
  expect(await person.does('node default')).not.toBe('n1');
  await person.does('node delete --all --yes');
  expect(await person.does('node list --output json')).toBe('[]');
  expect(await processesOf(person.home)).toEqual([]);
});

test('N23: a node outlives the shell that made it, and the list agrees with the table of processes', async () => {
  const shell = person.startProgram('sh', ['-c', '"$0" "$@"; echo made; exec sleep 600', ...person.words('node create n')]);
  await new Promise<void>((resolve) => shell.stdout?.on('data', (chunk: Buffer) => chunk.includes('made') && resolve()));
  shell.kill('SIGKILL');
  await ended(shell);
  const { pid = 0, status } = await show('n');
  expect([status, await statusInTable(pid)]).toEqual(['running', expect.stringMatching(/^[SR]$/)]);
  await kill('n');
  expect(await person.json('node list')).toMatchObject([{ node_name: 'n', is_default: true }]);
  expect(['stopped', 'zombie']).toContain((await show('n')).status);
});

test('N23: twenty nodes at once, in one home that is new', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const made = await Promise.all(names.map((name) => person.does(`node create ${name}`)));
  expect(made).toEqual(names);
  const listed = (await person.json('node list')) as { readonly node_name: string; readonly pid: number; readonly is_default: boolean }[];
  expect(listed.map(({ node_name }) => node_name).sort()).toEqual([...names].sort());
  expect(listed.filter(({ is_default }) => is_default)).toHaveLength(1);
  expect(new Set(listed.map(({ pid }) => pid)).size).toBe(20);
  expect((await processesOf(person.home)).toSorted()).toEqual(listed.map(({ pid }) => pid).toSorted());
  expect(await person.json('identity list')).toHaveLength(1);
});

test('N23: of twenty who make a node of one name, one does', async () => {
  const creators = Array.from({ length: 20 }, () => person.try('node create n'));
  const codes = (await Promise.all(creators)).map(({ code }) => code);
  expect(codes.filter((code) => code === 0)).toHaveLength(1);
  expect(codes.filter((code) => code === 70)).toHaveLength(19);
  expect(await processesOf(person.home)).toEqual([(await show('n')).pid]);
});

test('standard input that ends, or a signal, ends a node in the foreground with 0', async () => {
  expect((await person.try('node create n --exit-on-eof')).code).toBe(64);
  const byInput = person.start('node create n -f --exit-on-eof');
  await isUp('n');
  byInput.stdin?.end();
  expect(await ended(byInput)).toBe(0);
  expect(await show('n')).toMatchObject({ status: 'stopped' });
  const bySignal = person.start('node create n -f --exit-on-eof');
  await isUp('n');
  bySignal.kill('SIGTERM');
  expect(await ended(bySignal)).toBe(0);
  expect(await show('n')).toMatchObject({ status: 'stopped' });
});

test('a launch configuration says which services start beside echo', async () => {
  const listener = { address: 'door', identity: 'doorman' };
  await person.does('identity create doorman');
  const launch = JSON.stringify({ startup_services: { secure_channel_listener: listener } });
  await person.does(['node', 'create', 'n', '--launch-configuration', launch]);
  const { services, secure_channel_listeners: listeners } = await show('n');
  expect(services.map(({ addr }) => addr).sort()).toEqual(['door', 'echo']);
  expect(listeners.map(({ address }) => address)).toEqual(['door']);
  expect(await person.does('message send hello --to /node/n/secure/door/service/echo')).toBe('hello');
  await person.does(['node', 'create', 'm', '--launch-config', '{"startup_services": {"secure_channel_listener": {"disabled": true}}}']);
  expect((await show('m')).services.map(({ addr }) => addr)).toEqual(['echo']);
  expect((await person.try(['node', 'create', 'o', '--launch-config', '{"startup_services": {"lease_manager": {}}}'])).code).toBe(65);
  expect((await person.try('node create o --launch-configuration none.json')).code).toBe(66);
});

test('the log of a node is printed as it grows', async () => {
  await person.does('node create n');
  const following = person.start('node logs n --follow');
  let said = '';
  following.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await eventually(
    () => Promise.resolve(said),
    (text) => text.includes('node.ready'),
    20_000,
  );
  await person.does('node stop n');
  await eventually(
    () => Promise.resolve(said),
    (text) => text.includes('node.stopped'),
    20_000,
  );
  following.kill('SIGTERM');
  expect(await ended(following)).toBe(0);
});

test('a node that cannot start leaves no record, and says why', async () => {
  const port = await freePort();
  await person.does(`node create n -t 127.0.0.1:${port}`);
  const said = await person.fails(`node create m -t 127.0.0.1:${port}`);
  expect(said).toMatch(/EADDRINUSE|in use/);
  expect(await person.json('node list')).toHaveLength(1);
});
