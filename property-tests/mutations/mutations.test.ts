import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutated } from './mutation.ts';
import { mutations } from './mutations.ts';
import { escaped, ROOT, ScratchCopy } from './scratch-copy.ts';
import { mutationsPage } from './table.ts';

const sourceOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');
/** A small part of `npm run mutate`. */
const SAMPLE = 3;

test('every check that can be taken away is still there, once', () => {
  for (const mutation of mutations) expect(mutated(sourceOf(mutation.file), mutation)).not.toBe(sourceOf(mutation.file));
  expect(new Set(mutations.map(({ check }) => check)).size).toBe(mutations.length);
  expect(mutations.length).toBeGreaterThanOrEqual(50);
});

test('a list that is of another time is refused by the name of the check', () => {
  const [first] = mutations;
  if (first === undefined) throw new Error('The list is empty.');
  expect(() => mutated('', first)).toThrow('hop limit: what is to be taken away stands 0 times in runtime/router.ts');
  expect(() => mutated(first.find + first.find, first)).toThrow('stands 2 times');
});

test('the page in docs tells of all of them', () => {
  expect(readFileSync(join(ROOT, 'docs', 'mutations.md'), 'utf8')).toBe(mutationsPage());
});

test('a failure for another reason than the named one counts as an escape', () => {
  const [first] = mutations;
  if (first === undefined) throw new Error('The list is empty.');
  expect(escaped(first, { events: 3 })).toBe('hop limit: access holds without it.');
  expect(escaped(first, { failure: 'Error: something else' })).toBe('hop limit: access fails for another reason: Error: something else');
  expect(escaped(first, { failure: `${first.caughtBy}: it went on` })).toBeUndefined();
});

// Others whenever a mutated source changes, and the same as long as none does.
test(`${SAMPLE} of them are caught, by scenarios that hold untouched`, { timeout: 240_000 }, async () => {
  const hash = createHash('sha256');
  for (const file of new Set(mutations.map(({ file }) => file))) hash.update(sourceOf(file));
  const first = hash.digest().readUInt32BE(0);
  const step = Math.floor(mutations.length / SAMPLE);
  using copy = new ScratchCopy();
  for (let index = 0; index < SAMPLE; index++) {
    const mutation = mutations[(first + index * step) % mutations.length];
    if (mutation === undefined) throw new Error('The list is empty.');
    expect(await copy.play(mutation.scenario)).toHaveProperty('events');
    expect(escaped(mutation, await copy.without(mutation))).toBeUndefined();
  }
});
