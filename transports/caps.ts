/** How many connections a listener takes of which none of the messages has reached a published worker. Source: reliability.md 2.3. */
export interface ConnectionCaps {
  /** In all. Default: 512. */
  readonly strangers: number;
  /** From one address. Default: 32. */
  readonly strangersPerAddress: number;
}

export const CONNECTION_CAPS: ConnectionCaps = { strangers: 512, strangersPerAddress: 32 };

/** Counts strangers. A connection that only keeps itself alive stays one. Source: decisions.md B12. */
export class StrangerCount {
  readonly #caps: ConnectionCaps;
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(caps: Partial<ConnectionCaps> = {}) {
    this.#caps = { ...CONNECTION_CAPS, ...caps };
  }

  /** @returns how to give the place back, which may be called more than once; undefined when there is none left */
  take(host: string): (() => void) | undefined {
    const here = this.#perAddress.get(host) ?? 0;
    if (this.#total >= this.#caps.strangers || here >= this.#caps.strangersPerAddress) return undefined;
    this.#total += 1;
    this.#perAddress.set(host, here + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#total -= 1;
      const left = (this.#perAddress.get(host) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(host);
      else this.#perAddress.set(host, left);
    };
  }
}
