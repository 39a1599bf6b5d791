import type { PolicyRepository, StoredPolicy } from '../policies/resource-policies.ts';
import type { Action, ResourceSelector, ResourceType } from '../policies/resource.ts';
import { textBytes } from './attribute-rows.ts';
import { readBack } from './damaged.ts';
import type { Store } from './store.ts';

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The policies of one node, in a store. Whoever listens to the topic `policies` hears of each change. */
export class StoredPolicies implements PolicyRepository {
  readonly #store: Store;
  readonly #node: string;

  constructor(store: Store, node: string) {
    this.#store = store;
    this.#node = node;
  }

  /** Those of resources first, each kind by name. @throws {StorageError} `STORAGE_CORRUPT` for bytes that are no text any more */
  async all(): Promise<readonly StoredPolicy[]> {
    const rows = await this.#store.read((database) =>
      database
        .selectFrom('policies')
        .selectAll()
        .where('node', '=', this.#node)
        .orderBy('kind')
        .orderBy('name')
        .orderBy('action')
        .execute(),
    );
    return rows.map(({ kind, name, action, expression }) => ({
      selector: kind === 'type' ? { type: name as ResourceType } : { name },
      action: action as Action,
      expression: readBack(`The policy of ${name}`, () => strictDecoder.decode(expression)),
    }));
  }

  async store({ selector, action, expression }: StoredPolicy): Promise<void> {
    const values = { expression: textBytes(expression) };
    await this.#store.write(
      this.#lock,
      (transaction) =>
        transaction
          .insertInto('policies')
          .values({ node: this.#node, ...keyOf(selector), action, ...values })
          .onConflict((conflict) => conflict.columns(['node', 'kind', 'name', 'action']).doUpdateSet(values))
          .execute(),
      'policies',
    );
  }

  async remove(selector: ResourceSelector, action: Action): Promise<void> {
    const { kind, name } = keyOf(selector);
    await this.#store.write(
      this.#lock,
      (transaction) =>
        transaction
          .deleteFrom('policies')
          .where('node', '=', this.#node)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('action', '=', action)
          .execute(),
      'policies',
    );
  }

  get #lock(): string {
    return `policies ${this.#node}`;
  }
}

function keyOf(selector: ResourceSelector): { readonly kind: 'resource' | 'type'; readonly name: string } {
  return 'name' in selector ? { kind: 'resource', name: selector.name } : { kind: 'type', name: selector.type };
}
