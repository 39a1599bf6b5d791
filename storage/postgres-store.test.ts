import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { systemClock } from '../host/clock.ts';
import { PostgresServer } from './conformance/worlds.ts';
import { StoredHome } from './home.ts';
import { VERSIONS } from './migrations/index.ts';
import { openPostgresStore } from './postgres.ts';
import { sampleRows } from './samples/rows.ts';
import type { Store } from './store.ts';

const server = new PostgresServer();
let url: string;
const stores: Store[] = [];
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(async () => {
  url = await server.emptyState();
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function open(version?: string): Promise<Store> {
  const store = await openPostgresStore(url, { clock: systemClock, ...(version !== undefined && { version }) });
  stores.push(store);
  return store;
}

const setNode = (store: Store, name: string) => new StoredHome(store).nodes.change(name, () => ({ settings: {}, state: {} }));

describe('versions', () => {
  test.each(VERSIONS)('a database of version %s is brought up to date, and every row is still there', async (version) => {
    const old = await open(version);
    await old.write('samples', async (transaction) => {
      for (const [table, rows] of sampleRows(version))
        await transaction
          .insertInto(table as 'topics')
          .values(rows as never)
          .execute();
    });
    await old.close();
    const store = await open();
    for (const [table, rows] of sampleRows(version, VERSIONS.at(-1)))
      expect([
        table,
        await store.read((database) =>
          database
            .selectFrom(table as 'topics')
            .selectAll()
            .execute(),
        ),
      ]).toEqual([table, rows.map((row) => expect.objectContaining(row) as unknown)]);
  });

  test('of several who open an empty database at once one makes the tables', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, () => open()));
    await Promise.all(opened.map((store, index) => setNode(store, `n${index}`)));
    expect(await new StoredHome(opened[0]!).nodes.list()).toHaveLength(6);
  });

  test('a database from the future is refused with what to do', async () => {
    const store = await open();
    await store.read((database) => sql`insert into kysely_migration values ('9999-future', '')`.execute(database));
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_NEWER' });
  });
});

test('while the server is away each use says so; when it is back all works again, and changes are heard again', {
  timeout: 60_000,
}, async () => {
  const [here, there] = [await open(), await open()];
  await setNode(here, 'before');
  let heard = 0;
  let wake: () => void = () => undefined;
  const hearing = () => new Promise<void>((resolve) => (wake = resolve));
  const hears = hearing();
  here.onChange('policies', () => {
    heard += 1;
    wake();
  });
  await hears;

  await server.pause();
  const away = { code: 'STORAGE_UNREACHABLE' };
  for (let round = 0; round < 3; round++) {
    await expect(new StoredHome(here).nodes.list()).rejects.toMatchObject(away);
    await expect(setNode(there, 'lost')).rejects.toMatchObject(away);
  }
  await expect(open()).rejects.toMatchObject(away);

  const before = heard;
  const back = hearing();
  await server.resume();
  expect((await new StoredHome(here).nodes.list()).map(({ name }) => name)).toEqual(['before']);
  await setNode(there, 'after');
  // Whoever listens connects again by itself, and what was missed counts as changed.
  await back;
  expect(heard).toBeGreaterThan(before);
  const news = hearing();
  await new StoredHome(there).policies('n').store({ selector: { name: 'x' }, action: 'handle_message', expression: '(= 1 1)' });
  await news;
  expect(await new StoredHome(here).policies('n').all()).toHaveLength(1);
});
