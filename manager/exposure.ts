import type { AccessControl } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { HasFlow, Node } from '../runtime/node.ts';

/** How messages of others come in: by a listener of a transport, by channels that others opened, or by what this node opened. */
export type WayIn = 'listener' | 'channels' | 'opened';

/** What may be reached by a way in. */
export interface Exposed {
  readonly address: Address;
  readonly allow: AccessControl;
  readonly by: readonly WayIn[];
}

/**
 * What of a node may be reached, and by which ways: whatever is added to either side is published on the other.
 * Source: routing.md 2.3; decisions.md A6
 */
export class Exposure {
  readonly #node: Node;
  readonly #ways = new Map<HasFlow, WayIn>();
  readonly #exposed = new Map<string, Exposed>();
  readonly #growing: { readonly ways: HasFlow[]; readonly kinds: readonly WayIn[]; readonly published: (way: HasFlow) => void }[] = [];

  constructor(node: Node) {
    this.#node = node;
  }

  /** The ways of these kinds that are there now. */
  ways(...kinds: readonly WayIn[]): HasFlow[] {
    return [...this.#ways].filter(([, kind]) => kinds.includes(kind)).map(([way]) => way);
  }

  /**
   * As `ways`, for what publishes by itself whenever it likes: the list is kept as the ways are.
   * @param published called with each way that is new: what is there has to be published on it
   */
  growingWays(kinds: readonly WayIn[], published: (way: HasFlow) => void): readonly HasFlow[] {
    const ways = this.ways(...kinds);
    this.#growing.push({ ways, kinds, published });
    return ways;
  }

  addWay(way: HasFlow, kind: WayIn): void {
    this.#ways.set(way, kind);
    for (const { ways, kinds, published } of this.#growing)
      if (kinds.includes(kind)) {
        ways.push(way);
        published(way);
      }
    for (const { address, allow, by } of this.#exposed.values()) if (by.includes(kind)) this.#node.publish(address, { on: way, allow });
  }

  removeWay(way: HasFlow): void {
    this.#ways.delete(way);
    for (const { ways } of this.#growing) if (ways.includes(way)) ways.splice(ways.indexOf(way), 1);
  }

  add(exposed: Exposed): void {
    this.#exposed.set(exposed.address.key, exposed);
    const on = this.ways(...exposed.by);
    if (on.length > 0) this.#node.publish(exposed.address, { on, allow: exposed.allow });
  }

  /** To be called before its worker ends. */
  remove(address: Address): void {
    this.#exposed.delete(address.key);
  }
}
