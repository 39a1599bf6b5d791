import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shrunk } from '../shrunk.ts';
import { messagesOver, type RoutePlan, routesOver, topologies } from './index.ts';

const line = {
  nodes: ['a', 'b', 'c'],
  links: [
    { dialer: 'a', listener: 'b' },
    { dialer: 'c', listener: 'b' },
  ],
  relays: [],
};
const hasLoop = ({ nodes }: RoutePlan) => new Set(nodes).size < nodes.length;

test('a route goes from link to link, so many at most', () => {
  const walked = topologies().chain((topology) =>
    fc.record({ topology: fc.constant(topology), route: routesOver(topology, { hopCountMax: 4 }) }),
  );
  const hops = new Set<number>();
  fc.assert(
    fc.property(walked, ({ topology: { nodes: known, links }, route: { nodes } }) => {
      hops.add(nodes.length - 1);
      const linked = (one: string, other: string | undefined) =>
        links.some(({ dialer, listener }) => (dialer === one && listener === other) || (dialer === other && listener === one));
      expect(known).toContain(nodes[0]);
      for (const [index, node] of nodes.slice(0, -1).entries()) expect(linked(node, nodes[index + 1])).toBe(true);
    }),
    { numRuns: 300 },
  );
  expect([...hops].sort()).toEqual([0, 1, 2, 3, 4]);
});

test('there are loops and both kinds of dead ends, and most routes end at a worker', () => {
  const routes = fc.sample(routesOver(line), { seed: 1, numRuns: 300 });
  const count = (holds: (route: RoutePlan) => boolean) => routes.filter(holds).length;
  expect(count(hasLoop)).toBeGreaterThan(60);
  expect(count((route) => !hasLoop(route))).toBeGreaterThan(60);
  expect(count(({ end }) => end === 'no-worker')).toBeGreaterThan(20);
  expect(count(({ end }) => end === 'no-link')).toBeGreaterThan(20);
  expect(count(({ end }) => end === 'worker')).toBeGreaterThan(150);
});

test('routes and messages shrink towards the first node', () => {
  expect(shrunk(routesOver(line), () => true)).toEqual({ nodes: ['a'], end: 'worker' });
  expect(shrunk(routesOver(line), ({ nodes }) => nodes.length > 2)).toEqual({ nodes: ['a', 'b', 'a'], end: 'worker' });
  expect(shrunk(routesOver(line), ({ end }) => end === 'no-link')).toEqual({ nodes: ['a'], end: 'no-link' });
  expect(shrunk(messagesOver(line), ({ payload }) => payload.length > 255)).toMatchObject({ route: { nodes: ['a'], end: 'worker' } });
  expect(shrunk(messagesOver(line), ({ payload }) => payload.length > 255).payload).toHaveLength(256);
});

test('a node without links is all of its routes', () => {
  const alone = { nodes: ['a'], links: [], relays: [] };
  fc.assert(fc.property(routesOver(alone), ({ nodes }) => nodes.join() === 'a'));
});
