import type { Kysely, Transaction } from 'kysely';
import type { Attributes } from '../identities/attributes.ts';
import type { Schema } from './schema.ts';

type Table = 'member_attributes' | 'token_attributes';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A text as it stands in these tables. */
export const textBytes = (text: string): Uint8Array => encoder.encode(text);
export const bytesText = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Attributes as rows, one for each name, so that who says something is found by it. */
export class AttributeRows<Owner extends string> {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** By owner; who has none is missing. */
  async of(database: Kysely<Schema>, owners: readonly Owner[]): Promise<ReadonlyMap<Owner, Attributes>> {
    const found = new Map<Owner, Map<string, string>>();
    // A statement takes a limited number of parameters.
    for (let from = 0; from < owners.length; from += OWNERS_MAX) {
      const rows = await database
        .selectFrom(this.#table)
        .selectAll()
        .where('owner', 'in', owners.slice(from, from + OWNERS_MAX))
        .orderBy('owner')
        .orderBy('name')
        .execute();
      for (const { owner, name, value } of rows) {
        const attributes = found.get(owner as Owner) ?? new Map<string, string>();
        found.set(owner as Owner, attributes.set(bytesText(name), bytesText(value)));
      }
    }
    return found;
  }

  /** In place of those before. */
  async put(transaction: Transaction<Schema>, owner: Owner, attributes: Attributes): Promise<void> {
    await transaction.deleteFrom(this.#table).where('owner', '=', owner).execute();
    const rows = [...attributes].map(([name, value]) => ({ owner: owner as never, name: textBytes(name), value: textBytes(value) }));
    for (let from = 0; from < rows.length; from += OWNERS_MAX)
      await transaction
        .insertInto(this.#table)
        .values(rows.slice(from, from + OWNERS_MAX))
        .execute();
  }
}

const OWNERS_MAX = 500;
