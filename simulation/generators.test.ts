import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topologies } from '../property-tests/arbitraries/index.ts';
import { shrunk } from '../property-tests/shrunk.ts';
import type { Fault, FaultKind } from './faults.ts';
import { type FaultListOptions, faultLists, type Trouble } from './generators.ts';
import { World } from './world.ts';

const pair = { nodes: ['a', 'b'], links: [{ dialer: 'a', listener: 'b' }], relays: [] };
const alone = { nodes: ['a'], links: [], relays: [] };
const over = (options: FaultListOptions) =>
  topologies().chain((topology) => fc.record({ topology: fc.constant(topology), faults: faultLists(topology, options) }));

const UNDOINGS: readonly FaultKind[] = ['heal', 'release', 'restart'];
const keyOf = ({ atMs: _, ...rest }: Fault) => JSON.stringify(rest);
/** What lasts to the end: of a fault that is undone, the undoing; of a pause, what is after `endMs`. */
function lasting(faults: readonly Fault[], endMs: number): Set<string> {
  const wrong = new Set<string>();
  for (const fault of faults) {
    if (fault.kind === 'partition' || fault.kind === 'hold' || fault.kind === 'crash') {
      wrong.add(keyOf(fault));
    } else if (fault.kind === 'heal') {
      wrong.delete(keyOf({ ...fault, kind: 'partition' }));
    } else if (fault.kind === 'release') {
      wrong.delete(keyOf({ ...fault, kind: 'hold' }));
    } else if (fault.kind === 'restart') {
      wrong.delete(keyOf({ ...fault, kind: 'crash' }));
      wrong.delete(keyOf({ ...fault, kind: 'crash', losesStorage: true }));
    } else if (fault.kind === 'pause' && fault.atMs + fault.forMs >= endMs) {
      wrong.add(keyOf(fault));
    }
  }
  return wrong;
}

test('faults are sorted, in time, of nodes and links that exist, and so many at most', () => {
  fc.assert(
    fc.property(over({ forMs: 1_000, countMax: 5 }), ({ topology: { nodes, links }, faults }) => {
      const times = faults.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(times.every((atMs) => Number.isInteger(atMs) && atMs >= 0 && atMs < 1_000)).toBe(true);
      expect(faults.filter(({ kind }) => !UNDOINGS.includes(kind)).length).toBeLessThanOrEqual(5);
      const linked = (one: string, other: string) =>
        links.some(({ dialer, listener }) => (dialer === one && listener === other) || (dialer === other && listener === one));
      for (const fault of faults) {
        if ('node' in fault) expect(nodes).toContain(fault.node);
        else expect('one' in fault ? linked(fault.one, fault.other) : linked(fault.from, fault.to)).toBe(true);
        if ('pieces' in fault) expect(fault.pieces).toBeGreaterThan(0);
        if (fault.kind === 'pause') expect(fault.forMs).toBeGreaterThan(0);
        if (fault.kind === 'skewClock') expect(fault.seconds).not.toBe(0);
      }
    }),
  );
});

test('when asked, all is undone in time; else some of it never is', () => {
  for (const healsBy of [2, 3, 500]) {
    fc.assert(
      fc.property(over({ forMs: 1_000, healsBy }), ({ faults }) => {
        expect([...lasting(faults, healsBy)]).toEqual([]);
        expect(faults.every(({ atMs }) => atMs < healsBy)).toBe(true);
      }),
    );
  }
  const samples = fc.sample(faultLists(pair, { forMs: 1_000 }), { seed: 1, numRuns: 200 });
  expect(samples.filter((faults) => lasting(faults, 1_000).size > 0).length).toBeGreaterThan(50);
  expect(samples.filter((faults) => faults.length > 0 && lasting(faults, 1_000).size === 0).length).toBeGreaterThan(20);
});

test('every kind turns up, in either direction and of the kinds asked for', () => {
  const counts = new Map<FaultKind, number>();
  const ways = new Set<string>();
  for (const faults of fc.sample(faultLists(pair, { forMs: 1_000 }), { seed: 1, numRuns: 500 })) {
    for (const fault of faults) {
      counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
      if ('from' in fault) ways.add(`${fault.kind} ${fault.from}`);
    }
  }
  expect(counts.size).toBe(17);
  expect(Math.min(...counts.values())).toBeGreaterThan(20);
  expect(ways.size).toBe(2 * 10);

  const kinds: Trouble[] = ['partition', 'crash'];
  const some = fc.sample(faultLists(pair, { forMs: 1_000, kinds }), { seed: 1, numRuns: 100 }).flat();
  expect([...new Set(some.map(({ kind }) => kind))].sort()).toEqual(['crash', 'heal', 'partition', 'restart']);
});

test('a node without links has troubles of its own only, and none when only links are to have some', () => {
  const own = fc.sample(faultLists(alone, { forMs: 1_000 }), { seed: 1, numRuns: 100 }).flat();
  expect([...new Set(own.map(({ kind }) => kind))].sort()).toEqual(['crash', 'pause', 'restart', 'skewClock']);
  expect(fc.sample(faultLists(alone, { forMs: 1_000, kinds: ['reset'] }), 10).flat()).toEqual([]);
});

test('faults shrink to the one that matters, early, short and on the first link', () => {
  const one = (kind: FaultKind, options: Partial<FaultListOptions> = {}) =>
    shrunk(faultLists(pair, { forMs: 1_000, ...options }), (faults) => faults.some((fault) => fault.kind === kind));
  expect(shrunk(faultLists(pair, { forMs: 1_000 }), () => true)).toEqual([]);
  expect(shrunk(faultLists(pair, { forMs: 1_000 }), ({ length }) => length > 0)).toEqual([
    { kind: 'reset', atMs: 0, one: 'a', other: 'b' },
  ]);
  expect(one('partition')).toEqual([{ kind: 'partition', atMs: 0, one: 'a', other: 'b' }]);
  expect(one('partition', { healsBy: 500 })).toEqual([
    { kind: 'partition', atMs: 0, one: 'a', other: 'b' },
    { kind: 'heal', atMs: 1, one: 'a', other: 'b' },
  ]);
  expect(one('hold')).toEqual([{ kind: 'hold', atMs: 0, from: 'a', to: 'b' }]);
  expect(one('pause')).toEqual([{ kind: 'pause', atMs: 0, node: 'a', forMs: 1 }]);
  expect(one('crash')).toEqual([{ kind: 'crash', atMs: 0, node: 'a' }]);
  expect(one('skewClock')).toEqual([{ kind: 'skewClock', atMs: 0, node: 'a', seconds: 1 }]);
  expect(one('corrupt')).toEqual([{ kind: 'corrupt', atMs: 0, from: 'a', to: 'b', pieces: 1 }]);
});

test('a world plays any of them', async () => {
  await fc.assert(
    fc.asyncProperty(over({ forMs: 1_000, healsBy: 900 }), async ({ topology, faults }) => {
      const world = new World({ seed: 1 });
      const nodes = topology.nodes.map((name) => world.node(name));
      world.plan(faults);
      await world.drive(world.pass('1s'));
      expect(world.trace.events.filter(({ kind }) => kind === 'fault').length).toBe(faults.length);
      expect(nodes.every(({ isUp }) => isUp)).toBe(true);
      await world.drive(world.stop());
    }),
    { numRuns: 30 },
  );
});
