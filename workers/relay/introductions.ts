import type { Address } from '../../runtime/address.ts';
import type { Node } from '../../runtime/node.ts';

/**
 * Lets the answers of two sides reach each other without passing a relay again, until that is taken back. Several relays may
 * introduce the same two: what one takes back still holds for the others. Source: routing.md 5.3
 */
export class Introductions {
  readonly #node: Node;
  /** By whose flow and address; what was so without us is not ours to take back. */
  readonly #counts = new Map<string, number>();

  constructor(node: Node) {
    this.#node = node;
  }

  /** @returns how to take it back; to be called once, also when either is gone */
  introduce(next: Address, previous: Address): () => void {
    const { flows } = this.#node;
    const ends = [this.#admit(previous, flows.ofAnswersThrough(next)?.id), this.#admit(next, flows.ofAnswersThrough(previous)?.id)];
    return () => {
      for (const end of ends) end?.();
    };
  }

  #admit(address: Address, flowId: string | undefined): (() => void) | undefined {
    if (flowId === undefined) return undefined;
    const { flows } = this.#node;
    const key = `${flowId} ${address.key}`;
    const count = this.#counts.get(key) ?? 0;
    if (count === 0 && flows.consumedBy(address).includes(flowId)) return undefined;
    flows.addConsumer(address, flowId);
    this.#counts.set(key, count + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) return void this.#counts.set(key, left);
      this.#counts.delete(key);
      flows.removeConsumer(address, flowId);
    };
  }
}
