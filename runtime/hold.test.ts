import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/clock.ts';
import { HELD_MS_MAX, Hold, REST_MS } from './hold.ts';

function made() {
  const clock = new SimulatedClock();
  const changes: [atMs: number, isHeld: boolean][] = [];
  const start = clock.monotonicMs();
  const hold: Hold = new Hold(clock, () => changes.push([clock.monotonicMs() - start, hold.isHeld]));
  return { clock, hold, changes };
}

test('it lasts until the last one lets go, and letting go twice counts once', () => {
  const { hold, changes, clock } = made();
  const first = hold.take();
  const second = hold.take();
  first();
  first();
  expect(hold.isHeld).toBe(true);
  second();
  expect([hold.isHeld, changes.map(([, isHeld]) => isHeld), clock.pendingCount]).toEqual([false, [true, false], 0]);
});

test('whoever never lets go holds for 15 s, then reading rests for 15 s', () => {
  const { hold, changes, clock } = made();
  hold.take();
  clock.advance(70_000);
  expect(changes).toEqual([
    [0, true],
    [15_000, false],
    [30_000, true],
    [45_000, false],
    [60_000, true],
  ]);
});

test('one that comes when all is used up waits for its turn', () => {
  const { hold, changes, clock } = made();
  const first = hold.take();
  clock.advance(HELD_MS_MAX);
  first();
  clock.advance(1_000);
  hold.take();
  expect(hold.isHeld).toBe(false);
  clock.advance(REST_MS - 1_000);
  expect([hold.isHeld, changes.at(-1)]).toEqual([true, [30_000, true]]);
});

test('closed, it is over at once and no timer is left', () => {
  const { hold, clock } = made();
  const letGo = hold.take();
  hold.close();
  letGo();
  expect([hold.isHeld, clock.pendingCount]).toEqual([false, 0]);
});

test('whatever anybody does, at most 15 s in any 30 s', () => {
  const step = fc.record({ take: fc.boolean(), waitMs: fc.integer({ min: 0, max: 12_000 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const { hold, changes, clock } = made();
      const holders: (() => void)[] = [];
      for (const { take, waitMs } of steps) {
        if (take) holders.push(hold.take());
        else holders.pop()?.();
        clock.advance(waitMs);
      }
      hold.close();
      const ends = changes.filter(([, isHeld]) => !isHeld).map(([atMs]) => atMs);
      const pauses = ends.map((end, index) => [changes[2 * index]![0], end] as const);
      // The worst window ends where a pause ends.
      for (const [, end] of pauses) {
        const sum = pauses.reduce((all, [from, to]) => all + Math.max(0, Math.min(to, end) - Math.max(from, end - 30_000)), 0);
        expect(sum).toBeLessThanOrEqual(HELD_MS_MAX);
      }
    }),
    { numRuns: 300 },
  );
});
