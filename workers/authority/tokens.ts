import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { hex } from '../../runtime/random.ts';
import { compareText } from './compare-text.ts';
import type { Journal } from './journal.ts';

/** What is kept of a one-time code until it is used up or over. Source: authority.md 4.2 */
export interface Token {
  /** SHA-256 of the 32 bytes of the code, as 64 lower-case hex digits: who reads the store learns no code. */
  readonly codeHash: string;
  /** Ten letters and digits that name it in lists and logs. */
  readonly reference: string;
  readonly issuedBy: Identifier;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Seconds since 1970; from this second on it is void. */
  readonly expiresAt: number;
  /** At least 1. */
  readonly usesLeft: number;
  /** What whoever redeems it becomes. */
  readonly attributes: Attributes;
}

/** The open codes as one transaction sees and changes them: see `AuthorityStore`. Open is what has uses left and `now < expiresAt`. */
export interface Tokens {
  add(token: Token): Promise<void>;
  /** All open ones, by ascending reference. */
  open(nowSeconds: number): Promise<readonly Token[]>;
  /** The open ones that grant exactly this. By ascending reference. */
  withAttribute(name: string, value: string, nowSeconds: number): Promise<readonly Token[]>;
  /**
   * Takes one use: one row is changed, or deleted with its last use, and the number of rows decides. Of two who come at once
   * for the last use, one gets undefined.
   * @returns the row as it was before, or undefined when there is no such open one
   */
  use(codeHash: string, nowSeconds: number): Promise<Token | undefined>;
  /** @returns whether there was such a row */
  remove(reference: string): Promise<boolean>;
  /** Removes all of this issuer. @returns their references, ascending */
  removeIssuedBy(issuer: Identifier): Promise<readonly string[]>;
  /** Removes what has `expiresAt <= nowSeconds`. */
  removeExpired(nowSeconds: number): Promise<void>;
}

/** The form in which a code is kept. @param sha256 of the code's 32 bytes */
export function codeHashOf(sha256: Uint8Array): string {
  return hex(sha256);
}

/** Open codes in memory. */
export class MemoryTokens implements Tokens {
  readonly #rows = new Map<string, Token>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(token: Token): Promise<void> {
    this.#journal.set(this.#rows, token.codeHash, token);
    return Promise.resolve();
  }

  open(nowSeconds: number): Promise<readonly Token[]> {
    return Promise.resolve(this.#where(({ expiresAt }) => nowSeconds < expiresAt));
  }

  withAttribute(name: string, value: string, nowSeconds: number): Promise<readonly Token[]> {
    return Promise.resolve(this.#where(({ expiresAt, attributes }) => nowSeconds < expiresAt && attributes.get(name) === value));
  }

  use(codeHash: string, nowSeconds: number): Promise<Token | undefined> {
    const token = this.#rows.get(codeHash);
    if (token === undefined || nowSeconds >= token.expiresAt) return Promise.resolve(undefined);
    if (token.usesLeft <= 1) this.#journal.delete(this.#rows, codeHash);
    else this.#journal.set(this.#rows, codeHash, { ...token, usesLeft: token.usesLeft - 1 });
    return Promise.resolve(token);
  }

  remove(reference: string): Promise<boolean> {
    const found = this.#where((token) => token.reference === reference);
    for (const { codeHash } of found) this.#journal.delete(this.#rows, codeHash);
    return Promise.resolve(found.length > 0);
  }

  removeIssuedBy(issuer: Identifier): Promise<readonly string[]> {
    const found = this.#where(({ issuedBy }) => issuedBy === issuer);
    for (const { codeHash } of found) this.#journal.delete(this.#rows, codeHash);
    return Promise.resolve(found.map(({ reference }) => reference));
  }

  removeExpired(nowSeconds: number): Promise<void> {
    for (const { codeHash } of this.#where(({ expiresAt }) => expiresAt <= nowSeconds)) this.#journal.delete(this.#rows, codeHash);
    return Promise.resolve();
  }

  #where(matches: (token: Token) => boolean): Token[] {
    return [...this.#rows.values()].filter(matches).sort((left, right) => compareText(left.reference, right.reference));
  }
}
