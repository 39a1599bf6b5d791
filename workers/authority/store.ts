import { Journal } from './journal.ts';
import { type Members, MemoryMembers } from './members.ts';
import { MemoryRevocations, type Revocations } from './revocations.ts';
import { MemoryTokens, type Tokens } from './tokens.ts';

/** What one transaction sees and changes. */
export interface AuthorityTransaction {
  readonly members: Members;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
}

/**
 * Where an authority keeps its members, codes and revocations; several processes may share one. The rules are written once, in
 * the services: a store only makes sure that what they looked at is still so when they change it.
 */
export interface AuthorityStore {
  /**
   * Runs `work` as one transaction, as if no other ran beside it (serializable): all of it is kept, or nothing when it throws.
   * It may be run again from its start when it met another, so it has no effect outside; and it waits for nothing but the
   * transaction it was given, so it signs nothing and asks no other store.
   * @throws what `work` throws, and what the store throws
   */
  transact<Result>(work: (transaction: AuthorityTransaction) => Promise<Result>): Promise<Result>;
  /** Calls back after revocations were added, by this process or another one. @returns how to stop listening */
  onRevocation(listener: () => void): () => void;
}

/** A store in memory: for tests, simulations, and authorities that may forget. */
export class MemoryAuthorityStore implements AuthorityStore {
  readonly #journal = new Journal();
  readonly #transaction = {
    members: new MemoryMembers(this.#journal),
    tokens: new MemoryTokens(this.#journal),
    revocations: new MemoryRevocations(this.#journal),
  };
  readonly #listeners = new Set<() => void>();
  #lastOne: Promise<unknown> = Promise.resolve();

  transact<Result>(work: (transaction: AuthorityTransaction) => Promise<Result>): Promise<Result> {
    const done = this.#lastOne.then(() => this.#run(work));
    this.#lastOne = done.catch(() => undefined);
    return done;
  }

  onRevocation(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #run<Result>(work: (transaction: AuthorityTransaction) => Promise<Result>): Promise<Result> {
    const { revocations } = this.#transaction;
    const before = await revocations.lastNumber();
    let result: Result;
    try {
      result = await work(this.#transaction);
    } catch (thrown) {
      this.#journal.rollBack();
      throw thrown;
    }
    this.#journal.commit();
    if ((await revocations.lastNumber()) > before) for (const listener of [...this.#listeners]) listener();
    return result;
  }
}
