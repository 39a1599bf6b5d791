import type { Identifier } from '../../identities/identifier.ts';
import type { CredentialFacts } from '../secure-channel/revocation-check.ts';
import type { Revocation } from './revocations.ts';

/** What a node has heard from an authority. */
export interface Heard {
  /** All up to this number are applied. */
  readonly number: number;
  readonly revocations: readonly Revocation[];
}

/** Where what was heard outlives a node. */
export interface HeardRepository {
  heard(authority: Identifier): Promise<Heard>;
  /** Adds to the revocations of that authority, by number, and replaces its number: both or nothing. */
  keep(authority: Identifier, heard: Heard): Promise<void>;
  /** Removes what has `keptUntil < nowSeconds`. */
  forget(nowSeconds: number): Promise<void>;
}

/** What was heard, in memory: a node that starts again hears it again. */
export class MemoryHeardRepository implements HeardRepository {
  readonly #heard = new Map<Identifier, Heard>();

  heard(authority: Identifier): Promise<Heard> {
    return Promise.resolve(this.#heard.get(authority) ?? { number: 0, revocations: [] });
  }

  async keep(authority: Identifier, { number, revocations }: Heard): Promise<void> {
    const byNumber = new Map((await this.heard(authority)).revocations.map((each) => [each.number, each]));
    for (const each of revocations) byNumber.set(each.number, each);
    this.#heard.set(authority, { number, revocations: [...byNumber.values()] });
  }

  forget(nowSeconds: number): Promise<void> {
    for (const [authority, { number, revocations }] of this.#heard)
      this.#heard.set(authority, { number, revocations: revocations.filter(({ keptUntil }) => keptUntil >= nowSeconds) });
    return Promise.resolve();
  }
}

/** What one authority has revoked, as far as it matters: for each target the latest moment counts. */
export class RevokedList {
  readonly #authority: Identifier;
  readonly #latest = new Map<string, Revocation>();

  constructor(authority: Identifier) {
    this.#authority = authority;
  }

  /** @returns whether it says anything that was not known: an older statement, or one told again, changes nothing */
  add(revocation: Revocation): boolean {
    const key = keyOf(revocation);
    const known = this.#latest.get(key);
    if (known !== undefined && known.notAfter >= revocation.notAfter) return false;
    this.#latest.set(key, revocation);
    return true;
  }

  /** Removes what has `keptUntil < nowSeconds`: every credential it means has expired. */
  forget(nowSeconds: number): void {
    for (const [key, { keptUntil }] of this.#latest) if (keptUntil < nowSeconds) this.#latest.delete(key);
  }

  /** An authority takes back only what it has issued itself. */
  has({ issuer, subject, createdAt, hash }: CredentialFacts): boolean {
    if (issuer !== this.#authority) return false;
    return [`subject ${subject}`, `issuer ${issuer}`, `credential ${hash}`].some(
      (key) => createdAt <= (this.#latest.get(key)?.notAfter ?? -1),
    );
  }
}

function keyOf({ revoked }: Revocation): string {
  return `${revoked.kind} ${revoked.kind === 'credential' ? revoked.hash : revoked.identifier}`;
}
