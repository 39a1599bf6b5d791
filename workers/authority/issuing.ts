import type { Identifier } from '../../identities/identifier.ts';
import { CLOCK_DRIFT_SECONDS_MAX } from '../../identities/signed-data.ts';
import { forbidden, Refusal } from '../api/errors.ts';
import { type AuthorityParts, RoleBook } from './membership.ts';
import type { RevocationRules } from './revoking.ts';
import { ANY_RELAY, RELAY } from './roles.ts';

export interface IssuingTerms {
  readonly lifeSeconds: number;
  /** Whether the id of the project goes into each credential, for old clients. */
  readonly hasTrustContextId: boolean;
}

/** The rules about credentials. Source: authority.md 3.4 */
export class Issuing {
  readonly #parts: AuthorityParts;
  readonly #terms: IssuingTerms;
  readonly #revoking: RevocationRules;
  readonly #book: RoleBook;

  constructor(parts: AuthorityParts, terms: IssuingTerms, revoking: RevocationRules) {
    this.#parts = parts;
    this.#terms = terms;
    this.#revoking = revoking;
    this.#book = new RoleBook(parts);
  }

  /**
   * Issues a credential of what the member list says now.
   * @returns CredentialAndPurposeKey
   * @throws {Refusal}
   */
  async issue(caller: Identifier): Promise<Uint8Array> {
    const { store, clock, identity } = this.#parts;
    const holdsProjectAdmin = await this.#book.holdsProjectAdmin(caller);
    const { attributes, createdAt } = await store.transact(async (transaction) => {
      const row = await transaction.members.get(caller);
      if (row === undefined && !holdsProjectAdmin) throw forbidden('unauthorized member');
      const granted = holdsProjectAdmin ? ADMINISTRATOR_ATTRIBUTES : [...(row?.attributes ?? [])];
      return { attributes: this.#withBase(granted), createdAt: await this.#revoking.stamp(transaction, caller) };
    });
    // Revoked credentials were stamped by a clock that was ahead. Nobody believes one that is created too far in the future.
    const aheadSeconds = createdAt - clock.wallSeconds() - CLOCK_DRIFT_SECONDS_MAX;
    if (aheadSeconds > 0) throw new Refusal(500, `The clock of the authority went back: ask again in ${aheadSeconds} s`);
    try {
      return await identity.issueCredential(caller, attributes, { createdAt, lifeSeconds: this.#terms.lifeSeconds });
    } catch (cause) {
      throw new Refusal(500, cause instanceof Error ? cause.message : 'no credential can be issued', { cause });
    }
  }

  /** The member's own attributes win. */
  #withBase(granted: readonly (readonly [string, string])[]): Record<string, string> {
    const base = this.#terms.hasTrustContextId ? [['trust_context_id', this.#parts.project] as const] : [];
    return Object.fromEntries([...base, ...granted]);
  }
}

const ADMINISTRATOR_ATTRIBUTES = [
  [RELAY, ANY_RELAY],
  ['ockam-tls-certificate', 'true'],
] as const;
