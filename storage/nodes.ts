import type { Kysely, Transaction } from 'kysely';
import type { NodeRecord, NodeRepository } from '../manager/ports.ts';
import { jsonText, settingsOf } from './json.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';

/** Which node is the default depends on the others: their writers go one after another. */
const LOCK = 'nodes';

/** The nodes of a home, in a store. */
export class StoredNodes implements NodeRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<readonly NodeRecord[]> {
    const rows = await this.#store.read((database) => database.selectFrom('nodes').selectAll().orderBy('name').execute());
    return rows.map(recordOf);
  }

  get(name: string): Promise<NodeRecord | undefined> {
    return this.#store.read((database) => recordIn(database, name));
  }

  change(
    name: string,
    decide: (before: NodeRecord | undefined) => Pick<NodeRecord, 'settings' | 'state'> | undefined,
    { forgetsResources = false }: { readonly forgetsResources?: boolean } = {},
  ): Promise<NodeRecord | undefined> {
    return this.#store.write(LOCK, async (transaction) => {
      const before = await recordIn(transaction, name);
      const decided = decide(before);
      if (decided === undefined) return undefined;
      const { settings, state } = decided;
      const values = { settings: jsonText(`The settings of node ${name}`, settings), state: jsonText(`The state of node ${name}`, state) };
      const isDefault = before?.isDefault ?? (await firstNode(transaction)) === undefined;
      await transaction
        .insertInto('nodes')
        .values({ name, ...values, is_default: isDefault ? 1 : 0 })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
        .execute();
      if (forgetsResources) await transaction.deleteFrom('resources').where('node', '=', name).execute();
      return { name, settings, state, isDefault };
    });
  }

  setDefault(name: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      if ((await recordIn(transaction, name)) === undefined) return false;
      await makeDefault(transaction, name);
      return true;
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#store.write(LOCK, async (transaction) => {
      const removed = await recordIn(transaction, name);
      if (removed === undefined) return false;
      await transaction.deleteFrom('nodes').where('name', '=', name).execute();
      await transaction.deleteFrom('resources').where('node', '=', name).execute();
      await transaction.deleteFrom('policies').where('node', '=', name).execute();
      const first = removed.isDefault ? await firstNode(transaction) : undefined;
      if (first !== undefined) await makeDefault(transaction, first);
      return true;
    });
  }
}

async function recordIn(database: Kysely<Schema>, name: string): Promise<NodeRecord | undefined> {
  const row = await database.selectFrom('nodes').selectAll().where('name', '=', name).executeTakeFirst();
  return row && recordOf(row);
}

async function firstNode(transaction: Transaction<Schema>): Promise<string | undefined> {
  return (await transaction.selectFrom('nodes').select('name').orderBy('name').limit(1).executeTakeFirst())?.name;
}

async function makeDefault(transaction: Transaction<Schema>, name: string): Promise<void> {
  await transaction.updateTable('nodes').set({ is_default: 0 }).where('is_default', '=', 1).execute();
  await transaction.updateTable('nodes').set({ is_default: 1 }).where('name', '=', name).execute();
}

function recordOf({ name, settings, state, is_default }: Schema['nodes']): NodeRecord {
  return {
    name,
    settings: settingsOf(`The settings of node ${name}`, settings),
    state: settingsOf(`The state of node ${name}`, state),
    isDefault: is_default === 1,
  };
}
