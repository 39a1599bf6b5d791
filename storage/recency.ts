import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

type Bounded = 'histories' | 'subject_attributes' | 'credentials';

/**
 * Keeps the rows that were used last, by a number that rises with each use. A look-up would be a write if it always raised
 * it; so only a row that has fallen into the older half is raised, and the newer half is never forgotten.
 */
export class Recency {
  readonly #table: Bounded;
  readonly #rowsMax: number;
  /** What is kept for good is outside of the order. */
  readonly #droppable: RawBuilder<unknown>;

  constructor(table: Bounded, rowsMax: number) {
    this.#table = table;
    this.#rowsMax = rowsMax;
    this.#droppable = table === 'histories' ? sql`kept = 0` : sql`1 = 1`;
  }

  /** The number for a row that is stored now. */
  async next(database: Kysely<Schema>): Promise<number> {
    return (await this.#newest(database)) + 1;
  }

  /** Whether a row that was used at `used` should be raised. */
  async isFading(database: Kysely<Schema>, used: number): Promise<boolean> {
    return used <= (await this.#newest(database)) - Math.floor(this.#rowsMax / 2);
  }

  /** Forgets what is too much, the rows that are kept for good not counted. */
  async trim(transaction: Transaction<Schema>): Promise<void> {
    const table = sql.table(this.#table);
    await sql`delete from ${table} where ${this.#droppable} and used <=
      (select used from ${table} where ${this.#droppable} order by used desc limit 1 offset ${this.#rowsMax})`.execute(transaction);
  }

  async #newest(database: Kysely<Schema>): Promise<number> {
    const query = sql<{ newest: number | null }>`select max(used) as newest from ${sql.table(this.#table)} where ${this.#droppable}`;
    const { rows } = await query.execute(database);
    return rows[0]?.newest ?? 0;
  }
}
