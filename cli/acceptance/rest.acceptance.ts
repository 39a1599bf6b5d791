import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

test('X1: what a filter picks is the same with and without --output json', async () => {
  await person.does('node create n');
  await person.does('vault create v1');
  await person.does('vault create v2');
  expect(await person.does('vault show v1 --jq .vault.name')).toBe('"v1"');
  expect(await person.does('vault show v1 --jq .vault.name --output json')).toBe('"v1"');
  expect(await person.does(['vault', 'list', '--jq', 'map(.vault.name) | join(" ")'])).toContain('v1 v2');
  expect(JSON.parse(await person.does('node show n --jq .'))).toMatchObject({ name: 'n' });
  expect(await person.does('node show n --jq .name')).toBe('"n"');
});

test('X2: after a reset only what others put there is left, also when commands are logged', async () => {
  await mkdir(join(person.home, 'bin'), { recursive: true, mode: 0o700 });
  for (const file of ['application_database.sqlite3', 'env', join('bin', 'tool')]) await writeFile(join(person.home, file), file);
  await person.does('node create n', { env: { POSTERN_LOGGING: 'true' } });
  await person.does(['vault', 'create', 'second', '--path', join(person.folder, 'elsewhere')]);
  const { pid } = (await person.json('node show n')) as { readonly pid: number };
  expect(await readdir(join(person.home, 'commands'))).toEqual(['node create']);
  expect(await person.fails('reset')).toContain('--yes');
  for (const env of [{ POSTERN_LOGGING: 'true' }, {}]) {
    await person.does('reset --yes', { env });
    expect((await readdir(person.home)).sort()).toEqual(['application_database.sqlite3', 'bin', 'env']);
  }
  expect(await readdir(person.folder)).toEqual(['home']);
  expect(() => process.kill(pid, 0)).toThrow();
  expect(await readFile(join(person.home, 'bin', 'tool'), 'utf8')).toBe(join('bin', 'tool'));
});

test('X2: a home that cannot be read is named by every command, and reset removes it without reading it', async () => {
  await mkdir(person.home, { mode: 0o700 });
  await writeFile(join(person.home, 'database.sqlite3'), 'this is no database, but a text of some length', { mode: 0o600 });
  const { code, stderr } = await person.try('identity list');
  expect(code).toBe(78);
  expect(stderr).toContain('reset');
  await person.does('reset --yes');
  expect(await person.json('identity list')).toEqual([]);
});

test('X2: a project that is hosted here is not removed unless that is asked for', async () => {
  await person.does(`enroll --tcp-listener-address 127.0.0.1:${await freePort()}`);
  expect(await person.fails('reset --yes')).toContain('--all');
  await person.does('reset --yes --all');
  expect(await readdir(person.home)).toEqual([]);
});

const said = (child: ChildProcess) =>
  new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
  });

test('X3: a rendezvous server says where it is asked from, and that it is alive', async () => {
  const server = person.start('rendezvous create --udp 127.0.0.1:0 --healthcheck 127.0.0.1:0');
  const [, udp = '', health = ''] = /at (\S+), health at (\S+)/.exec(await said(server)) ?? [];
  const answer = await fetch(`http://${health}/`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('Alive');
  expect(await person.does(`rendezvous get-my-address ${udp}`)).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await person.does('rendezvous get-my-address', { env: { POSTERN_RENDEZVOUS_SERVER: udp } })).toMatch(/^127\.0\.0\.1:\d+$/);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await person.try(`rendezvous get-my-address ${udp}`)).toMatchObject({ code: 69, stdout: '' });
});

test('X4: what comes later is there, says so, and is a usage error', async () => {
  for (const line of [
    'kafka-outlet create --bootstrap-server x',
    'kafka-inlet list',
    'influxdb-inlet create',
    'lease create',
    'sidecar',
    'admin x',
    'share',
    'subscription',
  ]) {
    const { code, stdout, stderr } = await person.try(line);
    expect({ code, stdout }, line).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain('not part of this version');
  }
});

test('X5: arguments are checked, and nothing is done', async () => {
  for (const line of [
    'enroll --force',
    'enroll --skip-resource-creation',
    'node show N',
    'node delete N',
    'relay create n1 --at /ip4/127.0.0.1/tcp/8080 --to x',
    'project create S P',
    'project list',
    'project version',
    'project show X',
    'project delete S P',
    'project enroll TICKET',
    'space create S -- USER',
    'space list',
    'space show X',
    'space delete X',
  ])
    expect(await person.try(`--test-argument-parser ${line}`), line).toMatchObject({ code: 0, stdout: '' });
  expect((await person.try('--test-argument-parser enroll --force --skip-resource-creation')).code).toBe(64);
  await expect(stat(person.home)).rejects.toThrow();
});

test('status says what is here, and is no failure when a node is down', async () => {
  await person.does(`enroll --tcp-listener-address 127.0.0.1:${await freePort()}`);
  await person.does('node create n');
  await person.does('identity create other');
  const up = (await person.json('status')) as Readonly<Record<string, readonly unknown[]>>;
  expect(up).toMatchObject({
    ockam_version: { version: expect.any(String) as string },
    nodes: [{ name: 'n', status: 'running' }],
    projects: [{ name: 'default', running: true }],
  });
  expect(up['identities']).toContainEqual(expect.objectContaining({ name: 'other', status: 'NotEnrolled' }));
  expect(up['identities']).toContainEqual(
    expect.objectContaining({ status: { Enrolled: { at: expect.any(Number) as number, email: null } } }),
  );
  await person.does('node stop n');
  await person.does('project stop');
  expect(await person.json('status')).toMatchObject({ nodes: [{ status: 'stopped' }], projects: [{ running: false }] });
}, 120_000);

test('each command writes a log of its own where that is asked for, without its arguments', async () => {
  const env = { POSTERN_LOGGING: '1', POSTERN_LOG_FORMAT: 'json' };
  await person.does('identity create alice', { env });
  await person.fails('identity show bob', { env });
  const lines = async (command: string) => {
    const folder = join(person.home, 'commands', command);
    const [file = ''] = await readdir(folder);
    expect(file).toMatch(/^stdout\.\d{4}-\d\d-\d\d\.log$/);
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    return (await readFile(join(folder, file), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  };
  expect(await lines('identity create')).toContainEqual(expect.objectContaining({ event: 'command.started', command: 'identity create' }));
  const failed = await lines('identity show');
  expect(failed).toContainEqual(expect.objectContaining({ event: 'command.failed', code: 'P404' }));
  expect(JSON.stringify(failed)).not.toContain('bob');
  expect(await person.fails('identity list', { env: { ...env, POSTERN_LOG_LEVEL: 'loud' } })).toContain('POSTERN_LOG_LEVEL');
});

test('a shell completes families, verbs, options, their values, and names of the home', async () => {
  const completed = async (...words: string[]) =>
    (await person.does(['completion', '--complete', '--', ...words])).split('\n').filter((word) => word !== '');
  expect(await completed('no')).toEqual(['node']);
  expect(await completed('node', 'sh')).toEqual(['show']);
  expect(await completed('node', 'show', '')).toEqual([]);
  await expect(stat(person.home)).rejects.toThrow();
  await person.does('identity create alice');
  await person.does('vault create keys');
  expect(await completed('identity', 'show', 'al')).toEqual(['alice']);
  expect(await completed('identity', 'create', 'al')).toEqual([]);
  expect(await completed('identity', 'create', '--vault', '')).toEqual(['default', 'keys']);
  expect(await completed('node', 'list', '--outp')).toEqual(['--output']);
  expect(await completed('node', 'list', '--output', 'j')).toEqual(['json']);
  expect(await completed('node', 'list', '--output=j')).toEqual(['--output=json']);
  expect(await completed('--output', 'json', 'node', 'li')).toEqual(['list']);
  expect(await completed('nothing', 'is', 'here', '')).toEqual([]);
});

test('the script for bash completes in a bash', async () => {
  await person.does('identity create alice');
  const script = await person.does('completion --shell bash');
  const bin = join(person.folder, 'bin');
  await mkdir(bin);
  const built = new URL('../../dist/cli/main.js', import.meta.url).pathname;
  await writeFile(join(bin, 'postern'), `#!/bin/sh\nexec '${process.execPath}' '${built}' "$@"\n`, { mode: 0o755 });
  const completed = (...words: string[]) => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const lines = `${script}\nCOMP_WORDS=(postern ${typed}); COMP_CWORD=${words.length}; _postern_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, POSTERN_HOME: person.home };
    return execFileSync('bash', ['-c', lines], { env, encoding: 'utf8' }).trimEnd();
  };
  expect(completed('no')).toBe('node');
  expect(completed('identity', 'show', '')).toBe('alice');
  expect(completed('node', 'list', '--output', '=', 'j')).toBe('json');
  expect(completed('node', 'list', '--output', '=')).toBe('plain\njson');
});

test('every shell has a script of its own, and needs no home for it', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'elvish', 'powershell'])
    expect(await person.does(`completion --shell ${shell}`)).toContain('completion --complete');
  expect((await person.try('completion')).code).toBe(64);
  expect((await person.try('completion --shell csh')).stderr).toContain('powershell');
  await expect(stat(person.home)).rejects.toThrow();
});

test('a page for each command is written, as manual and as Markdown', async () => {
  await person.does('manpages --dir man');
  const pages = await readdir(join(person.folder, 'man'));
  expect(pages).toContain('postern.1.gz');
  expect(pages).toContain('postern-node-create.1.gz');
  const page = gunzipSync(await readFile(join(person.folder, 'man', 'postern-node-create.1.gz'))).toString();
  expect(page).toContain('.TH POSTERN-NODE-CREATE 1');
  expect(page).toContain('\\-\\-tcp\\-listener\\-address');
  await person.does('markdown --dir reference');
  expect((await readdir(join(person.folder, 'reference'))).map((name) => name.replace(/\.md$/, '')).sort()).toEqual(
    pages.map((name) => name.replace(/\.1\.gz$/, '')).sort(),
  );
  expect(await readFile(join(person.folder, 'reference', 'postern-node-create.md'), 'utf8')).toContain('`--http-server`');
});

test('version and environment have a JSON form', async () => {
  expect(await person.json('version')).toEqual({ version: expect.any(String) as string, hash: expect.any(String) as string });
  expect(await person.json('environment')).toContainEqual(expect.objectContaining({ name: 'POSTERN_HOME', alias: 'OCKAM_HOME' }));
});
