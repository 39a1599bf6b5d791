/** How a dialect spells the types of this schema. */
export interface ColumnTypes {
  /** Compared byte by byte, so that every machine sorts alike. */
  readonly text: string;
  readonly bytes: string;
  /** Whole numbers up to 2^53. */
  readonly integer: string;
  /** What follows a table's closing bracket. */
  readonly table: string;
}

export const sqliteTypes: ColumnTypes = { text: 'text', bytes: 'blob', integer: 'integer', table: 'strict, without rowid' };
export const postgresTypes: ColumnTypes = { text: 'text collate "C"', bytes: 'bytea', integer: 'bigint', table: '' };

/** One step of the schema, as statements that run in order. A step that was released is never changed: a new one follows it. */
export type Step = (types: ColumnTypes) => readonly string[];
