import type { Secret } from '../identities/secret.ts';
import type { IdentityForms } from '../identities/stored-form.ts';
import type { KeyHandle, KeyStore } from '../identities/vault.ts';
import { readBack } from './damaged.ts';
import type { Store } from './store.ts';

/** The secrets of a vault, in a store. */
export class StoredKeys implements KeyStore {
  readonly #store: Store;
  readonly #forms: IdentityForms;

  constructor(store: Store, forms: IdentityForms) {
    this.#store = store;
    this.#forms = forms;
  }

  async put(handle: KeyHandle, secret: Secret): Promise<void> {
    const row = { kind: secret.kind, secret: secret.reveal() };
    await this.#store.write(`key ${handle}`, (transaction) =>
      transaction
        .insertInto('vault_keys')
        .values({ handle, ...row })
        .onConflict((conflict) => conflict.column('handle').doUpdateSet(row))
        .execute(),
    );
  }

  async get(handle: KeyHandle): Promise<Secret | undefined> {
    const row = await this.#store.read((database) =>
      database.selectFrom('vault_keys').select(['kind', 'secret']).where('handle', '=', handle).executeTakeFirst(),
    );
    return row && readBack('A key', () => this.#forms.secret(row.kind, row.secret));
  }

  async delete(handle: KeyHandle): Promise<boolean> {
    const [done] = await this.#store.write(`key ${handle}`, (transaction) =>
      transaction.deleteFrom('vault_keys').where('handle', '=', handle).execute(),
    );
    return done !== undefined && done.numDeletedRows > 0n;
  }
}
