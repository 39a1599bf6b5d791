import fc from 'fast-check';
import type { Topology } from '../property-tests/arbitraries/topologies.ts';
import type { Fault, FaultKind } from './faults.ts';

/** What begins a trouble; `heal`, `release` and `restart` follow from what they undo. The simplest first, as shrinking goes. */
const TROUBLES = [
  ...(['reset', 'partition', 'hold', 'pause', 'crash', 'skewClock'] as const),
  ...(['delay', 'duplicate', 'reorder', 'drop', 'corrupt', 'truncate', 'splice', 'replay'] as const),
] as const;

export type Trouble = Exclude<FaultKind, 'heal' | 'release' | 'restart'>;

export interface FaultListOptions {
  /** All faults are before this time; 2 at least. */
  readonly forMs: number;
  /** How many troubles there are at most, 8 unless given. What undoes them comes on top, one for each at most. */
  readonly countMax?: number;
  /** Which troubles there may be; all by default. Leave out the edits of an adversary where links are to be honest. */
  readonly kinds?: readonly Trouble[];
  /** Before this time, 2 at least, all is undone: healed, released, restarted, no longer paused. Otherwise half of it never is. */
  readonly healsBy?: number;
}

/** One trouble as it is drawn. All parts are there for every kind, so that each shrinks without the others. */
interface Draw {
  readonly kind: Trouble;
  readonly atMs: number;
  readonly lastsMs: number;
  readonly isUndone: boolean;
  readonly where: number;
  readonly isTurned: boolean;
  readonly amount: number;
  readonly losesStorage: boolean;
}

const PIECES_MAX = 8;
const SKEW_SECONDS_MAX = 86_400;

/**
 * Faults that may befall the nodes and links of a topology, sorted by time. Shrinks by leaving troubles out, together with what
 * undoes them, and towards an early, short reset or partition of the first link. Without links, only nodes are in trouble.
 */
export function faultLists(
  { nodes, links }: Topology,
  { forMs, countMax = 8, kinds = TROUBLES, healsBy }: FaultListOptions,
): fc.Arbitrary<readonly Fault[]> {
  const endMs = Math.min(healsBy ?? forMs, forMs);
  const possible = TROUBLES.filter((kind) => kinds.includes(kind) && (concernsNode(kind) ? nodes : links).length > 0);
  if (possible.length === 0) return fc.constant([]);
  const draw: fc.Arbitrary<Draw> = fc.record({
    kind: fc.constantFrom(...possible),
    // Before it is over there is a moment in which it can be undone.
    atMs: fc.nat({ max: Math.max(0, endMs - 2) }),
    lastsMs: fc.nat({ max: endMs }),
    isUndone: healsBy === undefined ? fc.boolean() : fc.constant(true),
    where: fc.nat({ max: Math.max(nodes.length, links.length) - 1 }),
    isTurned: fc.boolean(),
    amount: fc.integer({ min: -SKEW_SECONDS_MAX, max: SKEW_SECONDS_MAX }),
    losesStorage: fc.boolean(),
  });
  return fc
    .array(draw, { maxLength: countMax })
    .map((draws) => draws.flatMap((one) => faultsOf(one, { nodes, links }, endMs)).sort((left, right) => left.atMs - right.atMs));
}

const concernsNode = (kind: Trouble) => kind === 'pause' || kind === 'crash' || kind === 'skewClock';

/** The trouble, and what undoes it. */
function faultsOf(draw: Draw, { nodes, links }: Pick<Topology, 'nodes' | 'links'>, endMs: number): readonly Fault[] {
  const { kind, atMs, isTurned, amount } = draw;
  const node = nodes[draw.where % nodes.length] ?? '';
  const { dialer = '', listener = '' } = links[draw.where % links.length] ?? {};
  const between = { one: dialer, other: listener };
  const way = isTurned ? { from: listener, to: dialer } : { from: dialer, to: listener };
  const forMs = 1 + (draw.lastsMs % Math.max(1, endMs - atMs - 1));
  const undoneBy = (fault: Fault, undo: Fault) => (draw.isUndone ? [fault, undo] : [fault]);
  const undoneMs = atMs + forMs;
  switch (kind) {
    case 'reset':
      return [{ kind, atMs, ...between }];
    case 'partition':
      return undoneBy({ kind, atMs, ...between }, { kind: 'heal', atMs: undoneMs, ...between });
    case 'hold':
      return undoneBy({ kind, atMs, ...way }, { kind: 'release', atMs: undoneMs, ...way });
    case 'pause':
      return [{ kind, atMs, node, forMs }];
    case 'crash':
      return undoneBy({ kind, atMs, node, ...(draw.losesStorage && { losesStorage: true }) }, { kind: 'restart', atMs: undoneMs, node });
    case 'skewClock':
      return [{ kind, atMs, node, seconds: amount === 0 ? 1 : amount }];
    default:
      return [{ kind, atMs, ...way, pieces: 1 + (Math.abs(amount) % PIECES_MAX) }];
  }
}
