import { expect, test } from 'vitest';
import type { Row, RowResult } from './row.ts';
import { main, ROWS, runRow } from './run.ts';

const row = (id: string, result: (count: number) => RowResult): Row => ({
  id,
  about: id,
  full: 10,
  run: async ({ count }) => result(count),
});
const good = row('A1', (count) => ({ attempted: count, passed: count, worst: '3 ms' }));
const lazy = row('A2', (count) => ({ attempted: count - 1, passed: count - 1 }));
const failing = row('A3', (count) => ({ attempted: count, passed: count - 1, worst: 'trial 4' }));
const throwing = row('A4', () => {
  throw new TypeError('no');
});

test('every row has a name of its own and a count', () => {
  expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
  expect(ROWS.every(({ full, about }) => full > 0 && about.length > 0)).toBe(true);
  expect(ROWS.length).toBeGreaterThan(40);
});

test('a row fails when it attempts less, passes less, or throws', async () => {
  expect(await runRow(good, { seed: 7 })).toMatchObject({
    id: 'A1',
    seed: 7,
    full: 10,
    attempted: 10,
    passed: 10,
    worst: '3 ms',
    ok: true,
  });
  expect(await runRow(good, { share: 5 })).toMatchObject({ attempted: 2, ok: true });
  expect(await runRow(lazy)).toMatchObject({ attempted: 9, ok: false });
  expect(await runRow(failing)).toMatchObject({ passed: 9, ok: false, worst: 'trial 4' });
  expect(await runRow(throwing)).toMatchObject({ attempted: 0, ok: false });
});

test('one line for each row that is asked for, and an exit code', async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  expect(await main(['a1', '--seed', '3'], print, [good, lazy])).toBe(0);
  expect(lines.map((line) => (JSON.parse(line) as { id: string; seed: number }).seed)).toEqual([3]);
  expect(await main([], print, [good, lazy])).toBe(1);
  expect(lines).toHaveLength(3);
  expect(await main(['A9'], print, [good])).toBe(64);
  expect(await main(['--seed', '0'], print, [good])).toBe(64);
  expect(await main(['--what'], print, [good])).toBe(64);
});
