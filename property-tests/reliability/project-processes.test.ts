import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './project-processes.ts';

/** Of the races two of four with a kill, of the revocations one of five while a process is down. */
const COUNTS: Readonly<Record<string, number>> = { PG1: 3, PG2: 5 };

test('the rows of several processes', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['PG1', 60],
    ['PG2', 60],
  ]);
});

test.each(rows)('$id: $about', { timeout: 240_000 }, async ({ id, full, run }) => {
  const count = SHARE === 1 ? full : (COUNTS[id] ?? 1);
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed: passed === attempted }, worst).toEqual({ attempted: count, passed: true });
});
