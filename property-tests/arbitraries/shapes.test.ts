import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shrunk } from '../shrunk.ts';
import { behindNat, lines, meshes, stars, type Topology } from './index.ts';

/** The pairs of linked nodes, each with the one that comes first among the nodes first. */
const pairsOf = ({ nodes, links }: Topology) =>
  links
    .map(({ dialer, listener }) => [nodes.indexOf(dialer), nodes.indexOf(listener)].sort((one, other) => one - other))
    .sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const size = { nodeCountMax: 5, relayCountMax: 2 };

test('lines, stars and meshes have the links of their shape and no others, and relays over them', () => {
  const shapes = [
    [lines, (count: number) => upTo(count - 1).map((one) => [one, one + 1])],
    [stars, (count: number) => upTo(count - 1).map((one) => [0, one + 1])],
    [meshes, (count: number) => upTo(count).flatMap((one) => upTo(count).flatMap((other) => (one < other ? [[one, other]] : [])))],
  ] as const;
  for (const [shape, expected] of shapes) {
    const counts = new Set<number>();
    fc.assert(
      fc.property(shape(size), (topology) => {
        const { nodes, links, relays } = topology;
        counts.add(nodes.length);
        expect(pairsOf(topology)).toEqual(expected(nodes.length));
        expect(relays.length).toBeLessThanOrEqual(2);
        for (const { at, owner } of relays) expect(links).toContainEqual({ dialer: owner, listener: at });
      }),
    );
    expect([...counts].sort()).toEqual([2, 3, 4, 5]);
  }
});

test('either end of a link may dial', () => {
  for (const shape of [lines, stars, meshes]) {
    const [forth, back] = [shape(size), shape(size)].map((one, index) =>
      shrunk(one, ({ nodes, links }) =>
        links.some(({ dialer, listener }) => nodes.indexOf(dialer) < nodes.indexOf(listener) === (index === 0)),
      ),
    );
    expect(forth?.links).toEqual([{ dialer: 'node-0', listener: 'node-1' }]);
    expect(back?.links).toEqual([{ dialer: 'node-1', listener: 'node-0' }]);
  }
});

test('nobody dials a node behind address translation, and each is reached through a relay of its own', () => {
  const counts = new Set<number>();
  fc.assert(
    fc.property(behindNat({ nodeCountMax: 5 }), ({ nodes, links, relays, natted }) => {
      const open = nodes.filter((node) => !natted.includes(node));
      counts.add(nodes.length);
      expect([natted.length > 0, open.length > 0]).toEqual([true, true]);
      expect(links.filter(({ listener }) => natted.includes(listener))).toEqual([]);
      expect(links.length).toBe(natted.length + open.length - 1);
      expect(relays.map(({ owner }) => owner)).toEqual(natted);
      expect(new Set(relays.map(({ name }) => name)).size).toBe(relays.length);
      for (const { at, owner } of relays) expect(links).toContainEqual({ dialer: owner, listener: at });
    }),
  );
  expect([...counts].sort()).toEqual([2, 3, 4, 5]);
  fc.assert(fc.property(behindNat({ nodeCountMax: 2 }), ({ nodes }) => nodes.length === 2));
});

test('shapes shrink towards two nodes', () => {
  const two = { nodes: ['node-0', 'node-1'], links: [{ dialer: 'node-0', listener: 'node-1' }], relays: [] };
  for (const shape of [lines, stars, meshes]) expect(shrunk(shape(), () => true)).toEqual(two);
  expect(shrunk(behindNat(), () => true)).toEqual({
    nodes: ['node-0', 'node-1'],
    links: [{ dialer: 'node-1', listener: 'node-0' }],
    relays: [{ name: 'relay-0', at: 'node-0', owner: 'node-1' }],
    natted: ['node-1'],
  });
  expect(shrunk(behindNat(), ({ nodes, natted }) => nodes.length - natted.length === 2).nodes).toEqual(['node-0', 'node-1', 'node-2']);
});
