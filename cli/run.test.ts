import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from './run.ts';
import { VERSION } from './version.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-command-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function ran(line: string, { isTTY = false, stdin = '' } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run({
    programName: 'postern',
    args: line === '' ? [] : line.split(' '),
    env: { POSTERN_HOME: join(folder, 'home') },
    cwd: folder,
    stdin: Readable.from(stdin === '' ? [] : [stdin]),
    stdout: { isTTY, write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  });
  return { code, out: out.join(''), err: err.join('') };
}

test('the version is that of the package, wherever on the line it is asked for', async () => {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
  for (const line of ['--version', 'node create --version', '-V identity']) expect((await ran(line)).out).toMatch(`postern ${version}\n`);
  expect((await ran('identity create -- --version')).code).not.toBe(0);
});

test('a family alone, unknown words and repeated options are usage errors with a suggestion', async () => {
  const family = await ran('node');
  expect(family).toMatchObject({ code: 64, out: '' });
  expect(family.err).toContain('create');
  expect((await ran('nod')).err).toContain('Did you mean node?');
  expect((await ran('node sho')).err).toContain('Did you mean show?');
  expect((await ran('node list --outputt json')).err).toContain('Did you mean --output?');
  expect(await ran('identity create a --vault v --vault w')).toMatchObject({ code: 64, out: '' });
  expect(await ran('identity create a b')).toMatchObject({ code: 64, out: '' });
  expect(await ran('')).toMatchObject({ code: 64, out: '' });
});

test('a result is a sentence on a terminal, one value in a pipe, JSON where it is asked for', async () => {
  const { out: identifier } = await ran('identity create alice');
  expect(identifier).toMatch(/^I[0-9a-f]{64}$/);
  expect((await ran('identity show alice', { isTTY: true })).out).toBe(`${identifier}\n`);
  expect(JSON.parse((await ran('identity show alice --output json')).out)).toEqual({ identifier });
  expect((await ran('identity list --jq .[].name')).out).toBe('"alice"');
  expect((await ran('identity list --compact-output')).out).not.toContain('\n');
  expect(await ran('identity list --jq .[')).toMatchObject({ code: 64, out: '' });
  expect(await ran('identity list --jq .[].name.x')).toMatchObject({ code: 0, out: '' });
});

test('an error is on standard error alone, with a code, and as JSON where that is asked for', async () => {
  await ran('identity create alice');
  const plain = await ran('identity show bob');
  expect(plain).toMatchObject({ code: 70, out: '' });
  expect(plain.err).toContain('not found');
  expect(plain.err).toContain('P404');
  const { err } = await ran('identity show bob --output json');
  expect(JSON.parse(err.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'P404' } });
  const odd = await run({
    programName: 'postern',
    args: ['identity', 'show', 'a\u001b[2Jb'],
    env: { POSTERN_HOME: join(folder, 'home') },
    cwd: folder,
    stdin: Readable.from([]),
    stdout: { write: () => true },
    stderr: { write: (text) => expect(text).not.toContain('\u001b') },
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  });
  expect(odd).toBe(64);
});

test('only the arguments are looked at when that is asked for: no home is made', async () => {
  expect((await ran('--test-argument-parser node show n')).code).toBe(0);
  expect((await ran('--test-argument-parser node show n!')).code).toBe(64);
  await expect(stat(join(folder, 'home'))).rejects.toThrow();
});

test('what is deleted, shown or listed where there is nothing is an empty list', async () => {
  for (const line of ['identity delete', 'identity show', 'identity list', 'node show', 'node delete x', 'vault list', 'project list'])
    expect(await ran(`${line} --output json`), line).toMatchObject({ code: 0, out: '[]' });
});

test('to delete takes a confirmation, and nobody can be asked in a pipe', async () => {
  await ran('identity create alice');
  expect((await ran('identity delete alice')).err).toContain('--yes');
  expect(await ran('identity delete')).toMatchObject({ code: 0 });
  expect((await ran('identity delete alice --yes')).out).toBe('alice');
});

test('an address comes from standard input, and an empty one is an error at once', async () => {
  await ran('identity create');
  expect(await ran('message send x --to -/service/echo')).toMatchObject({ code: 64 });
});

test('a home of another program, or of a newer version, ends every command with 78', async () => {
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(join(folder, 'home'), { mode: 0o700 });
  await writeFile(join(folder, 'home', 'database.sqlite3'), 'this is no database, but a text of some length', { mode: 0o600 });
  expect(await ran('identity list')).toMatchObject({ code: 78, out: '' });
});
