import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './ticket-race.ts';

/** Races are short, restarts are not: of six races two have one. */
const COUNT = 6;

test('the rows of races', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['R-D1', 200],
    ['R-D1-PG', 200],
  ]);
});

test.each(rows)('$id: $about', { timeout: 240_000 }, async ({ full, run }) => {
  const count = SHARE === 1 ? full : COUNT;
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed: passed === attempted }, worst).toEqual({ attempted: count, passed: true });
});
