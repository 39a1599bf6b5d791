import type { Identifier } from '../../identities/identifier.ts';
import type { Revocation, Revoked } from './revocations.ts';
import type { AuthorityParts } from './membership.ts';
import type { AuthorityTransaction } from './store.ts';

/** The longest life of a credential that any authority gives by itself: 30 days. Source: authority.md 10 */
export const LONGEST_LIFE_SECONDS = 2_592_000;

/** When credentials become void, and how later ones are told from them. Source: decisions.md D6 */
export class RevocationRules {
  readonly #parts: Pick<AuthorityParts, 'clock' | 'identity'>;
  readonly #longestLifeSeconds: number;

  /** @param lifeSeconds of the credentials that are issued now */
  constructor(parts: Pick<AuthorityParts, 'clock' | 'identity'>, lifeSeconds: number) {
    this.#parts = parts;
    this.#longestLifeSeconds = Math.max(lifeSeconds, LONGEST_LIFE_SECONDS);
  }

  /**
   * Voids what was issued for somebody so far, in the transaction in which it stops being a member.
   * @returns the number of the statement; undefined when nothing was issued that could still hold
   */
  async ofSubject(transaction: AuthorityTransaction, identifier: Identifier): Promise<number | undefined> {
    const newest = await transaction.revocations.newestIssued(identifier);
    const nowSeconds = this.#parts.clock.wallSeconds();
    if (newest === 0 || newest + this.#longestLifeSeconds < nowSeconds) return undefined;
    return (await this.revoke(transaction, { kind: 'subject', identifier })).number;
  }

  /** T is the larger of now and the newest stamp of what is revoked. */
  async revoke({ revocations }: AuthorityTransaction, revoked: Revoked): Promise<Revocation> {
    const newest = await revocations.newestIssued(revoked.kind === 'subject' ? revoked.identifier : undefined);
    const nowSeconds = this.#parts.clock.wallSeconds();
    const notAfter = Math.max(nowSeconds, newest);
    await revocations.forget(nowSeconds);
    return revocations.add({ revoked, notAfter, keptUntil: notAfter + this.#longestLifeSeconds });
  }

  /** The moment to stamp on a new credential, noted: beyond everything that was revoked. @returns seconds since 1970 */
  async stamp({ revocations }: AuthorityTransaction, subject: Identifier): Promise<number> {
    const voided = Math.max(
      await revocations.notAfter({ kind: 'subject', identifier: subject }),
      await revocations.notAfter({ kind: 'issuer', identifier: this.#parts.identity.identifier }),
    );
    const createdAt = Math.max(this.#parts.clock.wallSeconds(), voided + 1);
    await revocations.noteIssued(subject, createdAt);
    return createdAt;
  }
}
