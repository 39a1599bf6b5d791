import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EXIT } from '../failure.ts';
import { Person } from './world.ts';

async function vector(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../../vectors/strings/${name}`, import.meta.url), 'utf8'));
}
const strings = (await vector('blns.json')) as readonly string[];
const names = (await vector('names.json')) as { readonly accept: readonly string[]; readonly reject: readonly string[] };
const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const CODES: readonly number[] = [0, ...Object.values(EXIT)];
// eslint-disable-next-line no-control-regex -- these are what a terminal would obey
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Where a string may stand as a name or a value. None of these starts a process. */
const PLACES: readonly ((text: string) => readonly string[])[] = [
  (text) => ['identity', 'create', '--', text],
  (text) => ['identity', 'create', text],
  (text) => ['identity', 'show', '--', text],
  (text) => ['identity', 'create', 'x', '--vault', text],
  (text) => ['vault', 'show', text],
  (text) => ['node', 'show', '--', text],
  (text) => ['node', 'delete', text, '--yes'],
  (text) => ['project', 'show', '--', text],
  (text) => ['project', 'enroll', '--', text],
  (text) => ['tcp-outlet', 'create', '--to', text, '--at', 'nobody'],
  (text) => ['tcp-inlet', 'create', '--to', '/node/n/service/outlet', `--from=${text}`, '--at', 'nobody'],
  (text) => ['tcp-inlet', 'show', '--at', 'nobody', '--', text],
  (text) => ['relay', 'create', '--at', '/node/n', '--to', text],
  (text) => ['policy', 'create', '--resource', 'x', `--allow=${text}`, '--at', 'nobody'],
  (text) => ['message', 'send', '--no-retry', '--timeout', '1', '--to', '/node/nobody/service/echo', '--', text],
  (text) => ['message', 'send', '--no-retry', '--timeout', '1', 'hello', '--to', text],
  (text) => ['completion', '--shell', text],
  (text) => [text],
  (text) => ['node', text],
];

test.each([0, 1, 2, 3, 4])(
  'X6: naughty strings as names and values, part %i of 5: a clear error, or what is meant',
  async (part) => {
    await using person = await Person.create();
    await person.does('identity create first');
    for (const text of strings.filter((_, index) => index % 5 === part)) {
      for (const place of PLACES) {
        const args = place(text);
        const { code, stdout, stderr } = await person.try(args);
        const what = JSON.stringify(args);
        expect(CODES, what).toContain(code);
        expect(stderr, what).not.toMatch(OBEYED);
        if (code !== 0) {
          // Where a verb is missing it is the help of the family.
          expect(stderr, what).toMatch(/\nError:\n|Usage:/);
          expect(stdout, what).toBe('');
        }
      }
    }
    // What was accepted is there under its own name, and nothing else came of it.
    for (const { name } of (await person.json('identity list')) as readonly { readonly name: string }[])
      expect(['first', 'x', ...strings]).toContain(name);
    expect((await readdir(person.home)).filter((name) => !/^(database\.sqlite3|vault-[\w-]+)$/.test(name))).toEqual([]);
    expect(await readdir(person.folder)).toEqual(['home']);
  },
  600_000,
);

test('X6: naughty strings on the command line of a process of its own, a tenth of them', async () => {
  expect(strings).toHaveLength(515);
  await using person = await Person.create();
  const tenth = strings.filter((text, index) => index % 10 === 0 && !text.includes('\0'));
  for (const text of tenth) {
    const child = spawn(process.execPath, [BUILT, 'identity', 'show', '--', text], {
      cwd: person.folder,
      env: { ...process.env, POSTERN_HOME: person.home },
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect([0, 64], JSON.stringify(text)).toContain(code);
  }
  expect(await readdir(person.folder)).toEqual(['home']);
}, 600_000);

/** Every file below a folder, with a hash of what it holds. */
async function listing(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile()
      ? `${path} ${createHash('sha256')
          .update(await readFile(path))
          .digest('hex')}`
      : path;
  });
  return (await Promise.all(lines)).sort();
}

/** How a name of each kind is given. */
const KINDS: Readonly<Record<string, (name: string) => readonly string[]>> = {
  node: (name) => ['node', 'create', '--', name],
  identity: (name) => ['identity', 'create', '--', name],
  vault: (name) => ['vault', 'create', '--', name],
  relay: (name) => ['relay', 'create', '--at', '/node/n', '--to', 'nobody', '--', name],
  alias: (name) => ['tcp-inlet', 'create', '--at', 'nobody', '--to', '/node/n/service/x', `--alias=${name}`],
};
/** As ordinary names they are harmless. Source: vectors/strings/names.json */
const FRIENDS = ['constructor', 'prototype', 'toString', 'hasOwnProperty'];

test.each(Object.entries(KINDS))(
  'N21: the name of a %s is accepted or refused as it has to be, and a refused one changes nothing',
  async (kind, create) => {
    await using person = await Person.create();
    await person.does('identity create first');
    const before = await listing(person.folder);
    for (const name of names.accept) {
      // Only aliases may have dots.
      const isFine = kind === 'alias' || !name.includes('.');
      // Where a node is made a name may be that of a file: whether it is one is looked at later.
      const { code } = await person.try(['--test-argument-parser', ...(kind === 'node' ? ['node', 'show', '--', name] : create(name))]);
      expect(code, name).toBe(isFine ? 0 : EXIT.usage);
    }
    for (const name of names.reject.filter((each) => !FRIENDS.includes(each))) {
      const { code, stdout } = await person.try(create(name));
      expect(code, JSON.stringify(name)).not.toBe(0);
      expect(stdout).toBe('');
    }
    expect(await listing(person.folder)).toEqual(before);
  },
  300_000,
);

test('names that every object has are ordinary names', async () => {
  await using person = await Person.create();
  for (const name of FRIENDS) {
    const identifier = await person.does(['identity', 'create', name]);
    expect(await person.does(['identity', 'show', name])).toBe(identifier);
  }
  for (const name of FRIENDS) expect(await person.does(['vault', 'create', name])).toBe(name);
  expect(await person.json('identity list --jq length')).toBe(FRIENDS.length);
});
