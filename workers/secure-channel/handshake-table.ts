import type { Address } from '../../runtime/address.ts';
import type { Node } from '../../runtime/node.ts';

/** Handshakes in progress. Source: reliability.md 2.3. */
export const HANDSHAKES_PER_CONNECTION_MAX = 64;
export const HANDSHAKES_MAX = 1_024;

interface Entry {
  readonly connection: string;
  readonly abandon: () => void;
}

/**
 * The half-made handshakes of a node, by the connection they came in by. A full table gives up the oldest of the connection
 * that holds most, so one peer's flood costs that peer its own. Source: decisions.md B12
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
   * @param abandon ends it; called at most once
   * @returns how to say that it is over, one way or the other
   */
  enter(connection: Address, abandon: () => void): () => void {
    const entry: Entry = { connection: connection.key, abandon };
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
    for (const oldest of entries) {
      this.#leave(oldest);
      oldest.abandon();
      return;
    }
  }

  #leave(entry: Entry): void {
    const entries = this.#byConnection.get(entry.connection);
    if (entries?.delete(entry) !== true) return;
    this.#total -= 1;
    if (entries.size === 0) this.#byConnection.delete(entry.connection);
  }
}

const tables = new WeakMap<Node, HandshakeTable>();
