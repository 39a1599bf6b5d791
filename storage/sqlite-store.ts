import { Kysely, sql } from 'kysely';
import type { Clock, Timer } from '../runtime/clock.ts';
import { StorageError } from './errors.ts';
import { claimFile, claimNewFile } from './files.ts';
import { sqliteTypes } from './migrations/column-types.ts';
import { isCurrent, migrate, STEPS_TABLE } from './migrations/index.ts';
import type { Schema } from './schema.ts';
import { SqliteConnection, SqliteDialect, sqliteFault } from './sqlite.ts';
import { EngineStore, type Engine, type Topic } from './store.ts';

/** `pstn`: marks a file as ours. */
const APPLICATION_ID = 0x7073_746e;
/** How often the changes of other processes are looked for; each look costs some microseconds. */
const WATCH_MS = 200;
/** At the end the log of writes is folded in; so long it waits for readers of other processes. */
const CHECKPOINT_TRIES_MAX = 200;
const CHECKPOINT_PAUSE_MS = 10;

/** The state of one home in one file; any number of processes may have it open. */
export interface SqliteStoreOptions {
  /** For waiting on other processes. */
  readonly clock: Clock;
  /** Brings the file up to this version only: for tests of the later steps. */
  readonly version?: string;
}

/** A store in a file, and what only files can. */
export class SqliteStore extends EngineStore {
  readonly #connection: SqliteConnection;

  /** Use `openSqliteStore`. */
  constructor(engine: SqliteEngine) {
    super(engine);
    this.#connection = engine.connection;
  }

  /**
   * Writes a copy to a new file of mode 0600, as of one moment, while others go on writing.
   * @throws {StorageError} `STORAGE_PATH` when the file is there already
   */
  async copyTo(file: string): Promise<void> {
    await claimNewFile(file);
    await this.read(async (database) => {
      await sql`vacuum into ${file}`.execute(database);
    });
  }

  /** Looks at every page and row. @throws {StorageError} `STORAGE_CORRUPT` with what was found */
  async check(): Promise<void> {
    await this.read(async () => {
      const found = this.#connection.rows('pragma integrity_check(5)').map((row) => String(row['integrity_check']));
      if (found.join() !== 'ok') throw new StorageError('STORAGE_CORRUPT', `The file is damaged, restore a copy: ${found.join('; ')}`);
      return Promise.resolve();
    });
  }
}

/**
 * Opens a home's file, makes it when it is missing, and brings it up to date. Its folder, when it is missing, is made 0700, the
 * file 0600. What a killed process left is taken up; nothing has to be repaired.
 * @throws {StorageError} `STORAGE_PATH`, `STORAGE_ACCESS`, `STORAGE_READ_ONLY`, `STORAGE_FOREIGN`, `STORAGE_NEWER`,
 * `STORAGE_CORRUPT`, `STORAGE_FULL`, `STORAGE_BUSY`, `STORAGE_FAILED`; the file is as it was
 */
export async function openSqliteStore(file: string, options: SqliteStoreOptions): Promise<SqliteStore> {
  await claimFile(file);
  const connection = new SqliteConnection(file, options.clock);
  try {
    // Before anything is written: neither a stranger's file nor a newer one is changed.
    const isUpToDate = await connection.retrying(() => checkOrigin(connection, file));
    // Several who open an empty file at once do meet here.
    await connection.retrying(() => useWriteAheadLog(connection));
    connection.execute('pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off');
    const database = new Kysely<Schema>({ dialect: new SqliteDialect(connection) });
    if (!isUpToDate) await bringUpToDate(database, connection, file, options.version);
    return new SqliteStore(new SqliteEngine(database, connection, file, options.clock));
  } catch (thrown) {
    connection.close();
    throw sqliteFault(thrown, file);
  }
}

/** @returns whether there is nothing left to bring up to date */
function checkOrigin(connection: SqliteConnection, file: string): boolean {
  const [id] = connection.rows('pragma application_id').map((row) => row['application_id']);
  const tables = connection.rows('select name from sqlite_schema').map((row) => row['name']);
  if (id !== APPLICATION_ID && (id !== 0 || tables.length > 0))
    throw new StorageError('STORAGE_FOREIGN', `${file} is a database of another program: name another file.`);
  if (!tables.includes(STEPS_TABLE)) return false;
  return isCurrent(connection.rows(`select name from ${STEPS_TABLE}`).map((row) => String(row['name'])));
}

function useWriteAheadLog(connection: SqliteConnection): void {
  const [mode] = connection.rows('pragma journal_mode').map((row) => row['journal_mode']);
  if (mode !== 'wal') connection.execute('pragma journal_mode = wal');
}

/** All steps in one transaction, under the write lock: of several processes one does them. */
async function bringUpToDate(
  database: Kysely<Schema>,
  connection: SqliteConnection,
  file: string,
  version: string | undefined,
): Promise<void> {
  // A transaction by hand: within one of its own, Kysely's migrator does not run.
  await database.connection().execute(async (single) => {
    await sql`begin immediate`.execute(single);
    try {
      if (!checkOrigin(connection, file)) {
        await migrate(single, sqliteTypes, { last: version });
        connection.execute(`pragma application_id = ${APPLICATION_ID}`);
      }
      await sql`commit`.execute(single);
    } catch (thrown) {
      if (connection.isInTransaction) connection.execute('rollback');
      throw thrown;
    }
  });
}

class SqliteEngine implements Engine {
  readonly database: Kysely<Schema>;
  readonly connection: SqliteConnection;
  readonly #file: string;
  readonly #clock: Clock;

  constructor(database: Kysely<Schema>, connection: SqliteConnection, file: string, clock: Clock) {
    this.database = database;
    this.connection = connection;
    this.#file = file;
    this.#clock = clock;
  }

  /** A transaction holds the write lock of the whole file from its start. */
  lock(): Promise<void> {
    return Promise.resolve();
  }

  /** The others look. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  fault(thrown: unknown): Error {
    return sqliteFault(thrown, this.#file);
  }

  watch(onChange: (topic: Topic) => void): () => Promise<void> {
    let fileVersion = this.#fileVersion();
    let seen = this.#topicVersions();
    let timer: Timer;
    const look = () => {
      timer = this.#clock.setTimer(WATCH_MS, look);
      try {
        const now = this.#fileVersion();
        if (now === fileVersion) return;
        const versions = this.#topicVersions();
        const changed = [...versions].filter(([topic, version]) => seen.get(topic) !== version);
        [fileVersion, seen] = [now, versions];
        for (const [topic] of changed) onChange(topic);
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        // The file is locked for a moment, or broken: whoever reads it next is told. We look again.
      }
    };
    timer = this.#clock.setTimer(WATCH_MS, look);
    return () => {
      timer.cancel();
      return Promise.resolve();
    };
  }

  /** What is in the log of writes goes into the file: who copies the file alone, has all. Source: command-line.md 4.1 */
  async beforeClose(): Promise<void> {
    for (let tries = 0; tries < CHECKPOINT_TRIES_MAX; tries++) {
      try {
        const [result] = this.connection.rows('pragma wal_checkpoint(truncate)');
        if (result?.['busy'] === 0) {
          this.#leaveWriteAheadLog();
          return;
        }
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        if (thrown.code !== 'STORAGE_BUSY') return; // a full disk: the log stays, complete, and is taken up at the next opening
      }
      await this.connection.pause(CHECKPOINT_PAUSE_MS);
    }
  }

  /**
   * The binding cannot end its prepared statements, and while one lives SQLite leaves the log and its index behind, both empty. To
   * change the mode removes them; where another process has the file open it is refused, and that one will do it.
   */
  #leaveWriteAheadLog(): void {
    try {
      this.connection.execute('pragma journal_mode = delete');
    } catch (thrown) {
      if (!(thrown instanceof StorageError)) throw thrown;
    }
  }

  /** Changes with each commit of another connection. Source: https://sqlite.org/pragma.html#pragma_data_version */
  #fileVersion(): unknown {
    return this.connection.rows('pragma data_version')[0]?.['data_version'];
  }

  #topicVersions(): Map<Topic, unknown> {
    return new Map(this.connection.rows('select topic, version from topics').map((row) => [row['topic'] as Topic, row['version']]));
  }
}
