import type { Identifier } from '../identities/identifier.ts';
import type { Heard, HeardRepository } from '../workers/authority/heard-revocations.ts';
import { revokedOf, targetOf } from './revocations.ts';
import type { Store } from './store.ts';

/** What the nodes of a home have heard of revoked credentials, in a store. */
export class StoredHeard implements HeardRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  heard(authority: Identifier): Promise<Heard> {
    // Of two reads the number comes first: a statement that is kept meanwhile is heard once more, and none is missed.
    return this.#store.read(async (database) => {
      const counter = await database.selectFrom('counters').select('value').where('name', '=', counterOf(authority)).executeTakeFirst();
      const rows = await database
        .selectFrom('known_revocations')
        .selectAll()
        .where('authority', '=', authority)
        .orderBy('number')
        .execute();
      const revocations = rows.map(({ number, kind, target, not_after, kept_until }) => ({
        number,
        revoked: revokedOf(kind, target),
        notAfter: not_after,
        keptUntil: kept_until,
      }));
      return { number: counter?.value ?? 0, revocations };
    });
  }

  keep(authority: Identifier, { number, revocations }: Heard): Promise<void> {
    return this.#store.write(`heard ${authority}`, async (transaction) => {
      for (const { number: own, revoked, notAfter, keptUntil } of revocations) {
        const values = { kind: revoked.kind, target: targetOf(revoked), not_after: notAfter, kept_until: keptUntil };
        await transaction
          .insertInto('known_revocations')
          .values({ authority, number: own, ...values })
          .onConflict((conflict) => conflict.columns(['authority', 'number']).doUpdateSet(values))
          .execute();
      }
      await transaction
        .insertInto('counters')
        .values({ name: counterOf(authority), value: number })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: number }))
        .execute();
    });
  }

  async forget(nowSeconds: number): Promise<void> {
    // Most often there is nothing: then nobody waits for other writers.
    const old = await this.#store.read((database) =>
      database.selectFrom('known_revocations').select('number').where('kept_until', '<', nowSeconds).limit(1).executeTakeFirst(),
    );
    if (old === undefined) return;
    await this.#store.write('heard', (transaction) =>
      transaction.deleteFrom('known_revocations').where('kept_until', '<', nowSeconds).execute(),
    );
  }
}

const counterOf = (authority: Identifier) => `heard from ${authority}`;
