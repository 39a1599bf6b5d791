import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './revocation-races.ts';

test('the rows of revocations', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([['R-D6', 400]]);
});

test.each(rows)('$id: $about', { timeout: 240_000 }, async ({ full, run }) => {
  const count = Math.ceil(full / SHARE);
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed: passed === attempted }, worst).toEqual({ attempted: count, passed: true });
});
