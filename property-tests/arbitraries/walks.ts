import fc from 'fast-check';
import { payloads } from './bytes.ts';
import type { Topology } from './topologies.ts';

/**
 * A way through a topology. As a route it is the address of the connection from each node to the next, then the worker:
 * `Route.of([...hops, worker])`. The addresses of connections are known only once there are connections.
 */
export interface RoutePlan {
  /** From where it begins to where it ends: one at least; any two that follow each other have a link. A loop passes one twice. */
  readonly nodes: readonly string[];
  /** What stands there behind the last hop: a worker, an address of nobody, or a hop on over a connection that is none. */
  readonly end: 'worker' | 'no-worker' | 'no-link';
}

export interface RouteSize {
  /** How many links a route goes over at most; 6 unless given. */
  readonly hopCountMax?: number;
}

/**
 * Walks over the links of a topology, in either direction of a link, with loops, and one in three with a dead end. Shrinks
 * towards a worker on the first node.
 */
export function routesOver(topology: Topology, { hopCountMax = 6 }: RouteSize = {}): fc.Arbitrary<RoutePlan> {
  const neighbours = neighboursOf(topology);
  const choice = fc.nat({ max: 0xffff });
  return fc
    .record({
      start: fc.nat({ max: topology.nodes.length - 1 }),
      steps: fc.array(choice, { maxLength: hopCountMax }),
      end: fc.constantFrom<RoutePlan['end'][]>('worker', 'worker', 'worker', 'worker', 'no-worker', 'no-link'),
    })
    .map(({ start, steps, end }) => {
      let at = topology.nodes[start] ?? '';
      const nodes = [at];
      for (const step of steps) {
        const next = neighbours.get(at) ?? [];
        const to = next[step % next.length];
        if (to === undefined) break; // a node without links
        nodes.push((at = to));
      }
      return { nodes, end };
    });
}

/** A message to send: which way, and with what in it. */
export interface MessagePlan {
  readonly route: RoutePlan;
  readonly payload: Uint8Array;
}

/** Messages of 0 to 300 bytes on ways through a topology. Shrinks towards no bytes to a worker on the first node. */
export function messagesOver(topology: Topology, size: RouteSize = {}): fc.Arbitrary<MessagePlan> {
  return fc.record({ route: routesOver(topology, size), payload: payloads() });
}

function neighboursOf({ links }: Topology): ReadonlyMap<string, readonly string[]> {
  const neighbours = new Map<string, string[]>();
  const add = (from: string, to: string) => {
    const known = neighbours.get(from) ?? [];
    if (!known.includes(to)) neighbours.set(from, [...known, to]);
  };
  for (const { dialer, listener } of links) {
    add(dialer, listener);
    add(listener, dialer);
  }
  return neighbours;
}
