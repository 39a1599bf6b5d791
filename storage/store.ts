import { sql, type Kysely, type Transaction } from 'kysely';
import { PosternError } from '../runtime/errors.ts';
import { StorageError } from './errors.ts';
import type { Schema } from './schema.ts';

/** What others may want to hear of, in this process and in those that share the state. */
export type Topic = 'revocations' | 'policies';

type News = Topic | (() => Topic | undefined);

/**
 * The state of one home, open. The repositories of this folder read and write through it; all of them may share one.
 * Each is closed once, at the end.
 */
export interface Store extends AsyncDisposable {
  /** Reads. @throws {StorageError} */
  read<Result>(work: (database: Kysely<Schema>) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` as one transaction: all of it is kept, on disk, when the promise resolves; nothing of it when it rejects. Of the
   * writers of one `lock` one runs at a time, in whatever process. `work` awaits nothing but its transaction.
   * @param topic whose subscribers are told once it is kept; as a function it is asked after the work
   * @throws {StorageError} and what `work` throws
   */
  write<Result>(lock: string, work: (transaction: Transaction<Schema>) => Promise<Result>, topic?: News): Promise<Result>;
  /**
   * Calls back after something of that topic may have changed, here at once, elsewhere within half a second; also without a
   * change. Whoever listens reads anew.
   * @returns how to stop listening
   */
  onChange(topic: Topic, listener: () => void): () => void;
  /** Waits for what is under way, then lets go of files and connections. Closing twice does nothing. */
  close(): Promise<void>;
}

/** What differs between the databases. */
export interface Engine {
  readonly database: Kysely<Schema>;
  /** Makes later writers of this lock wait until the transaction ends. */
  lock(transaction: Transaction<Schema>, lock: string): Promise<void>;
  /** Sends the news to other processes when the transaction commits. */
  announce(transaction: Transaction<Schema>, topic: Topic): Promise<void>;
  /** What was thrown, as an error of this folder. */
  fault(thrown: unknown): Error;
  /** Starts to hear of other processes' changes. @returns how to stop */
  watch(onChange: (topic: Topic) => void): () => Promise<void>;
  /** What has to happen before the database is let go. */
  beforeClose(): Promise<void>;
}

export class EngineStore implements Store {
  readonly #engine: Engine;
  readonly #listeners = new Map<Topic, Set<() => void>>();
  #stopWatching: (() => Promise<void>) | undefined;
  #closing: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  read<Result>(work: (database: Kysely<Schema>) => Promise<Result>): Promise<Result> {
    return this.#run(() => work(this.#engine.database));
  }

  async write<Result>(lock: string, work: (transaction: Transaction<Schema>) => Promise<Result>, news?: News): Promise<Result> {
    let topic: Topic | undefined;
    const result = await this.#run(() =>
      this.#engine.database.transaction().execute(async (transaction) => {
        await this.#engine.lock(transaction, lock);
        const done = await work(transaction);
        topic = typeof news === 'function' ? news() : news;
        if (topic !== undefined) {
          await countChange(transaction, topic);
          await this.#engine.announce(transaction, topic);
        }
        return done;
      }),
    );
    if (topic !== undefined) this.#tell(topic);
    return result;
  }

  onChange(topic: Topic, listener: () => void): () => void {
    this.#assertOpen();
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    this.#stopWatching ??= this.#engine.watch((changed) => this.#tell(changed));
    return () => void listeners.delete(listener);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#listeners.clear();
    await this.#stopWatching?.();
    await Promise.allSettled(this.#underWay);
    try {
      await this.#engine.beforeClose();
    } finally {
      await this.#engine.database.destroy();
    }
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    const done = work();
    this.#underWay.add(done);
    try {
      return await done;
    } catch (thrown) {
      throw thrown instanceof PosternError ? thrown : this.#engine.fault(thrown);
    } finally {
      this.#underWay.delete(done);
    }
  }

  #tell(topic: Topic): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StorageError('STORAGE_CLOSED', 'This store was closed: open it again.');
  }
}

function countChange(transaction: Transaction<Schema>, topic: Topic): Promise<unknown> {
  return transaction
    .insertInto('topics')
    .values({ topic, version: 1 })
    .onConflict((conflict) => conflict.column('topic').doUpdateSet({ version: sql`topics.version + 1` }))
    .execute();
}
