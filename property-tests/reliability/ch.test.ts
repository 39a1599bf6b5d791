import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './ch.ts';

/** What a row runs here where a tenth takes too long, or is too little to reach all its cases. */
const COUNTS: Readonly<Record<string, number>> = {
  CH3: 1_061,
  CH8: 10_000,
  CH9: 20_000,
  CH10: 2,
  CH12: 20_000,
  CH13: 33,
  CH15: 400,
  CH18: 62,
  CH22: 57,
  CH25: 100,
  CH29: 1_500,
  CH31: 84,
};

test('the rows of channels', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['CH2', 200],
    ['CH3', 10_613],
    ['CH5', 1_000],
    ['CH8', 100_000],
    ['CH9', 1_000_000],
    ['CH12', 1_000_000],
    ['CH13', 33],
    ['CH14', 70_001],
    ['CH15', 33_614],
    ['CH17', 6_956],
    ['CH18', 62],
    ['CH22', 57],
    ['CH1', 1_000],
    ['CH4', 3_000],
    ['CH6', 30],
    ['CH16', 600],
    ['CH19', 40],
    ['CH23', 40],
    ['CH26', 40],
    ['CH27', 40],
    ['CH28', 30],
    ['CH20', 40],
    ['CH21', 20],
    ['CH24', 40],
    ['CH25', 10_000],
    ['CH29', 10_000],
    ['CH30', 20],
    ['CH31', 84],
    ['CH10', 100],
  ]);
});

test.each(rows)('$id: $about', { timeout: 60_000 }, async ({ id, full, run }) => {
  const count = SHARE === 1 ? full : (COUNTS[id] ?? Math.ceil(full / SHARE));
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed }, worst).toEqual({ attempted: count, passed: count });
});
