import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';

/** Handshakes in progress. Source: reliability.md 2.3. */
export const HANDSHAKES_PER_CONNECTION_MAX = 64;
export const HANDSHAKES_MAX = 1_024;
/**
 * So many hops of the way back tell apart who shares a connection: a relay says by which of its own connections each came.
 * What a sender says of itself stands behind that, and divides its own share only. Our own bound.
 */
const HOPS_TOLD_APART = 4;

interface Entry {
  readonly connection: string;
  /** Keys of the first hops of the way back. */
  readonly hops: readonly string[];
  readonly abandon: () => void;
}

/**
 * The half-made handshakes of a node, by the connection they came in by. A full table gives up the oldest of the connection
 * that holds most, and of those behind it the one that holds most, so one peer's flood costs that peer its own, also
 * through a relay. Source: decisions.md B12
 */
export class HandshakeTable {
  readonly #byConnection = new Map<string, Set<Entry>>();
  #total = 0;

  static of(node: Node): HandshakeTable {
    let table = tables.get(node);
    if (table === undefined) {
      table = new HandshakeTable();
      tables.set(node, table);
    }
    return table;
  }

  get count(): number {
    return this.#total;
  }

  /**
   * Enters a handshake, at the cost of an older one when there is no room.
   * @param wayBack not empty: its first hop is the connection
   * @param abandon ends it; called at most once
   * @returns how to say that it is over, one way or the other
   */
  enter(wayBack: Route, abandon: () => void): () => void {
    const entry: Entry = { connection: wayBack.next.key, hops: firstHops(wayBack), abandon };
    const entries = this.#byConnection.get(entry.connection) ?? new Set();
    this.#byConnection.set(entry.connection, entries.add(entry));
    this.#total += 1;
    if (entries.size > HANDSHAKES_PER_CONNECTION_MAX) this.#abandonOldest(entries);
    else if (this.#total > HANDSHAKES_MAX) this.#abandonOldest(this.#largest());
    return () => this.#leave(entry);
  }

  #largest(): Set<Entry> {
    let largest = new Set<Entry>();
    for (const entries of this.#byConnection.values()) if (entries.size > largest.size) largest = entries;
    return largest;
  }

  #abandonOldest(entries: Set<Entry>): void {
    let group: readonly Entry[] = [...entries];
    for (let hop = 1; hop < HOPS_TOLD_APART && group.length > 1; hop++) group = largestGroup(group, hop);
    const [oldest] = group;
    if (oldest === undefined) return;
    this.#leave(oldest);
    oldest.abandon();
  }

  #leave(entry: Entry): void {
    const entries = this.#byConnection.get(entry.connection);
    if (entries?.delete(entry) !== true) return;
    this.#total -= 1;
    if (entries.size === 0) this.#byConnection.delete(entry.connection);
  }
}

function firstHops(wayBack: Route): string[] {
  const hops: string[] = [];
  for (let rest = wayBack; !rest.isEmpty && hops.length < HOPS_TOLD_APART; rest = rest.rest) hops.push(rest.next.key);
  return hops;
}

/** Those that have that hop in common and are most, in their order. */
function largestGroup(entries: readonly Entry[], hop: number): readonly Entry[] {
  const groups = new Map<string | undefined, Entry[]>();
  let largest: Entry[] = [];
  for (const entry of entries) {
    const group = groups.get(entry.hops[hop]) ?? [];
    groups.set(entry.hops[hop], group);
    if (group.push(entry) > largest.length) largest = group;
  }
  return largest;
}

const tables = new WeakMap<Node, HandshakeTable>();
