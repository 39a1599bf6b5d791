import type { Attributes } from '../../identities/attributes.ts';
import { compareText } from './compare-text.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Journal } from './journal.ts';

/** One row of the list that an authority keeps. Source: authority.md 4.1 */
export interface Member {
  readonly identifier: Identifier;
  readonly attributes: Attributes;
  /** Who added it: the authority itself for what the host configured, the issuer of the ticket for what came by one. */
  readonly addedBy: Identifier;
  /** Seconds since 1970. */
  readonly addedAt: number;
  /** Configured by the host; nobody deletes it from afar. */
  readonly isPreTrusted: boolean;
}

/** The rows of members as one transaction sees and changes them: see `AuthorityStore`. */
export interface Members {
  get(identifier: Identifier): Promise<Member | undefined>;
  /** All rows, by ascending identifier. */
  list(): Promise<readonly Member[]>;
  /** Those who say exactly this: the administrators, the holder of a relay name. By ascending identifier. */
  withAttribute(name: string, value: string): Promise<readonly Member[]>;
  /** Those whom this identity added, by ascending identifier. */
  addedBy(identifier: Identifier): Promise<readonly Member[]>;
  /** Adds the row, or replaces the one of the same identifier entirely. */
  put(member: Member): Promise<void>;
  /** @returns whether there was such a row */
  remove(identifier: Identifier): Promise<boolean>;
  /** Removes the rows that are marked pre-trusted. */
  removePreTrusted(): Promise<void>;
}

/** Members in memory. */
export class MemoryMembers implements Members {
  readonly #rows = new Map<Identifier, Member>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get(identifier: Identifier): Promise<Member | undefined> {
    return Promise.resolve(this.#rows.get(identifier));
  }

  list(): Promise<readonly Member[]> {
    return this.#where(() => true);
  }

  withAttribute(name: string, value: string): Promise<readonly Member[]> {
    return this.#where(({ attributes }) => attributes.get(name) === value);
  }

  addedBy(identifier: Identifier): Promise<readonly Member[]> {
    return this.#where(({ addedBy }) => addedBy === identifier);
  }

  put(member: Member): Promise<void> {
    this.#journal.set(this.#rows, member.identifier, member);
    return Promise.resolve();
  }

  remove(identifier: Identifier): Promise<boolean> {
    return Promise.resolve(this.#journal.delete(this.#rows, identifier));
  }

  removePreTrusted(): Promise<void> {
    for (const { identifier, isPreTrusted } of [...this.#rows.values()]) if (isPreTrusted) this.#journal.delete(this.#rows, identifier);
    return Promise.resolve();
  }

  #where(matches: (member: Member) => boolean): Promise<readonly Member[]> {
    const found = [...this.#rows.values()].filter(matches);
    return Promise.resolve(found.sort((left, right) => compareText(left.identifier, right.identifier)));
  }
}
