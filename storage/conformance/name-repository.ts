import { describe, expect, test } from 'vitest';
import type { Identifier } from '../../identities/identifier.ts';
import type { NameRepository } from '../../manager/home/names.ts';

const id = (letter: string): Identifier => `I${letter.repeat(64)}`;
const marked = (listed: readonly { readonly name: string; readonly isDefault: boolean }[]) =>
  listed.map(({ name, isDefault }) => (isDefault ? `${name}*` : name));

/** What every place for names has to do. @param make opens the same place each time it is called within a test */
export function nameRepositoryConformance(name: string, make: () => Promise<NameRepository>): void {
  describe(`the names of vaults and identities: ${name}`, () => {
    test('a name and a path are given once; the first vault is the default', async () => {
      const [names, other] = [await make(), await make()];
      expect(await names.addVault({ name: 'default', path: undefined })).toBe(true);
      expect(await other.addVault({ name: 'b', path: '/keys' })).toBe(true);
      expect(await names.addVault({ name: 'b', path: '/other' })).toBe(false);
      expect(await names.addVault({ name: 'a', path: '/keys' })).toBe(false);
      expect(await names.moveVault('b', '/moved')).toBe(true);
      expect(await names.moveVault('c', '/moved too')).toBe(false);
      expect(await other.vaults()).toEqual([
        { name: 'b', path: '/moved', isDefault: false },
        { name: 'default', path: undefined, isDefault: true },
      ]);
    });

    test('a vault that an identity uses stays; after the default the first one left is the default', async () => {
      const names = await make();
      await names.addVault({ name: 'b', path: undefined });
      await names.addVault({ name: 'a', path: '/a' });
      await names.addIdentity({ name: 'i', identifier: id('a'), vault: 'b' });
      expect(await names.removeVault('b')).toBe(false);
      await names.removeIdentity('i');
      expect([await names.removeVault('b'), await names.removeVault('b')]).toEqual([true, false]);
      expect(marked(await names.vaults())).toEqual(['a*']);
    });

    test('an identity keeps its name; the first one is the default, then whichever is chosen, then the first one left', async () => {
      const names = await make();
      await names.addVault({ name: 'v', path: undefined });
      const first = await names.addIdentity({ name: 'm', identifier: id('a'), vault: 'v' });
      expect(first).toEqual({ name: 'm', identifier: id('a'), vault: 'v', isDefault: true });
      expect(await names.addIdentity({ name: 'm', identifier: id('b'), vault: 'v' })).toEqual(first);
      await names.addIdentity({ name: 'z', identifier: id('c'), vault: 'v' });
      await names.addIdentity({ name: 'b', identifier: id('a'), vault: 'v' });
      expect(marked(await names.identities())).toEqual(['b', 'm*', 'z']);
      expect([await names.setDefaultIdentity('z'), await names.setDefaultIdentity('y')]).toEqual([true, false]);
      expect(marked(await names.identities())).toEqual(['b', 'm', 'z*']);
      expect([await names.removeIdentity('z'), await names.removeIdentity('z')]).toEqual([true, false]);
      expect(marked(await names.identities())).toEqual(['b*', 'm']);
    });

    test('of twenty who give one name at once, one does', async () => {
      const names = await make();
      await names.addVault({ name: 'v', path: undefined });
      const letters = Array.from({ length: 20 }, (_, index) => (index % 16).toString(16));
      const kept = await Promise.all(letters.map((letter) => names.addIdentity({ name: 'i', identifier: id(letter), vault: 'v' })));
      expect(new Set(kept.map(({ identifier }) => identifier)).size).toBe(1);
      const added = await Promise.all(letters.map((letter) => names.addVault({ name: 'w', path: `/${letter}` })));
      expect(added.filter((done) => done)).toHaveLength(1);
    });
  });
}
