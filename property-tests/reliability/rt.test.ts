import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './rt.ts';

const PARTS: Readonly<Record<string, number>> = { RT11: 1 / 6, RT5: 1 / 20, RT8: 1 / 10, RT12: 1 / 250, RT13: 1 / 10, RT15: 1 / 100 };

test.each(rows)('$id: $about', async ({ id, full, run }) => {
  const count = Math.round(full * (SHARE === 1 ? 1 : (PARTS[id] ?? 1)));
  const result = await run({ count, seed: 1 });
  expect(result).toEqual({ ...result, attempted: count, passed: count });
});
