import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['runtime', 'identities', 'policies', 'workers', 'transports', 'host', 'simulation', 'storage', 'manager'].filter(
  (folder) => existsSync(join(root, folder)),
);

/** The sources of the product, and the codes that its error classes can have. */
function read() {
  const sources = [
    'index.ts',
    ...folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file)))),
  ]
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'));
  const unions = sources.flatMap((source) => [...source.matchAll(/extends PosternError<([^>]*)>/g)].map(([, union = '']) => union));
  const codes = [...new Set(unions.flatMap((union) => [...union.matchAll(/'([A-Z0-9_]+)'/g)].map(([, code = '']) => code)))];
  return { codes, thrown: sources.map((source) => source.replaceAll(/extends PosternError<[^>]*>/g, '')).join('\n') };
}

const { codes, thrown } = read();

test('there are codes', () => {
  expect(codes.length).toBeGreaterThan(70);
});

test('every code is thrown somewhere', () => {
  expect(codes.filter((code) => !thrown.includes(`'${code}'`))).toEqual([]);
});

test('docs/errors.md tells every code, and no other', () => {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const told = [...page.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z0-9_]+)`/g)].map(([, code = '']) => code),
  );
  expect(told.toSorted()).toEqual(codes.toSorted());
});
