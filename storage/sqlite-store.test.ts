import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../host/clock.ts';
import { systemRandom } from '../host/random.ts';
import { nodeCrypto } from '../identities/node-crypto.ts';
import { identityForms } from '../identities/stored-form.ts';
import { SoftwareVault } from '../identities/vault.ts';
import { seededRandom } from '../simulation/random.ts';
import { randomFraction } from '../runtime/random.ts';
import { StoredHome } from './home.ts';
import { StoredKeys } from './keys.ts';
import { VERSIONS } from './migrations/index.ts';
import { sampleRows } from './samples/rows.ts';
import { SqliteConnection } from './sqlite.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-home-'));
  file = join(folder, 'home', 'database.sqlite3');
});
afterEach(() => rm(folder, { recursive: true }));

const open = (path = file) => openSqliteStore(path, { clock: systemClock });
const putKey = (store: Store, handle: string) =>
  store.write('keys', (transaction) =>
    transaction
      .insertInto('vault_keys')
      .values({ handle, kind: 'ed25519', secret: new Uint8Array(32) })
      .execute(),
  );
const handles = async (store: Store) =>
  (await store.read((database) => database.selectFrom('vault_keys').select('handle').orderBy('handle').execute())).map(
    ({ handle }) => handle,
  );
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const sample = (version: string) => fileURLToPath(new URL(`samples/${version}.sqlite3`, import.meta.url));

describe('files', () => {
  test('are 0600 in a folder of 0700, whatever the umask, while open and after', async () => {
    const before = process.umask(0);
    try {
      const store = await open();
      await putKey(store, 'a');
      const names = ['database.sqlite3', 'database.sqlite3-shm', 'database.sqlite3-wal'];
      expect(readdirSync(join(folder, 'home')).toSorted()).toEqual(names);
      expect(names.map((name) => mode(join(folder, 'home', name)))).toEqual(['600', '600', '600']);
      expect(mode(join(folder, 'home'))).toBe('700');
      await store.copyTo(join(folder, 'copy'));
      expect(mode(join(folder, 'copy'))).toBe('600');
      await store.close();
    } finally {
      process.umask(before);
    }
  });

  test('after the end one file holds all, also while another process has it open', async () => {
    const [store, other] = [await open(), await open()];
    await putKey(store, 'a');
    await store.close();
    copyFileSync(file, join(folder, 'clone'));
    const clone = await open(join(folder, 'clone'));
    expect(await handles(clone)).toEqual(['a']);
    await clone.close();
    await putKey(other, 'b');
    await other.close();
    copyFileSync(file, join(folder, 'another'));
    const another = await open(join(folder, 'another'));
    expect(await handles(another)).toEqual(['a', 'b']);
    await another.close();
  });

  test('the last one leaves nothing beside the file', async () => {
    const store = await open();
    await putKey(store, 'a');
    await store.close();
    expect(readdirSync(join(folder, 'home'))).toEqual(['database.sqlite3']);
  });

  test.each(['', '-wal', '-shm', '-journal'])(
    'a link that was planted for database.sqlite3%s is refused, and its target left alone',
    async (side) => {
      mkdirSync(join(folder, 'home'), { mode: 0o700 });
      writeFileSync(join(folder, 'target'), 'untouched');
      symlinkSync(join(folder, 'target'), file + side);
      await expect(open()).rejects.toMatchObject({ code: 'STORAGE_PATH', message: expect.stringContaining('is a link') as string });
      expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('untouched');
    },
  );

  test('a link in place of the folder, and what others may write or read, are refused with what to do', async () => {
    mkdirSync(join(folder, 'real'), { mode: 0o700 });
    symlinkSync(join(folder, 'real'), join(folder, 'linked'));
    await expect(open(join(folder, 'linked', 'x'))).rejects.toMatchObject({ code: 'STORAGE_PATH' });
    await (await open()).close();
    chmodSync(file, 0o640);
    await expect(open()).rejects.toThrow('chmod 600');
    chmodSync(file, 0o600);
    chmodSync(join(folder, 'home'), 0o770);
    await expect(open()).rejects.toThrow('chmod 700');
    mkdirSync(join(folder, 'place'));
    await expect(open(join(folder, 'place'))).rejects.toMatchObject({ code: 'STORAGE_PATH' });
  });

  test('a copy is of one moment, made while others write, and never over another file', async () => {
    const store = await open();
    const writing = (async () => {
      for (let count = 0; count < 50; count++) await putKey(store, String(count).padStart(2, '0'));
    })();
    await store.copyTo(join(folder, 'copy'));
    await writing;
    await expect(store.copyTo(join(folder, 'copy'))).rejects.toMatchObject({ code: 'STORAGE_PATH' });
    await store.close();
    const copy = await open(join(folder, 'copy'));
    const kept = await handles(copy);
    expect(kept).toEqual(kept.map((_, index) => String(index).padStart(2, '0')));
    await copy.close();
  });
});

describe('versions', () => {
  test('every version has a sample', () => {
    expect(VERSIONS.length).toBeGreaterThan(2);
    expect(VERSIONS.filter((version) => !existsSync(sample(version)))).toEqual([]);
  });

  test.each(VERSIONS)('a file of version %s is brought up to date, and every row is still there', async (version) => {
    mkdirSync(join(folder, 'home'), { mode: 0o700 });
    copyFileSync(sample(version), file);
    chmodSync(file, 0o600);
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
    await store.check();
    await putKey(store, 'new');
    await store.close();
    await (await open()).close();
  });

  test('a file from the future is refused with what to do, and not changed', async () => {
    const store = await open();
    await store.read((database) => sql`insert into kysely_migration values ('9999-future', '')`.execute(database));
    await store.close();
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_NEWER',
      message: expect.stringMatching(/newer version \(9999-future.*upgrade/) as string,
    });
    expect(Buffer.compare(readFileSync(file), before)).toBe(0);
    expect(readdirSync(join(folder, 'home'))).toEqual(['database.sqlite3']);
  });

  test('the database of another program is refused, and not changed', async () => {
    const other = new SqliteConnection(join(folder, 'other'), systemClock);
    other.execute('create table theirs (x)');
    other.close();
    chmodSync(join(folder, 'other'), 0o600);
    const before = readFileSync(join(folder, 'other'));
    await expect(open(join(folder, 'other'))).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
    expect(Buffer.compare(readFileSync(join(folder, 'other')), before)).toBe(0);
  });
});

describe('settings', () => {
  const resource = (settings: object) => ({ node: 'n', kind: 'relay' as const, name: 'r', settings: settings as never });

  test('what JSON would not say back is refused, and what was there stays', async () => {
    const store = await open();
    const { resources, nodes, projects } = new StoredHome(store);
    await resources.store(resource({ was: 'there' }));
    for (const bad of [{ a: Number.NaN }, { a: [undefined] }, { a: 1n }, { a: 'x'.repeat(300_000) }, ['no object']])
      await expect(resources.store(resource(bad))).rejects.toMatchObject({ code: 'STORAGE_VALUE' });
    expect(await resources.of('n')).toEqual([resource({ was: 'there' })]);
    await expect(nodes.change('n', () => ({ settings: {}, state: { at: Infinity } }))).rejects.toMatchObject({ code: 'STORAGE_VALUE' });
    const project = { id: '1', name: 'p', identity: undefined, authority: undefined, isDefault: true };
    for (const information of ['', '[]', '{'])
      await expect(projects.change(() => ({ ...project, information }))).rejects.toMatchObject({ code: 'STORAGE_VALUE' });
    await store.close();
  });

  test('what is damaged is refused when it is read', async () => {
    const store = await open();
    const home = new StoredHome(store);
    const damaged = { node: 'n', kind: 'relay', name: 'r', settings: '{"to":' };
    await store.write('x', async (transaction) => {
      await transaction.insertInto('resources').values(damaged).execute();
      await transaction.insertInto('nodes').values({ name: 'n', settings: '{}', state: '7', is_default: 0 }).execute();
      await transaction
        .insertInto('projects')
        .values({ id: '1', name: 'p', identity: null, authority: null, information: 'null', is_default: 0 })
        .execute();
      await transaction
        .insertInto('policies')
        .values({ node: 'n', kind: 'type', name: 'relay', action: 'handle_message', expression: Uint8Array.of(0x28, 0xff) })
        .execute();
    });
    for (const read of [home.resources.of('n'), home.nodes.get('n'), home.projects.list(), home.policies('n').all()])
      await expect(read).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    await store.close();
  });
});

describe('trouble', () => {
  test('a file that is no database is refused, and left as it is', async () => {
    await (await open()).close();
    writeFileSync(file, 'these are my holidays '.repeat(500));
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    expect(Buffer.compare(readFileSync(file), before)).toBe(0);
  });

  test('with any byte flipped the vault works as before or refuses; it never signs with another key', { timeout: 60_000 }, async () => {
    const forms = identityForms(nodeCrypto);
    const store = await open();
    const key = await new SoftwareVault(nodeCrypto, systemRandom, new StoredKeys(store, forms)).generateSigningKey('ed25519');
    await store.close();
    const whole = readFileSync(file);
    const random = seededRandom(1);
    const outcomes = { works: 0, refuses: 0 };
    const flipped = join(folder, 'flipped');
    writeFileSync(flipped, '', { mode: 0o600 });
    const written = [...whole.keys()].filter((at) => whole[at] !== 0);
    for (let round = 0; round < 200; round++) {
      const at = written[Math.floor(randomFraction(random) * written.length)]!;
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << (round % 8);
      writeFileSync(flipped, bytes);
      try {
        const damaged = await open(flipped);
        try {
          const vault = new SoftwareVault(nodeCrypto, systemRandom, new StoredKeys(damaged, forms));
          const { bytes: signature } = await vault.sign(key, Uint8Array.of(round));
          expect(nodeCrypto.verifyEd25519(key.bytes, Uint8Array.of(round), signature)).toBe(true);
          outcomes.works += 1;
        } finally {
          await damaged.close();
        }
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: expect.stringMatching(/^(STORAGE_|KEY_)/) as string });
        outcomes.refuses += 1;
      }
    }
    expect(outcomes.works + outcomes.refuses).toBe(200);
    expect(Math.min(outcomes.works, outcomes.refuses)).toBeGreaterThan(10);
  });

  test('on a full disk a write fails whole, and goes on once there is room', async () => {
    const store = await open();
    await putKey(store, 'first');
    await store.read((database) => sql`pragma max_page_count = 1`.execute(database)); // as many as there are
    const filling = async () => {
      for (let count = 0; count < 10_000; count++)
        await store.write('keys', async (transaction) => {
          for (const half of ['a', 'b'])
            await transaction
              .insertInto('vault_keys')
              .values({ handle: `${count}${half}`, kind: 'p256', secret: new Uint8Array(32) })
              .execute();
        });
    };
    await expect(filling()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const kept = await handles(store);
    expect(kept).toContain('first');
    expect(kept.filter((handle) => handle.endsWith('a')).length).toBe(kept.filter((handle) => handle.endsWith('b')).length);
    await store.read((database) => sql`pragma max_page_count = 100000`.execute(database));
    await putKey(store, 'last');
    await store.check();
    await store.close();
  });

  test('what cannot be written says so', async () => {
    const store = await open();
    await store.read((database) => sql`pragma query_only = on`.execute(database));
    await expect(putKey(store, 'a')).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
    await store.close();
  });

  test('a writer waits for another process without holding up its own, 10 s at most', async () => {
    await (await open()).close();
    let nowMs = 0;
    let pauses = 0;
    const clock = {
      ...systemClock,
      monotonicMs: () => nowMs,
      setTimer: (_delayMs: number, callback: () => void) => {
        nowMs += 100;
        pauses += 1;
        if (pauses === 10) other.execute('commit');
        setImmediate(callback);
        return { cancel: () => undefined };
      },
    };
    const other = new SqliteConnection(file, systemClock);
    const store = await openSqliteStore(file, { clock });
    other.execute('begin immediate');
    await putKey(store, 'patient');
    expect(pauses).toBe(10);
    other.execute('begin immediate');
    const startMs = nowMs;
    await expect(putKey(store, 'never')).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
    expect(nowMs - startMs).toBe(10_000);
    other.execute('rollback');
    other.close();
    expect(await handles(store)).toEqual(['patient']);
    await store.close();
  });
});
