import type { ResourceKind, ResourceRepository, StoredResource } from '../manager/ports.ts';
import { jsonText, settingsOf } from './json.ts';
import type { Store } from './store.ts';

/** What the nodes of a home hold up, in a store. */
export class StoredResources implements ResourceRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async of(node: string): Promise<readonly StoredResource[]> {
    const rows = await this.#store.read((database) =>
      database.selectFrom('resources').selectAll().where('node', '=', node).orderBy('kind').orderBy('name').execute(),
    );
    return rows.map(({ kind, name, settings }) => ({
      node,
      kind: kind as ResourceKind,
      name,
      settings: settingsOf(`The settings of ${kind} ${name}`, settings),
    }));
  }

  async store({ node, kind, name, settings }: StoredResource): Promise<void> {
    const values = { settings: jsonText(`The settings of ${kind} ${name}`, settings) };
    await this.#store.write(`resources ${node}`, (transaction) =>
      transaction
        .insertInto('resources')
        .values({ node, kind, name, ...values })
        .onConflict((conflict) => conflict.columns(['node', 'kind', 'name']).doUpdateSet(values))
        .execute(),
    );
  }

  async remove(node: string, kind: ResourceKind, name: string): Promise<boolean> {
    const done = await this.#store.write(`resources ${node}`, (transaction) =>
      transaction.deleteFrom('resources').where('node', '=', node).where('kind', '=', kind).where('name', '=', name).executeTakeFirst(),
    );
    return done.numDeletedRows > 0n;
  }
}
