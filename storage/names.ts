import type { Kysely } from 'kysely';
import type { NamedIdentity, NamedVault, NameRepository } from '../manager/home/names.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';

/** Which is the default depends on the others, and a vault on its identities: their writers go one after another. */
const LOCK = 'names';

/** The names of vaults and identities, in a store. */
export class StoredNames implements NameRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  vaults(): Promise<readonly NamedVault[]> {
    return this.#store.read(vaultsIn);
  }

  addVault({ name, path }: Pick<NamedVault, 'name' | 'path'>): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      const known = await vaultsIn(transaction);
      if (known.some((vault) => vault.name === name || (path !== undefined && vault.path === path))) return false;
      const row = { name, path: path ?? null, is_default: known.length === 0 ? 1 : 0 };
      await transaction.insertInto('vaults').values(row).execute();
      return true;
    });
  }

  moveVault(name: string, path: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      const done = await transaction.updateTable('vaults').set({ path }).where('name', '=', name).executeTakeFirst();
      return done.numUpdatedRows > 0n;
    });
  }

  removeVault(name: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      if ((await identitiesIn(transaction)).some(({ vault }) => vault === name)) return false;
      const done = await transaction.deleteFrom('vaults').where('name', '=', name).executeTakeFirst();
      const [first] = await vaultsIn(transaction);
      if (first !== undefined && !(await vaultsIn(transaction)).some(({ isDefault }) => isDefault))
        await transaction.updateTable('vaults').set({ is_default: 1 }).where('name', '=', first.name).execute();
      return done.numDeletedRows > 0n;
    });
  }

  identities(): Promise<readonly NamedIdentity[]> {
    return this.#store.read(identitiesIn);
  }

  addIdentity({ name, identifier, vault }: Omit<NamedIdentity, 'isDefault'>): Promise<NamedIdentity> {
    return this.#store.write(LOCK, async (transaction) => {
      const known = await identitiesIn(transaction);
      const before = known.find((each) => each.name === name);
      if (before !== undefined) return before;
      const isDefault = known.length === 0;
      await transaction
        .insertInto('identities')
        .values({ name, identifier, vault, is_default: isDefault ? 1 : 0 })
        .execute();
      return { name, identifier, vault, isDefault };
    });
  }

  setDefaultIdentity(name: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      if (!(await identitiesIn(transaction)).some((each) => each.name === name)) return false;
      await makeDefault(transaction, name);
      return true;
    });
  }

  removeIdentity(name: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      const done = await transaction.deleteFrom('identities').where('name', '=', name).executeTakeFirst();
      const left = await identitiesIn(transaction);
      const [first] = left;
      if (first !== undefined && !left.some(({ isDefault }) => isDefault)) await makeDefault(transaction, first.name);
      return done.numDeletedRows > 0n;
    });
  }
}

async function vaultsIn(database: Kysely<Schema>): Promise<readonly NamedVault[]> {
  const rows = await database.selectFrom('vaults').selectAll().orderBy('name').execute();
  return rows.map(({ name, path, is_default }) => ({ name, path: path ?? undefined, isDefault: is_default === 1 }));
}

async function identitiesIn(database: Kysely<Schema>): Promise<readonly NamedIdentity[]> {
  const rows = await database.selectFrom('identities').selectAll().orderBy('name').execute();
  return rows.map(({ name, identifier, vault, is_default }) => ({ name, identifier, vault, isDefault: is_default === 1 }));
}

async function makeDefault(database: Kysely<Schema>, name: string): Promise<void> {
  await database.updateTable('identities').set({ is_default: 0 }).where('is_default', '=', 1).execute();
  await database.updateTable('identities').set({ is_default: 1 }).where('name', '=', name).execute();
}
