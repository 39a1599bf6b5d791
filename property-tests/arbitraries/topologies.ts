import fc from 'fast-check';

/** A connection: who dials, and who listens. Messages pass both ways. */
export interface LinkPlan {
  readonly dialer: string;
  readonly listener: string;
}

/** A relay called `name` on node `at`, registered by `owner`, which has a link to `at`. */
export interface RelayPlan {
  readonly name: string;
  readonly at: string;
  readonly owner: string;
}

/** Which nodes there are, and how messages can pass between them. Plain data: JSON keeps it whole. */
export interface Topology {
  readonly nodes: readonly string[];
  readonly links: readonly LinkPlan[];
  readonly relays: readonly RelayPlan[];
}

export interface TopologySize {
  /** 6 unless given; at least 1. */
  readonly nodeCountMax?: number;
  /** 3 unless given. Relays need a link, so a single node has none. */
  readonly relayCountMax?: number;
}

/**
 * Connected networks: `node-0` and up to five more, each linked to one before it in either direction, with up to two further
 * links, and relays over links that exist. No node links to itself; a pair may be linked twice. Shrinks towards one node.
 */
export function topologies(size: TopologySize = {}): fc.Arbitrary<Topology> {
  const { nodeCountMax = 6, relayCountMax = 3 } = size;
  const joining = fc.record({ to: fc.nat({ max: nodeCountMax }), dials: fc.boolean() });
  const further = fc.record({ from: fc.nat({ max: nodeCountMax }), distance: fc.nat({ max: nodeCountMax }) });
  return fc
    .record({
      joins: fc.array(joining, { maxLength: nodeCountMax - 1 }),
      furtherLinks: fc.array(further, { maxLength: 2 }),
      relays: fc.array(fc.nat({ max: 2 * nodeCountMax }), { maxLength: relayCountMax }),
    })
    .map(({ joins, furtherLinks, relays }) => {
      const nodes = ['node-0', ...joins.map((_, index) => nodeName(index + 1))];
      const links = joins.map(({ to, dials }, index) => link(nodeName(index + 1), nodeName(to % (index + 1)), dials));
      if (nodes.length > 1) {
        for (const { from, distance } of furtherLinks) {
          const other = (from + 1 + (distance % (nodes.length - 1))) % nodes.length;
          links.push(link(nodeName(from % nodes.length), nodeName(other), true));
        }
      }
      return { nodes, links, relays: links.length === 0 ? [] : relays.map((choice, index) => relay(links, choice, index)) };
    });
}

export const nodeName = (index: number) => `node-${index}`;

function link(node: string, other: string, dials: boolean): LinkPlan {
  return dials ? { dialer: node, listener: other } : { dialer: other, listener: node };
}

/** A relay over one of the links, of which there is one at least. */
export function relay(links: readonly LinkPlan[], choice: number, index: number): RelayPlan {
  const over = links[choice % links.length];
  return { name: `relay-${index}`, at: over?.listener ?? '', owner: over?.dialer ?? '' };
}
