import type { ExpressionBuilder, ExpressionWrapper, SqlBool, Transaction } from 'kysely';
import type { Identifier } from '../identities/identifier.ts';
import type { Member, Members } from '../workers/authority/members.ts';
import { AttributeRows, textBytes } from './attribute-rows.ts';
import type { Schema } from './schema.ts';

const attributeRows = new AttributeRows<Identifier>('member_attributes');
const NONE: ReadonlyMap<string, string> = new Map();

type Filter = (where: ExpressionBuilder<Schema, 'members'>) => ExpressionWrapper<Schema, 'members', SqlBool>;

/** Members as one transaction of a store sees and changes them. */
export class StoredMembers implements Members {
  readonly #transaction: Transaction<Schema>;

  constructor(transaction: Transaction<Schema>) {
    this.#transaction = transaction;
  }

  async get(identifier: Identifier): Promise<Member | undefined> {
    const [found] = await this.#where((where) => where('identifier', '=', identifier));
    return found;
  }

  list(): Promise<readonly Member[]> {
    return this.#where();
  }

  withAttribute(name: string, value: string): Promise<readonly Member[]> {
    return this.#where((where) =>
      where(
        'identifier',
        'in',
        where.selectFrom('member_attributes').select('owner').where('name', '=', textBytes(name)).where('value', '=', textBytes(value)),
      ),
    );
  }

  addedBy(identifier: Identifier): Promise<readonly Member[]> {
    return this.#where((where) => where('added_by', '=', identifier));
  }

  async put({ identifier, attributes, addedBy, addedAt, isPreTrusted }: Member): Promise<void> {
    const values = { added_by: addedBy, added_at: addedAt, pre_trusted: isPreTrusted ? 1 : 0 };
    await this.#transaction
      .insertInto('members')
      .values({ identifier, ...values })
      .onConflict((conflict) => conflict.column('identifier').doUpdateSet(values))
      .execute();
    await attributeRows.put(this.#transaction, identifier, attributes);
  }

  async remove(identifier: Identifier): Promise<boolean> {
    const done = await this.#transaction.deleteFrom('members').where('identifier', '=', identifier).executeTakeFirst();
    return done.numDeletedRows > 0n;
  }

  async removePreTrusted(): Promise<void> {
    await this.#transaction.deleteFrom('members').where('pre_trusted', '=', 1).execute();
  }

  async #where(filter?: Filter): Promise<readonly Member[]> {
    let query = this.#transaction.selectFrom('members').selectAll().orderBy('identifier');
    if (filter !== undefined) query = query.where(filter);
    const rows = await query.execute();
    const attributes = await attributeRows.of(
      this.#transaction,
      rows.map(({ identifier }) => identifier),
    );
    return rows.map(({ identifier, added_by, added_at, pre_trusted }) => ({
      identifier,
      attributes: attributes.get(identifier) ?? NONE,
      addedBy: added_by,
      addedAt: added_at,
      isPreTrusted: pre_trusted === 1,
    }));
  }
}
