import type { ExpressionBuilder, ExpressionWrapper, SqlBool, Transaction } from 'kysely';
import type { Identifier } from '../identities/identifier.ts';
import type { Token, Tokens } from '../workers/authority/tokens.ts';
import { AttributeRows, textBytes } from './attribute-rows.ts';
import type { Schema } from './schema.ts';

const attributeRows = new AttributeRows<string>('token_attributes');
const NONE: ReadonlyMap<string, string> = new Map();

type Filter = (where: ExpressionBuilder<Schema, 'tokens'>) => ExpressionWrapper<Schema, 'tokens', SqlBool>;

/** One-time codes as one transaction of a store sees and changes them. */
export class StoredTokens implements Tokens {
  readonly #transaction: Transaction<Schema>;

  constructor(transaction: Transaction<Schema>) {
    this.#transaction = transaction;
  }

  async add({ codeHash, reference, issuedBy, createdAt, expiresAt, usesLeft, attributes }: Token): Promise<void> {
    const values = { reference, issued_by: issuedBy, created_at: createdAt, expires_at: expiresAt, uses_left: usesLeft };
    await this.#transaction
      .insertInto('tokens')
      .values({ code_hash: codeHash, ...values })
      .onConflict((conflict) => conflict.column('code_hash').doUpdateSet(values))
      .execute();
    await attributeRows.put(this.#transaction, codeHash, attributes);
  }

  open(nowSeconds: number): Promise<readonly Token[]> {
    return this.#where((where) => where('expires_at', '>', nowSeconds));
  }

  withAttribute(name: string, value: string, nowSeconds: number): Promise<readonly Token[]> {
    return this.#where((where) =>
      where.and([
        where('expires_at', '>', nowSeconds),
        where(
          'code_hash',
          'in',
          where.selectFrom('token_attributes').select('owner').where('name', '=', textBytes(name)).where('value', '=', textBytes(value)),
        ),
      ]),
    );
  }

  async use(codeHash: string, nowSeconds: number): Promise<Token | undefined> {
    const [before] = await this.#where((where) => where.and([where('code_hash', '=', codeHash), where('expires_at', '>', nowSeconds)]));
    if (before === undefined) return undefined;
    // The row that is changed decides, whatever was read.
    const used =
      before.usesLeft > 1
        ? (
            await this.#transaction
              .updateTable('tokens')
              .set((set) => ({ uses_left: set('uses_left', '-', 1) }))
              .where('code_hash', '=', codeHash)
              .where('uses_left', '=', before.usesLeft)
              .executeTakeFirst()
          ).numUpdatedRows
        : (
            await this.#transaction
              .deleteFrom('tokens')
              .where('code_hash', '=', codeHash)
              .where('uses_left', '=', before.usesLeft)
              .executeTakeFirst()
          ).numDeletedRows;
    return used === 1n ? before : undefined;
  }

  async remove(reference: string): Promise<boolean> {
    const done = await this.#transaction.deleteFrom('tokens').where('reference', '=', reference).executeTakeFirst();
    return done.numDeletedRows > 0n;
  }

  async removeIssuedBy(issuer: Identifier): Promise<readonly string[]> {
    const found = await this.#where((where) => where('issued_by', '=', issuer));
    await this.#transaction.deleteFrom('tokens').where('issued_by', '=', issuer).execute();
    return found.map(({ reference }) => reference);
  }

  async removeExpired(nowSeconds: number): Promise<void> {
    await this.#transaction.deleteFrom('tokens').where('expires_at', '<=', nowSeconds).execute();
  }

  async #where(filter: Filter): Promise<Token[]> {
    const rows = await this.#transaction.selectFrom('tokens').selectAll().where(filter).orderBy('reference').execute();
    const attributes = await attributeRows.of(
      this.#transaction,
      rows.map(({ code_hash }) => code_hash),
    );
    return rows.map(({ code_hash, reference, issued_by, created_at, expires_at, uses_left }) => ({
      codeHash: code_hash,
      reference,
      issuedBy: issued_by,
      createdAt: created_at,
      expiresAt: expires_at,
      usesLeft: uses_left,
      attributes: attributes.get(code_hash) ?? NONE,
    }));
  }
}
