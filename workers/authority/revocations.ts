import type { Identifier } from '../../identities/identifier.ts';
import { compareText } from './compare-text.ts';
import type { Journal } from './journal.ts';

/** Whose credentials are void: all of a subject, all of an issuer, or one, named by the SHA-256 of its signed data in hex. */
export type Revoked =
  | { readonly kind: 'subject'; readonly identifier: Identifier }
  | { readonly kind: 'issuer'; readonly identifier: Identifier }
  | { readonly kind: 'credential'; readonly hash: string };

/** A numbered statement: the credentials of `revoked` that were created at or before `notAfter` are void. Source: decisions.md D6 */
export interface Revocation {
  /** From 1, without gaps, in the order in which they were made. */
  readonly number: number;
  readonly revoked: Revoked;
  /** T: seconds since 1970. */
  readonly notAfter: number;
  /** Seconds since 1970; by then every credential it could mean has expired, and it may be forgotten. */
  readonly keptUntil: number;
}

/** What a node that fetches revocations has said of itself. */
export interface Acknowledgement {
  readonly node: Identifier;
  /** It has applied all up to this number. */
  readonly number: number;
  /** Seconds since 1970, when it said so last. */
  readonly at: number;
}

/**
 * Revocations, and the stamps of credentials, as one transaction sees and changes them: see `AuthorityStore`. They are kept
 * unsigned and signed when they are served, so that no key is needed inside a transaction.
 */
export interface Revocations {
  /** Keeps the larger of what was noted before and this: a credential of that subject was given this `created_at`. */
  noteIssued(subject: Identifier, createdAt: number): Promise<void>;
  /** The newest `created_at` that was noted for a subject, or for anybody; 0 for none. */
  newestIssued(subject?: Identifier): Promise<number>;
  /** The largest `notAfter` of what is revoked, or 0: a later credential of it is stamped beyond. */
  notAfter(revoked: Revoked): Promise<number>;
  /** The largest number that was ever given, also when its statement is forgotten; 0 for none. */
  lastNumber(): Promise<number>;
  /** Adds one under the next number. */
  add(revocation: Omit<Revocation, 'number'>): Promise<Revocation>;
  /** Those with a larger number, ascending; at most `countMax`. */
  after(number: number, countMax: number): Promise<readonly Revocation[]>;
  /** Removes what has `keptUntil < nowSeconds`. Numbers are not given twice. */
  forget(nowSeconds: number): Promise<void>;
  /** Keeps the larger number of a node, and the time. */
  acknowledge(acknowledgement: Acknowledgement): Promise<void>;
  /** One for each node that ever acknowledged, by ascending identifier. */
  acknowledgements(): Promise<readonly Acknowledgement[]>;
}

/** Revocations in memory. */
export class MemoryRevocations implements Revocations {
  readonly #issued = new Map<Identifier, number>();
  readonly #rows = new Map<number, Revocation>();
  readonly #acknowledged = new Map<Identifier, Acknowledgement>();
  readonly #numbers = new Map<'last', number>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  noteIssued(subject: Identifier, createdAt: number): Promise<void> {
    this.#journal.set(this.#issued, subject, Math.max(createdAt, this.#issued.get(subject) ?? 0));
    return Promise.resolve();
  }

  newestIssued(subject?: Identifier): Promise<number> {
    if (subject !== undefined) return Promise.resolve(this.#issued.get(subject) ?? 0);
    let newest = 0;
    for (const createdAt of this.#issued.values()) newest = Math.max(newest, createdAt);
    return Promise.resolve(newest);
  }

  notAfter(revoked: Revoked): Promise<number> {
    let latest = 0;
    for (const row of this.#rows.values()) if (isSame(row.revoked, revoked)) latest = Math.max(latest, row.notAfter);
    return Promise.resolve(latest);
  }

  lastNumber(): Promise<number> {
    return Promise.resolve(this.#numbers.get('last') ?? 0);
  }

  add(revocation: Omit<Revocation, 'number'>): Promise<Revocation> {
    const number = (this.#numbers.get('last') ?? 0) + 1;
    const added = { ...revocation, number };
    this.#journal.set(this.#numbers, 'last', number);
    this.#journal.set(this.#rows, number, added);
    return Promise.resolve(added);
  }

  after(number: number, countMax: number): Promise<readonly Revocation[]> {
    return Promise.resolve([...this.#rows.values()].filter((row) => row.number > number).slice(0, countMax)); // Added in order.
  }

  forget(nowSeconds: number): Promise<void> {
    for (const { number, keptUntil } of [...this.#rows.values()]) if (keptUntil < nowSeconds) this.#journal.delete(this.#rows, number);
    return Promise.resolve();
  }

  acknowledge(acknowledgement: Acknowledgement): Promise<void> {
    const { node, number } = acknowledgement;
    const before = this.#acknowledged.get(node)?.number ?? 0;
    this.#journal.set(this.#acknowledged, node, { ...acknowledgement, number: Math.max(number, before) });
    return Promise.resolve();
  }

  acknowledgements(): Promise<readonly Acknowledgement[]> {
    return Promise.resolve([...this.#acknowledged.values()].sort((left, right) => compareText(left.node, right.node)));
  }
}

function isSame(one: Revoked, other: Revoked): boolean {
  if (one.kind === 'credential') return other.kind === 'credential' && one.hash === other.hash;
  return other.kind === one.kind && one.identifier === other.identifier;
}
