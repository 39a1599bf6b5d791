import { sql, type Transaction } from 'kysely';
import type { Identifier } from '../identities/identifier.ts';
import type { Acknowledgement, Revocation, Revocations, Revoked } from '../workers/authority/revocations.ts';
import type { Schema } from './schema.ts';

/** Revocations as one transaction of a store sees and changes them. */
export class StoredRevocations implements Revocations {
  readonly #transaction: Transaction<Schema>;
  /** Whether this transaction has added one. */
  hasAdded = false;

  constructor(transaction: Transaction<Schema>) {
    this.#transaction = transaction;
  }

  async noteIssued(subject: Identifier, createdAt: number): Promise<void> {
    await this.#transaction
      .insertInto('issued')
      .values({ subject, created_at: createdAt })
      .onConflict((conflict) =>
        conflict.column('subject').doUpdateSet({ created_at: createdAt }).where('issued.created_at', '<', createdAt),
      )
      .execute();
  }

  async newestIssued(subject?: Identifier): Promise<number> {
    let query = this.#transaction.selectFrom('issued').select((select) => select.fn.max('created_at').as('newest'));
    if (subject !== undefined) query = query.where('subject', '=', subject);
    const row = await query.executeTakeFirst();
    return row?.newest ?? 0;
  }

  async notAfter(revoked: Revoked): Promise<number> {
    const row = await this.#transaction
      .selectFrom('revocations')
      .select((select) => select.fn.max('not_after').as('latest'))
      .where('kind', '=', revoked.kind)
      .where('target', '=', targetOf(revoked))
      .executeTakeFirst();
    return row?.latest ?? 0;
  }

  async lastNumber(): Promise<number> {
    const row = await this.#transaction.selectFrom('counters').select('value').where('name', '=', COUNTER).executeTakeFirst();
    return row?.value ?? 0;
  }

  async add(revocation: Omit<Revocation, 'number'>): Promise<Revocation> {
    const { value: number } = await this.#transaction
      .insertInto('counters')
      .values({ name: COUNTER, value: 1 })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: sql`counters.value + 1` }))
      .returning('value')
      .executeTakeFirstOrThrow();
    const { revoked, notAfter, keptUntil } = revocation;
    await this.#transaction
      .insertInto('revocations')
      .values({ number, kind: revoked.kind, target: targetOf(revoked), not_after: notAfter, kept_until: keptUntil })
      .execute();
    this.hasAdded = true;
    return { ...revocation, number };
  }

  async after(number: number, countMax: number): Promise<readonly Revocation[]> {
    const rows = await this.#transaction
      .selectFrom('revocations')
      .selectAll()
      .where('number', '>', number)
      .orderBy('number')
      .limit(countMax)
      .execute();
    return rows.map(({ kind, target, not_after, kept_until, ...row }) => ({
      number: row.number,
      revoked: revokedOf(kind, target),
      notAfter: not_after,
      keptUntil: kept_until,
    }));
  }

  async forget(nowSeconds: number): Promise<void> {
    await this.#transaction.deleteFrom('revocations').where('kept_until', '<', nowSeconds).execute();
  }

  async acknowledge({ node, number, at }: Acknowledgement): Promise<void> {
    await this.#transaction
      .insertInto('acknowledgements')
      .values({ node, number, at })
      .onConflict((conflict) =>
        conflict.column('node').doUpdateSet({
          number: sql`case when acknowledgements.number > excluded.number then acknowledgements.number else excluded.number end`,
          at,
        }),
      )
      .execute();
  }

  acknowledgements(): Promise<readonly Acknowledgement[]> {
    return this.#transaction.selectFrom('acknowledgements').select(['node', 'number', 'at']).orderBy('node').execute();
  }
}

const COUNTER = 'revocations';

/** How what is revoked stands in a row, beside its kind. */
export function targetOf(revoked: Revoked): string {
  return revoked.kind === 'credential' ? revoked.hash : revoked.identifier;
}

export function revokedOf(kind: Revoked['kind'], target: string): Revoked {
  return kind === 'credential' ? { kind, hash: target } : { kind, identifier: target as Identifier };
}
