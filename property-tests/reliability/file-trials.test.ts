import { describe, expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { afterPowerLoss, canWatchFiles, type FileCall } from './file-calls.ts';
import { rows } from './file-trials.ts';

/** Of what fails, one command in each of the five ways. */
const COUNTS: Readonly<Record<string, number>> = { 'R-F2': 40, 'R-F3': 1 };

test('the rows of file calls', () => {
  expect(rows.map(({ id, full }) => [id, full])).toEqual([
    ['R-F2', 2_000],
    ['R-F3', 85],
  ]);
});

// Elsewhere there is no way to stand between a process and its C library.
test.skipIf(!canWatchFiles).each(rows)('$id: $about', { timeout: 300_000 }, async ({ id, full, run }) => {
  const count = SHARE === 1 ? full : (COUNTS[id] ?? 1);
  const { attempted, passed, worst } = await run({ count, seed: 1 });
  expect({ attempted, passed: passed === attempted }, worst).toEqual({ attempted: count, passed: true });
});

describe('after a loss of power', () => {
  const call = (name: FileCall['name'], path: string, number = 0, text = ''): FileCall => ({
    name,
    path,
    number,
    bytes: Buffer.from(text),
  });
  const all = { isKept: () => true, cut: (byteCount: number) => byteCount };
  const none = { ...all, isKept: () => false };
  const texts = (calls: readonly FileCall[], loss = none) =>
    Object.fromEntries([...afterPowerLoss(calls, '/h', loss)].map(([name, bytes]) => [name, bytes.toString()]));

  test('what was waited for is there, of the rest what is kept', () => {
    const calls = [call('create', '/h/a'), call('sync', '/h'), call('write', '/h/a', 0, 'one'), call('sync', '/h/a')];
    const more = [...calls, call('write', '/h/a', 3, 'two'), call('size', '/h/a', 8)];
    expect(texts(calls)).toEqual({ a: 'one' });
    expect(texts(more)).toEqual({ a: 'one' });
    expect(texts(more, all)).toEqual({ a: 'onetwo\0\0' });
    expect(texts(more.slice(0, -1), { ...all, cut: () => 1 })).toEqual({ a: 'onet' });
  });

  test('a later write may be there without an earlier one', () => {
    const calls = [call('create', '/h/a'), call('sync', '/h'), call('write', '/h/a', 0, 'x'), call('write', '/h/a', 1, 'y')];
    let asked = 0;
    expect(texts(calls, { ...all, isKept: () => ++asked > 1 })).toEqual({ a: '\0y' });
  });

  test('a name comes and goes for sure with its folder', () => {
    const made = [call('create', '/h/a'), call('write', '/h/a', 0, 'x'), call('sync', '/h/a')];
    expect(texts(made)).toEqual({});
    const gone = [...made, call('sync', '/h'), call('remove', '/h/a')];
    expect(texts(gone, all)).toEqual({ a: 'x' });
    expect(texts([...gone, call('sync', '/h')], all)).toEqual({});
    const again = [...gone, call('create', '/h/a')];
    expect([texts(again, all), texts(again)]).toEqual([{ a: '' }, {}]);
    let asked = 0;
    expect(texts(again, { ...all, isKept: () => ++asked > 1 })).toEqual({ a: 'x' });
  });
});
