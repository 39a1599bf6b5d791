import { expect, test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { rows } from './po.ts';
import { killUnder } from './portal-processes.ts';
import { ProcessWorld } from './processes.ts';

/** What runs here, and as what part of its count; PO1 is a law of portal.property.test.ts. */
const PARTS: Readonly<Record<string, number>> = {
  'R-C5': 1 / 200,
  PO2: 1 / 20,
  PO3: 1 / 25,
  PO4: 1 / 10,
  PO5: 3 / 100,
  PO7: 1 / 100,
  PO10: 1 / 10,
  'R-C3': 3 / 25,
  'R-C2S': 1 / 40,
  'R-C12': 1 / 8,
  PO6: 1 / 10,
  PO8: 1 / 5,
  'R-C6': 1 / 25,
  'R-C8': 1 / 100,
  'R-C11': 1 / 10,
};

test.each(rows.filter(({ id }) => id in PARTS))('$id: $about', async ({ id, full, run }) => {
  const count = Math.max(1, Math.round(full * (SHARE === 1 ? 1 : (PARTS[id] ?? 1))));
  const result = await run({ count, seed: 1 });
  expect(result).toEqual({ ...result, attempted: count, passed: count });
});

test('kill -9 of the relay process: streams end with exact prefixes within 30 s, new ones work within 5 s of its return', async () => {
  const world = await ProcessWorld.make();
  try {
    const { overMs, backMs, fault } = await killUnder({ world, victim: 'relay', afterMs: 300, downMs: 500, streams: 8 });
    expect(fault).toBeUndefined();
    expect(overMs).toBeLessThan(30_000);
    expect(backMs).toBeLessThan(5_000);
  } finally {
    await world.stop();
  }
}, 60_000);
