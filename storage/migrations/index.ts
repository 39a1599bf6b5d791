import { Migrator, sql, type Kysely, type Migration } from 'kysely';
import { StorageError } from '../errors.ts';
import type { Schema } from '../schema.ts';
import { identities } from './0001-identities.ts';
import { authority } from './0002-authority.ts';
import { resources } from './0003-resources.ts';
import { homes } from './0004-homes.ts';
import { names } from './0005-names.ts';
import type { ColumnTypes, Step } from './column-types.ts';

/** By name, in order. */
const STEPS: Readonly<Record<string, Step>> = {
  '0001-identities': identities,
  '0002-authority': authority,
  '0003-resources': resources,
  '0004-homes': homes,
  '0005-names': names,
};

/** What this version of the software knows; the last one is where it brings a store. */
export const VERSIONS: readonly string[] = Object.keys(STEPS);

/**
 * Compares what was done to this database with what we know.
 * @throws {StorageError} `STORAGE_NEWER` when a later version of the software has changed it
 */
export function isCurrent(done: readonly string[]): boolean {
  const unknown = done.find((name) => !VERSIONS.includes(name));
  if (unknown !== undefined)
    throw new StorageError(
      'STORAGE_NEWER',
      `This state was written by a newer version (${unknown}; this one knows up to ${String(VERSIONS.at(-1))}): ` +
        'upgrade, or restore a copy made before the upgrade.',
    );
  return done.length === VERSIONS.length;
}

/** Where Kysely's migrator notes the steps that were done. */
export const STEPS_TABLE = 'kysely_migration';

export interface MigrateOptions {
  /** The name of the last step to do; all by default. */
  readonly last?: string | undefined;
  /** The schema of PostgreSQL that the tables are in. */
  readonly schema?: string | undefined;
}

/** Brings a database up to a version. On SQLite the caller holds the write lock, since this takes none there. */
export async function migrate(database: Kysely<Schema>, types: ColumnTypes, { last, schema }: MigrateOptions = {}): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: () => Promise.resolve(migrations(types)) },
    ...(schema !== undefined && { migrationTableSchema: schema }),
  });
  const { error } = last === undefined ? await migrator.migrateToLatest() : await migrator.migrateTo(last);
  if (error instanceof Error) throw error;
}

function migrations(types: ColumnTypes): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(STEPS).map(([name, step]) => [
      name,
      {
        up: async (database: Kysely<unknown>) => {
          for (const statement of step(types)) await sql.raw(statement).execute(database);
        },
      },
    ]),
  );
}
