import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { Clock } from '../runtime/clock.ts';
import { StorageError } from './errors.ts';

/** A writer waits so long for another process. Source: command-line.md 4.1 */
export const LOCK_WAIT_MS_MAX = 10_000;

/** For so long SQLite itself waits, with the whole process; beyond that we wait between tries, and the process goes on. */
const BLOCKING_WAIT_MS = 5;
/** Longest pause between two tries. */
const PAUSE_MS_MAX = 20;
/** Texts of statements are few, since repositories build each in one form. */
const STATEMENTS_MAX = 256;

type Row = Record<string, unknown>;

/** SQLite's primary result codes. Source: https://sqlite.org/rescode.html */
const Code = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  notADatabase: 26,
} as const;
/** Source: sqlite3_errstr */
const TEXTS = [
  ['locked', Code.busy],
  ['not a database', Code.notADatabase],
  ['malformed', Code.corrupt],
  ['is full', Code.full],
  ['readonly', Code.readOnly],
  ['unable to open', Code.cannotOpen],
] as const;
/** Extended: no room for the file of shared memory. */
const IOERR_SHMSIZE = 4874;

/**
 * One connection to one file. Statements run synchronously, each within a microtask, so a transaction of ours holds the
 * file's lock no longer than its own statements take. Whoever imports the SQLite binding imports this file.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSyncInstance;
  readonly #clock: Clock;
  readonly #file: string;
  readonly #statements = new Map<string, { readonly statement: StatementSyncInstance; readonly reads: boolean }>();

  /** @throws {StorageError} */
  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    try {
      this.#database = new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS });
    } catch (thrown) {
      throw sqliteFault(thrown, file);
    }
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  async executeQuery<Result>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Result>> {
    // SQLite would cut the text there when it is read back.
    if (parameters.some((value) => typeof value === 'string' && value.includes('\0')))
      throw new StorageError('STORAGE_VALUE', 'A text with a zero character cannot be stored: take it out.');
    // Within a transaction that has begun nobody else holds the lock; and its start is what may be tried again.
    return this.isInTransaction ? this.#run(sql, parameters) : this.retrying(() => this.#run(sql, parameters));
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new TypeError('Nothing here streams.');
  }

  /** One statement or several, without an answer. */
  execute(sql: string): void {
    this.#guarded(() => this.#database.exec(sql));
  }

  /** Reads at once, outside of any queue. */
  rows(sql: string): Row[] {
    return this.#run<Row>(sql, []).rows;
  }

  /** Runs what may meet another process's lock, again and again, until it gets through. @throws {StorageError} `STORAGE_BUSY` */
  async retrying<Result>(attempt: () => Result): Promise<Result> {
    const deadlineMs = this.#clock.monotonicMs() + LOCK_WAIT_MS_MAX;
    for (let count = 0; ; count++) {
      try {
        return attempt();
      } catch (thrown) {
        if (!isBusy(thrown) || this.#clock.monotonicMs() >= deadlineMs) throw thrown;
      }
      // Pauses of different lengths, so that several who wait do not come at the same moments.
      await this.pause(1 + ((count * 7) % PAUSE_MS_MAX));
    }
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(delayMs, resolve));
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #run<Result>(sql: string, parameters: readonly unknown[]): QueryResult<Result> {
    return this.#guarded(() => {
      const { statement, reads } = this.#prepared(sql);
      if (reads) return { rows: statement.all(...parameters) as Result[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) };
    });
  }

  #prepared(sql: string): { readonly statement: StatementSyncInstance; readonly reads: boolean } {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    const prepared = { statement, reads: statement.columns().length > 0 };
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (thrown) {
      throw sqliteFault(thrown, this.#file);
    }
  }
}

/** Lets kysely speak to one connection: a transaction takes the write lock at its start, and waits its turn in this process. */
export class SqliteDialect implements Dialect {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  createDriver = (): Driver => new SqliteDriver(this.#connection);
  createQueryCompiler = () => new SqliteQueryCompiler();
  createAdapter = () => new SqliteAdapter();
  createIntrospector = (database: Kysely<unknown>) => new SqliteIntrospector(database);
}

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;
  /** Settles when whoever came last is done. */
  #lastOne: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#lastOne;
    let release: () => void = () => undefined;
    this.#lastOne = new Promise((resolve) => (release = resolve));
    await before;
    this.#release = release;
    return this.#connection;
  }

  releaseConnection(): Promise<void> {
    this.#release();
    return Promise.resolve();
  }

  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk, for one, makes SQLite roll back by itself.
    if (this.#connection.isInTransaction) await this.#connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  destroy(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof StorageError && thrown.code === 'STORAGE_BUSY';
}

/** What the binding threw, as an error of ours; its texts tell of tables and columns, never of values. */
export function sqliteFault(thrown: unknown, file: string): Error {
  if (thrown instanceof StorageError) return thrown;
  const { code, message } = thrown as { code?: string; message?: string };
  let { errcode } = thrown as { errcode?: number };
  // Some failures of the binding, while it opens or prepares, come without the number.
  if (code === 'ERR_SQLITE_ERROR') errcode ??= TEXTS.find(([text]) => String(message).includes(text))?.[1] ?? 1;
  if (typeof errcode !== 'number') return thrown instanceof Error ? thrown : new StorageError('STORAGE_FAILED', `${file} cannot be used.`);
  const cause = new Error(`SQLite ${errcode}: ${String(message)}`);
  if (errcode === IOERR_SHMSIZE) return full(file, cause);
  switch (errcode & 0xff) {
    case Code.busy:
    case Code.locked:
      return new StorageError('STORAGE_BUSY', `Another process kept ${file} locked for too long: see which one hangs, then try again.`, {
        cause,
      });
    case Code.full:
      return full(file, cause);
    case Code.readOnly:
      return new StorageError('STORAGE_READ_ONLY', `${file} cannot be written: check the mode of it and its folder, and the disk.`, {
        cause,
      });
    case Code.perm:
    case Code.cannotOpen:
      return new StorageError('STORAGE_ACCESS', `${file} cannot be opened: check owner and mode of it and its folder.`, { cause });
    case Code.corrupt:
      return new StorageError('STORAGE_CORRUPT', `${file} is damaged. It was left as it is: restore a copy in its place.`, { cause });
    case Code.notADatabase:
      return new StorageError(
        'STORAGE_CORRUPT',
        `${file} is no database, or its start is damaged. It was left as it is: restore a copy in its place.`,
        { cause },
      );
    case Code.tooBig:
    case Code.constraint:
    case Code.mismatch:
      return new StorageError('STORAGE_VALUE', 'A value does not fit in its place; nothing was stored. See the cause.', { cause });
    default:
      return new StorageError('STORAGE_FAILED', `${file} cannot be used; see the cause.`, { cause });
  }
}

function full(file: string, cause: Error): StorageError {
  return new StorageError('STORAGE_FULL', `The disk of ${file} is full: free some room and try again; nothing was lost.`, { cause });
}
