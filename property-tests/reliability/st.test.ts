import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './st.ts';

/** What a row runs here: processes take long to start. */
const COUNTS: Readonly<Record<string, number>> = { 'R-F1': 6, 'R-F5': 160, ST1: 1 };

test('the rows of state', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['R-F1', 500],
    ['R-F5', 4_000],
    ['ST1', 24],
  ]);
});

test.each(rows)('$id: $about', { timeout: 240_000 }, async ({ id, full, run }) => {
  const count = SHARE === 1 ? full : (COUNTS[id] ?? Math.ceil(full / SHARE));
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed: passed === attempted }, worst).toEqual({ attempted: count, passed: true });
});
