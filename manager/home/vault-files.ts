import { rm } from 'node:fs/promises';
import type { Clock } from '../../runtime/clock.ts';
import { openSqliteStore, type SqliteStore } from '../../storage/sqlite-store.ts';

/** Key files of vaults; each is open once. */
export class VaultFiles {
  readonly #clock: Clock;
  readonly #open = new Map<string, Promise<SqliteStore>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes the file when it is missing. @throws {StorageError} */
  open(path: string): Promise<SqliteStore> {
    const known = this.#open.get(path) ?? openSqliteStore(path, { clock: this.#clock });
    this.#open.set(path, known);
    // One that failed may be tried again.
    known.catch(() => this.#open.delete(path));
    return known;
  }

  async create(path: string): Promise<void> {
    await this.open(path);
  }

  /** @throws {StorageError} `STORAGE_PATH` when there is something at `to` */
  async copy(from: string, to: string): Promise<void> {
    await (await this.open(from)).copyTo(to);
  }

  async remove(path: string): Promise<void> {
    const store = await this.#open.get(path);
    this.#open.delete(path);
    await store?.close();
    for (const side of ['', '-wal', '-shm']) await rm(path + side, { force: true });
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const store of await Promise.allSettled(open)) if (store.status === 'fulfilled') await store.value.close();
  }
}
