import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { StateWorld } from './worlds.ts';

/** What every store has to do, whatever is in it. */
export function storeConformance(name: string, world: StateWorld): void {
  const put = (handle: string, fill = 0) => ({ handle, kind: 'ed25519' as const, secret: new Uint8Array(32).fill(fill) });

  describe(`a store: ${name}`, () => {
    test('a transaction is kept whole, or not at all', async () => {
      const store = await world.open();
      const failed = store.write('keys', async (transaction) => {
        await transaction.insertInto('vault_keys').values(put('a')).execute();
        throw new RangeError('no');
      });
      await expect(failed).rejects.toThrow('no');
      const doubled = store.write('keys', async (transaction) => {
        await transaction.insertInto('vault_keys').values(put('canary')).execute();
        await transaction.insertInto('vault_keys').values(put('canary', 0x77)).execute();
      });
      const refusal: unknown = await doubled.catch((thrown: unknown) => thrown);
      expect(refusal).toMatchObject({ code: 'STORAGE_VALUE' });
      expect(inspect(refusal, { depth: 9, showHidden: true })).not.toMatch(/canary|77, ?77|119, ?119|7777/);
      expect(await store.read((database) => database.selectFrom('vault_keys').selectAll().execute())).toEqual([]);
    });

    test('what was read in a transaction is still so when it writes, also between two that share the state', async () => {
      const stores = [await world.open(), await world.open()];
      const count = async (index: number) =>
        stores[index % 2]!.write('keys', async (transaction) => {
          const { length } = await transaction.selectFrom('vault_keys').select('handle').execute();
          await transaction
            .insertInto('vault_keys')
            .values(put(String(length)))
            .execute();
        });
      await Promise.all(Array.from({ length: 40 }, (_, index) => count(index)));
      const rows = await stores[0]!.read((database) => database.selectFrom('vault_keys').select('handle').execute());
      expect(rows.length).toBe(40);
    });

    test('bytes and whole numbers come back as they went', async () => {
      const store = await world.open();
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const row = {
        subject: 'I1' as const,
        issuer: 'I2' as const,
        scope: '',
        expires_at: Number.MAX_SAFE_INTEGER,
        credential: bytes.subarray(1, 255),
        used: 0,
      };
      await store.write('x', (transaction) => transaction.insertInto('credentials').values(row).execute());
      const [found] = await store.read((database) => database.selectFrom('credentials').selectAll().execute());
      expect(found).toMatchObject({ scope: '', expires_at: Number.MAX_SAFE_INTEGER, used: 0 });
      expect(Buffer.compare(found!.credential, bytes.subarray(1, 255))).toBe(0);
    });

    test('a text with a zero character is refused, not cut', async () => {
      const store = await world.open();
      const stored = store.write('x', (transaction) => transaction.insertInto('vault_keys').values(put('a\0b')).execute());
      await expect(stored).rejects.toMatchObject({ code: 'STORAGE_VALUE' });
    });

    test('who listens to a topic hears of it after it was kept, from here and from others, and of no failure', async () => {
      const [here, there] = [await world.open(), await world.open()];
      let wake: () => void = () => undefined;
      const next = () => new Promise<void>((resolve) => (wake = resolve));
      const isThere = (handle: string) =>
        here.read((database) => database.selectFrom('vault_keys').selectAll().where('handle', '=', handle).execute());
      here.onChange('revocations', () => wake());
      for (const [index, store] of [there, here, there].entries()) {
        const woken = next();
        await store.write(
          'keys',
          (transaction) =>
            transaction
              .insertInto('vault_keys')
              .values(put(String(index)))
              .execute(),
          'revocations',
        );
        await woken;
        expect(await isThere(String(index))).toHaveLength(1);
      }
      await expect(here.write('keys', () => Promise.reject(new RangeError('no')), 'revocations')).rejects.toThrow('no');
      expect(await here.read((database) => database.selectFrom('topics').selectAll().execute())).toEqual([
        { topic: 'revocations', version: 3 },
      ]);
    });

    test('whoever stopped listening hears nothing', async () => {
      const store = await world.open();
      let heard = 0;
      store.onChange('policies', () => (heard += 1))();
      await store.write('keys', () => Promise.resolve(), 'policies');
      expect(heard).toBe(0);
    });

    test('a closed store says so, and closes twice; what was under way is finished', async () => {
      const store = await world.open();
      const underWay = store.write('keys', (transaction) => transaction.insertInto('vault_keys').values(put('last')).execute());
      await store.close();
      await store.close();
      await underWay;
      await expect(store.read((database) => database.selectFrom('topics').selectAll().execute())).rejects.toMatchObject({
        code: 'STORAGE_CLOSED',
      });
      const again = await world.open();
      expect(await again.read((database) => database.selectFrom('vault_keys').select('handle').execute())).toEqual([{ handle: 'last' }]);
    });
  });
}
