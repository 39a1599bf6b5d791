import fc from 'fast-check';
import { type LinkPlan, nodeName, relay, type Topology, type TopologySize } from './topologies.ts';

/** A topology with nodes that can dial out and cannot be dialled. */
export interface NatTopology extends Topology {
  /** Those behind address translation; no link has one of them as its listener. */
  readonly natted: readonly string[];
}

/** `node-0` to at most `node-5` in a row, each linked to the next, either of them dialling. Shrinks towards two, the first dialling. */
export function lines(size: TopologySize = {}): fc.Arbitrary<Topology> {
  return shaped(size, (node) => [node - 1]);
}

/** Up to five nodes around `node-0`, each linked to it alone, either of them dialling. Shrinks towards two nodes. */
export function stars(size: TopologySize = {}): fc.Arbitrary<Topology> {
  return shaped(size, () => [0]);
}

/** Two to six nodes with one link between any two, either of them dialling. Shrinks towards two nodes. */
export function meshes(size: TopologySize = {}): fc.Arbitrary<Topology> {
  return shaped(size, (node) => upTo(node));
}

/**
 * One or two relay nodes in the open, linked when there are two, and nodes behind address translation, six in all at most. Each
 * of these dials one relay node and owns a relay there: whoever is to reach it goes through that. Shrinks towards one relay node
 * and one behind address translation.
 */
export function behindNat({ nodeCountMax = NODE_COUNT_MAX }: Pick<TopologySize, 'nodeCountMax'> = {}): fc.Arbitrary<NatTopology> {
  const openCountMax = nodeCountMax > 2 ? 2 : 1;
  return fc
    .record({
      openCount: fc.integer({ min: 1, max: openCountMax }),
      dials: fc.array(fc.nat({ max: openCountMax - 1 }), { minLength: 1, maxLength: nodeCountMax - openCountMax }),
    })
    .map(({ openCount, dials }) => {
      const backbone: LinkPlan[] = openCount === 2 ? [{ dialer: nodeName(1), listener: nodeName(0) }] : [];
      const outward = dials.map((to, index) => ({ dialer: nodeName(openCount + index), listener: nodeName(to % openCount) }));
      return {
        nodes: upTo(openCount + dials.length).map(nodeName),
        links: [...backbone, ...outward],
        relays: outward.map(({ dialer, listener }, index) => ({ name: `relay-${index}`, at: listener, owner: dialer })),
        natted: outward.map(({ dialer }) => dialer),
      };
    });
}

const NODE_COUNT_MAX = 6;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** @param linkedTo to which of those before it a node is linked, by their numbers */
function shaped(size: TopologySize, linkedTo: (node: number) => readonly number[]): fc.Arbitrary<Topology> {
  const { nodeCountMax = NODE_COUNT_MAX, relayCountMax = 3 } = size;
  // A list for each node after the first, of which links it dials: so that links shrink together with their node.
  const joins = fc.array(fc.array(fc.boolean(), { maxLength: linkedTo(nodeCountMax - 1).length }), {
    minLength: 1,
    maxLength: nodeCountMax - 1,
  });
  return fc.record({ joins, relays: fc.array(fc.nat({ max: 0xff }), { maxLength: relayCountMax }) }).map(({ joins: dials, relays }) => {
    const links = dials.flatMap((isDialled, index) =>
      linkedTo(index + 1).map((other, link) => {
        const [dialer, listener] = isDialled[link] === true ? [index + 1, other] : [other, index + 1];
        return { dialer: nodeName(dialer), listener: nodeName(listener) };
      }),
    );
    return { nodes: upTo(dials.length + 1).map(nodeName), links, relays: relays.map((choice, index) => relay(links, choice, index)) };
  });
}
