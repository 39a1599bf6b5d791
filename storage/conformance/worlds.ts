import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { Database, PASSWORD, USER } from '../../examples/demo/database.ts';
import { systemClock } from '../../host/clock.ts';
import { openPostgresStore } from '../postgres.ts';
import { openSqliteStore } from '../sqlite-store.ts';
import type { Store } from '../store.ts';

/** One state, empty at the start of each test; whoever opens it again shares it, as another process would. */
export interface StateWorld {
  open(): Promise<Store>;
}

/** Runs a suite over a file of SQLite and over a real PostgreSQL. */
export function overEachDatabase(suite: (name: string, world: StateWorld) => void): void {
  describe('SQLite', () => {
    let folder: string | undefined;
    const stores: Store[] = [];
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      if (folder !== undefined) await rm(folder, { recursive: true });
      folder = undefined;
    });
    suite('SQLite', {
      open: async () => {
        folder ??= await mkdtemp(join(tmpdir(), 'postern-state-'));
        const store = await openSqliteStore(join(folder, 'database.sqlite3'), { clock: systemClock });
        stores.push(store);
        return store;
      },
    });
  });

  describe('PostgreSQL', () => {
    const server = new PostgresServer();
    let url: string | undefined;
    const stores: Store[] = [];
    beforeAll(() => server.start());
    afterAll(() => server.stop());
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      url = undefined;
    });
    suite('PostgreSQL', {
      open: async () => {
        url ??= await server.emptyState();
        const store = await openPostgresStore(url, { clock: systemClock });
        stores.push(store);
        return store;
      },
    });
  });
}

/** A real server on loopback, with as many empty states as are asked for. */
export class PostgresServer {
  readonly #server = new Database();
  #stateCount = 0;

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Ends it, and keeps what is in it until `resume`. */
  pause(): Promise<void> {
    return this.#server.pause();
  }

  resume(): Promise<void> {
    return this.#server.resume();
  }

  /** @returns the address of a schema of its own, which is faster made than a database */
  async emptyState(): Promise<string> {
    const url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${this.#server.port}/postgres`;
    const name = `state_${(this.#stateCount += 1)}`;
    const client = new pg.Client(url);
    await client.connect();
    await client.query(`create schema ${name}`);
    await client.end();
    return `${url}?options=${encodeURIComponent(`-c search_path=${name}`)}`;
  }
}
