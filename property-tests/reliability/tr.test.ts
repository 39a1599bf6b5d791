import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './tr.ts';

/** A tenth of a million takes minutes: `npm run reliability` has them all. */
const COUNTS: Readonly<Record<string, number>> = {
  'R-E1': 3_000,
  'R-E1-WS': 3_000,
  TR7: rows.find(({ id }) => id === 'TR7')!.full,
  'R-J1': 20,
};

test('the rows of the transports', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['R-E1', 1_000_000],
    ['R-E1-WS', 1_000_000],
    ['TR7', 364],
    ['TR2', 1_000],
    ['TR3', 5_000],
    ['R-J1', 50],
  ]);
});

test.each(rows)('$id: $about', { timeout: 60_000 }, async ({ id, full, run }) => {
  const count = SHARE === 1 ? full : (COUNTS[id] ?? full / SHARE);
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed, worst: passed < attempted ? worst : 'fine' }).toEqual({ attempted, passed: attempted, worst: 'fine' });
  expect(attempted).toBeGreaterThanOrEqual(count);
});
