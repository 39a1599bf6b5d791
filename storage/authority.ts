import type { AuthorityStore, AuthorityTransaction } from '../workers/authority/store.ts';
import { StoredMembers } from './members.ts';
import { StoredRevocations } from './revocations.ts';
import type { Store } from './store.ts';
import { StoredTokens } from './tokens.ts';

/**
 * Members, codes and revocations of an authority in a store. Transactions of all its processes run one after another, so that
 * each sees what the ones before have kept; none has to be run again.
 */
export class StoredAuthority implements AuthorityStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  transact<Result>(work: (transaction: AuthorityTransaction) => Promise<Result>): Promise<Result> {
    let revocations: StoredRevocations | undefined;
    return this.#store.write(
      'authority',
      (transaction) => {
        revocations = new StoredRevocations(transaction);
        return work({ members: new StoredMembers(transaction), tokens: new StoredTokens(transaction), revocations });
      },
      () => (revocations?.hasAdded === true ? 'revocations' : undefined),
    );
  }

  onRevocation(listener: () => void): () => void {
    return this.#store.onChange('revocations', listener);
  }
}
