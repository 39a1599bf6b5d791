import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import type { Client, ClientConfig, Pool, PoolConfig } from 'pg';
import type { Clock, Timer } from '../runtime/clock.ts';
import { StorageError } from './errors.ts';
import { postgresTypes } from './migrations/column-types.ts';
import { isCurrent, migrate, STEPS_TABLE } from './migrations/index.ts';
import type { Schema } from './schema.ts';
import { EngineStore, type Engine, type Store, type Topic } from './store.ts';

/** A writer waits so long for another one, a caller so long for a connection. Source: command-line.md 4.1 */
const WAIT_MS_MAX = 10_000;
/** A connection that listens is asked for a sign of life so often, and is given up after as long without an answer. */
const HEARTBEAT_MS = 5_000;
const RECONNECT_MS = 250;
/** PostgreSQL's numbers of types. Source: its catalog pg_type */
const BYTEA = 17;
const INT8 = 20;
const CHANNEL = 'postern_changes';

export interface PostgresStoreOptions {
  /** For the pauses between two attempts to listen. */
  readonly clock: Clock;
  /** Connections of this process; 10 by default. */
  readonly connectionsMax?: number;
  /** Brings the database up to this version only: for tests of the later steps. */
  readonly version?: string;
}

/**
 * Opens the state in a PostgreSQL database that several processes share, and brings it up to date. Needs the package `pg`.
 * @param url `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; never logged
 * @throws {StorageError} `STORAGE_DRIVER`, `STORAGE_UNREACHABLE`, `STORAGE_NEWER`, `STORAGE_ACCESS`, `STORAGE_FAILED`
 */
export async function openPostgresStore(url: string, options: PostgresStoreOptions): Promise<Store> {
  const pg = await loadDriver();
  const connection: ClientConfig = { connectionString: url, keepAlive: true, connectionTimeoutMillis: WAIT_MS_MAX };
  const pool = new pg.Pool({
    ...connection,
    max: options.connectionsMax ?? 10,
    lock_timeout: WAIT_MS_MAX,
    // For our connections alone: the program around us may read them otherwise.
    types: { getTypeParser: ((oid: number, format?: 'text') => parserOf(oid, pg.types.getTypeParser(oid, format))) as never },
  } satisfies PoolConfig);
  // An idle connection that breaks is replaced at the next use.
  pool.on('error', () => undefined);
  const database = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const engine = new PostgresEngine(database, () => new pg.Client(connection), options.clock);
  try {
    const done = await stepsDone(database);
    // Kysely takes a lock of its own here, and does all steps in one transaction.
    if (!isCurrent(done)) await migrate(database, postgresTypes, { last: options.version, schema: await currentSchema(database) });
    return new EngineStore(engine);
  } catch (thrown) {
    await database.destroy();
    throw engine.fault(thrown);
  }
}

async function stepsDone(database: Kysely<Schema>): Promise<string[]> {
  const table = await sql<{ found: string | null }>`select to_regclass(${STEPS_TABLE})::text as found`.execute(database);
  if (table.rows[0]?.found == null) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(STEPS_TABLE)}`.execute(database);
  return rows.map(({ name }) => name);
}

/** Where new tables go; a database may hold another state in another schema, which Kysely would take for this one. */
async function currentSchema(database: Kysely<Schema>): Promise<string | undefined> {
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(database);
  return rows[0]?.name ?? undefined;
}

interface Driver {
  readonly Pool: new (config: PoolConfig) => Pool;
  readonly Client: new (config: ClientConfig) => Client;
  readonly types: { getTypeParser: (oid: number, format?: 'text') => Parser };
}

async function loadDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new StorageError('STORAGE_DRIVER', 'State in PostgreSQL needs the package pg: npm install pg.', { cause });
  }
}

type Parser = (text: string) => unknown;

function parserOf(oid: number, usual: Parser): Parser {
  if (oid === INT8) return safeInteger;
  // Of the driver's Buffers the ways differ from those of other bytes: `slice` does not copy.
  if (oid === BYTEA) return (text) => new Uint8Array(usual(text) as Uint8Array);
  return usual;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new StorageError('STORAGE_CORRUPT', 'The database holds a number beyond what was ever stored.');
  return value;
}

class PostgresEngine implements Engine {
  readonly database: Kysely<Schema>;
  readonly #makeClient: () => Client;
  readonly #clock: Clock;

  constructor(database: Kysely<Schema>, makeClient: () => Client, clock: Clock) {
    this.database = database;
    this.#makeClient = makeClient;
    this.#clock = clock;
  }

  /** Let go by the server when the transaction ends, also when its process dies. Each later statement sees what was kept before. */
  async lock(transaction: Transaction<Schema>, lock: string): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`postern ${lock}`}, 0))`.execute(transaction);
  }

  async announce(transaction: Transaction<Schema>, topic: Topic): Promise<void> {
    await sql`select pg_notify(${CHANNEL}, ${topic})`.execute(transaction);
  }

  watch(onChange: (topic: Topic) => void): () => Promise<void> {
    const listener = new Listener(this.#makeClient, this.#clock, onChange);
    return () => listener.stop();
  }

  beforeClose(): Promise<void> {
    return Promise.resolve();
  }

  fault(thrown: unknown): Error {
    return postgresFault(thrown);
  }
}

/** Hears of changes on a connection of its own, which it makes anew when it breaks. What was missed meanwhile counts as changed. */
class Listener {
  readonly #makeClient: () => Client;
  readonly #clock: Clock;
  readonly #onChange: (topic: Topic) => void;
  #client: Client | undefined;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(makeClient: () => Client, clock: Clock, onChange: (topic: Topic) => void) {
    this.#makeClient = makeClient;
    this.#clock = clock;
    this.#onChange = onChange;
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = this.#makeClient();
    this.#client = client;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload }) => this.#onChange(payload as Topic));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      for (const topic of TOPICS) this.#onChange(topic);
      this.#beat(client);
    } catch {
      this.#lost(client);
    }
  }

  /** A connection whose other end is gone says nothing by itself. */
  #beat(client: Client): void {
    if (this.#client !== client || this.#isStopped) return;
    this.#timer = this.#clock.setTimer(HEARTBEAT_MS, () => {
      this.#timer = this.#clock.setTimer(HEARTBEAT_MS, () => this.#lost(client));
      client.query('select 1').then(
        () => {
          if (this.#client !== client) return;
          this.#timer?.cancel();
          this.#beat(client);
        },
        () => this.#lost(client),
      );
    });
  }

  #lost(client: Client): void {
    if (this.#client !== client || this.#isStopped) return;
    this.#client = undefined;
    this.#timer?.cancel();
    client.end().catch(() => undefined);
    this.#timer = this.#clock.setTimer(RECONNECT_MS, () => void this.#connect());
  }
}

const TOPICS: readonly Topic[] = ['revocations', 'policies'];

/** Codes of the system for a server that cannot be reached. */
const UNREACHABLE = /^(ECONN|EPIPE|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_)/;

/**
 * What the driver threw, as an error of ours. Of the server's errors only the code is kept: their texts and details quote values.
 * Source: PostgreSQL documentation, appendix A
 */
export function postgresFault(thrown: unknown): Error {
  if (thrown instanceof StorageError) return thrown;
  const { code = '', message = '', severity } = thrown as { code?: string; message?: string; severity?: string };
  if (severity === undefined) {
    if (UNREACHABLE.test(code) || /^(Connection terminated|timeout exceeded|Client has encountered)/.test(message))
      return unreachable(code || message);
    return thrown instanceof Error ? thrown : new StorageError('STORAGE_FAILED', 'The database cannot be used.');
  }
  const cause = new Error(`PostgreSQL ${code}`);
  if (code === '42501') return noAccess(cause);
  switch (code.slice(0, 2)) {
    case '08':
    case '57':
      return unreachable(code);
    case '22':
    case '23':
      return new StorageError('STORAGE_VALUE', 'A value does not fit in its place; nothing was stored. See the cause.', { cause });
    case '25':
      return new StorageError('STORAGE_READ_ONLY', 'The database takes no writes: name the one that does.', { cause });
    case '28':
    case '3D':
      return noAccess(cause);
    case '40':
    case '55':
      return new StorageError('STORAGE_BUSY', 'Another process kept the rows locked for too long: see which one hangs, then try again.', {
        cause,
      });
    case '53':
      return new StorageError('STORAGE_FULL', 'The database server has no room or no connection left: make some; nothing was lost.', {
        cause,
      });
    case 'XX':
      return new StorageError('STORAGE_CORRUPT', 'The database server reports damage: restore a copy.', { cause });
    default:
      return new StorageError('STORAGE_FAILED', 'The database cannot be used; see the cause.', { cause });
  }
}

function noAccess(cause: Error): StorageError {
  return new StorageError('STORAGE_ACCESS', 'The database does not let us in: check user, password, database and rights.', { cause });
}

function unreachable(code: string): StorageError {
  const cause = new Error(code);
  return new StorageError(
    'STORAGE_UNREACHABLE',
    'The database server cannot be reached: check its address, and that it runs. A write under way may have been done.',
    { cause },
  );
}
