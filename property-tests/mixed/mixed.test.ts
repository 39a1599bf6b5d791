import { expect, test } from 'vitest';
import { Coverage, RARE_BRANCHES } from './coverage.ts';
import { faultsOf, planOf, STEPS_MAX } from './plan.ts';
import { trySeed, trySeeds } from './seeds.ts';

const SLICE_MS = 20_000;
/** A seed is begun within the slice and ends after it, on a machine that may do much else. */
const PATIENCE_MS = 180_000;

/** The same seeds at each run, so that a change is judged by itself; `POSTERN_SEED` begins elsewhere, and R-B1 of `npm run reliability` runs all. */
const first = Number(process.env['POSTERN_SEED'] ?? 1);

test(
  `seeds from ${first} on hold, as many as 20 s allow`,
  async () => {
    const untilMs = performance.now() + SLICE_MS;
    const { runs, failures, virtualMs } = await trySeeds(first, 2 ** 30, () => performance.now() < untilMs);
    console.log(`mixed simulation: ${runs} seeds from ${first} on, ${Math.round(virtualMs / 1_000)} s of virtual time`);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);

test('plans have 2 to 5 nodes, and at most 200 steps with their faults', () => {
  const plans = Array.from({ length: 500 }, (_, seed) => planOf(seed));
  expect(new Set(plans.map(({ nodes }) => nodes.length))).toEqual(new Set([2, 3, 4, 5]));
  const steps = plans.map((plan) => plan.steps.length + faultsOf(plan).length);
  expect(Math.max(...steps)).toBeLessThanOrEqual(STEPS_MAX);
  expect(Math.max(...steps)).toBeGreaterThan(STEPS_MAX / 2);
});

test('clocks that jump are set right by the end, and their nodes keep their storage', () => {
  for (let seed = 0; seed < 300; seed++) {
    const faults = faultsOf(planOf(seed));
    const wrong = new Map<string, number>();
    for (const fault of faults) if (fault.kind === 'skewClock') wrong.set(fault.node, (wrong.get(fault.node) ?? 0) + fault.seconds);
    expect([...wrong.values()].every((seconds) => seconds === 0)).toBe(true);
    expect(faults.some((fault) => fault.kind === 'crash' && fault.losesStorage === true && wrong.has(fault.node))).toBe(false);
  }
});

test('a run is counted by its faults and by what became of it', async () => {
  const { trace } = await trySeed(5);
  const coverage = new Coverage();
  coverage.add(trace);
  const faults = trace.events.filter(({ kind }) => kind === 'fault');
  const counted = Object.entries(coverage.counts).filter(([what]) => what.startsWith('fault '));
  expect(counted.reduce((sum, [, count]) => sum + count, 0)).toBe(faults.length);
  expect(faults.length).toBeGreaterThan(0);
  expect(coverage.missing.length).toBeGreaterThan(RARE_BRANCHES.length / 4);
  coverage.merge(Object.fromEntries(coverage.table.map((line) => [line.replace(/ +\d+$/, ''), 1_000])));
  expect(coverage.missing).toEqual([]);
});
