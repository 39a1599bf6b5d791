import type { Kysely } from 'kysely';
import type { KnownProject, ProjectRepository } from '../manager/ports.ts';
import { checkedText, objectText } from './json.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';

/** Names and the default depend on all that are known: their writers go one after another. */
const LOCK = 'projects';

/** The projects that a home knows, in a store. */
export class StoredProjects implements ProjectRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  list(): Promise<readonly KnownProject[]> {
    return this.#store.read(allIn);
  }

  change(decide: (known: readonly KnownProject[]) => KnownProject): Promise<KnownProject> {
    return this.#store.write(LOCK, async (transaction) => {
      const kept = decide(await allIn(transaction));
      const { id, name, identity, authority, isDefault } = kept;
      const information = checkedText(`The information of project ${name}`, kept.information);
      if (isDefault) await transaction.updateTable('projects').set({ is_default: 0 }).where('is_default', '=', 1).execute();
      const values = { name, identity: identity ?? null, authority: authority ?? null, information, is_default: isDefault ? 1 : 0 };
      await transaction
        .insertInto('projects')
        .values({ id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
      return kept;
    });
  }

  async remove(id: string): Promise<boolean> {
    const done = await this.#store.write(LOCK, (transaction) => transaction.deleteFrom('projects').where('id', '=', id).executeTakeFirst());
    return done.numDeletedRows > 0n;
  }
}

async function allIn(database: Kysely<Schema>): Promise<readonly KnownProject[]> {
  const rows = await database.selectFrom('projects').selectAll().orderBy('name').execute();
  return rows.map(({ id, name, identity, authority, information, is_default }) => ({
    id,
    name,
    identity: identity ?? undefined,
    authority: authority ?? undefined,
    information: objectText(`The information of project ${name}`, information),
    isDefault: is_default === 1,
  }));
}
