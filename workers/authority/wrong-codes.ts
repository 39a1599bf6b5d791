import type { Identifier } from '../../identities/identifier.ts';

/** Source: reliability.md TK1 */
const PER_IDENTITY_MS = 1_000;
/** Identities are free, so all together have a bound too. Our choice. */
const OVERALL_MS = 20;
/** No refusal waits longer; by then the client has given up. */
const DELAY_MS_MAX = 30_000;
/** How many identities are remembered. */
const IDENTITIES_MAX = 4_096;

/**
 * Makes whoever tries codes wait: refusals leave once a second for an identity, and fifty times a second for all together. A
 * right code never waits. Source: decisions.md C6
 */
export class WrongCodes {
  readonly #nextMs = new Map<Identifier, number>();
  #overallMs = 0;

  /** @returns how long this refusal waits */
  delayMs(caller: Identifier, nowMs: number): number {
    const atMs = Math.max(nowMs, this.#nextMs.get(caller) ?? 0, this.#overallMs);
    this.#nextMs.delete(caller);
    this.#nextMs.set(caller, Math.min(atMs, nowMs + DELAY_MS_MAX) + PER_IDENTITY_MS);
    this.#overallMs = Math.min(Math.max(nowMs, this.#overallMs), nowMs + DELAY_MS_MAX) + OVERALL_MS;
    for (const oldest of this.#nextMs.keys()) {
      if (this.#nextMs.size <= IDENTITIES_MAX) break;
      this.#nextMs.delete(oldest);
    }
    return Math.min(atMs - nowMs, DELAY_MS_MAX);
  }
}
