import { describe, expect, test } from 'vitest';
import type { Identifier } from '../../identities/identifier.ts';
import type { Member } from '../../workers/authority/members.ts';
import type { Revoked } from '../../workers/authority/revocations.ts';
import type { AuthorityStore } from '../../workers/authority/store.ts';
import type { Token } from '../../workers/authority/tokens.ts';

const id = (letter: string): Identifier => `I${letter.repeat(64)}`;
const member = (letter: string, attributes: Readonly<Record<string, string>> = {}, changes: Partial<Member> = {}): Member => ({
  identifier: id(letter),
  attributes: new Map(Object.entries(attributes)),
  addedBy: id('f'),
  addedAt: 10,
  isPreTrusted: false,
  ...changes,
});
const token = (code: string, changes: Partial<Token> = {}): Token => ({
  codeHash: code.repeat(64),
  reference: `reference${code}`,
  issuedBy: id('f'),
  createdAt: 10,
  expiresAt: 20,
  usesLeft: 1,
  attributes: new Map([['role', 'dba']]),
  ...changes,
});

/** What every store of an authority has to do. @param make opens the same place each time it is called within a test */
export function authorityStoreConformance(name: string, make: () => Promise<AuthorityStore>): void {
  describe(`the store of an authority: ${name}`, () => {
    test('a member is given back as it was put, the last row counts, any characters, in order', async () => {
      const [store, other] = [await make(), await make()];
      const odd = member('b', { '\0': '\ufeff', '': '\u{1f511}', "'": 'x'.repeat(1_024) }, { isPreTrusted: true, addedAt: 2 ** 40 });
      await store.transact(async ({ members }) => {
        await members.put(member('c', { old: 'yes' }));
        await members.put(odd);
        await members.put(member('a'));
        await members.put(member('c', { team: 'x' }));
      });
      await other.transact(async ({ members }) => {
        expect(await members.list()).toEqual([member('a'), odd, member('c', { team: 'x' })]);
        expect(await members.get(id('b'))).toEqual(odd);
        expect(await members.get(id('d'))).toBeUndefined();
      });
    });

    test('members are found by what they say and by who added them; removal takes all of a row', async () => {
      const store = await make();
      await store.transact(async ({ members }) => {
        await members.put(member('c', { role: 'dba', team: 'x' }, { addedBy: id('1') }));
        await members.put(member('b', { role: 'dba' }));
        await members.put(member('a', { role: 'other', dba: 'role' }, { isPreTrusted: true }));
      });
      const named = (found: readonly Member[]) => found.map(({ identifier }) => identifier[1]);
      await store.transact(async ({ members }) => {
        expect(named(await members.withAttribute('role', 'dba'))).toEqual(['b', 'c']);
        expect(named(await members.withAttribute('role', 'DBA'))).toEqual([]);
        expect(named(await members.addedBy(id('1')))).toEqual(['c']);
        expect([await members.remove(id('c')), await members.remove(id('c'))]).toEqual([true, false]);
        expect(named(await members.withAttribute('team', 'x'))).toEqual([]);
        await members.put(member('c'));
        expect((await members.get(id('c')))?.attributes.size).toBe(0);
        await members.removePreTrusted();
        expect(named(await members.list())).toEqual(['b', 'c']);
        expect(named(await members.withAttribute('role', 'other'))).toEqual([]);
      });
    });

    test('more members than one statement takes parameters', async () => {
      const store = await make();
      const identifiers = Array.from({ length: 520 }, (_, index) => `I${index.toString(16).padStart(64, '0')}` as const);
      await store.transact(async ({ members }) => {
        for (const identifier of identifiers) await members.put({ ...member('0', { at: identifier }), identifier });
        const found = await members.list();
        expect(found.map(({ attributes }) => attributes.get('at'))).toEqual(identifiers);
      });
    });

    test('a use is taken once, the row goes with the last one, and it is void from its last second on', async () => {
      const store = await make();
      const twice = token('0', { usesLeft: 2 });
      await store.transact(({ tokens }) => tokens.add(twice));
      const use = (now: number) => store.transact(({ tokens }) => tokens.use(twice.codeHash, now));
      expect(await use(20)).toBeUndefined();
      expect(await use(19)).toEqual(twice);
      expect(await use(19)).toEqual({ ...twice, usesLeft: 1 });
      expect(await use(19)).toBeUndefined();
      expect(await store.transact(({ tokens }) => tokens.open(0))).toEqual([]);
    });

    test('of many who come at once for the last uses, as many get one', async () => {
      const places = [await make(), await make()] as const;
      await places[0].transact(({ tokens }) => tokens.add(token('0', { usesLeft: 3 })));
      const uses = Array.from({ length: 50 }, (_, index) =>
        places[index % 2]!.transact(({ tokens }) => tokens.use(token('0').codeHash, 15)),
      );
      const left = (await Promise.all(uses)).flatMap((used) => (used === undefined ? [] : [used.usesLeft]));
      expect(left.toSorted()).toEqual([1, 2, 3]);
    });

    test('codes are listed, found by what they grant, and removed by name, issuer and age', async () => {
      const store = await make();
      const [first, second, third, fourth] = [
        token('1', { reference: 'b', issuedBy: id('1') }),
        token('2', { reference: 'a', expiresAt: 30 }),
        token('3', { reference: 'c', attributes: new Map([['ockam-relay', 'x']]), issuedBy: id('1') }),
        token('4', { reference: 'd', attributes: new Map() }),
      ];
      await store.transact(async ({ tokens }) => {
        for (const each of [first, second, third, fourth]) await tokens.add(each);
        expect(await tokens.open(19)).toEqual([second, first, third, fourth]);
        expect(await tokens.open(20)).toEqual([second]);
        expect(await tokens.withAttribute('role', 'dba', 19)).toEqual([second, first]);
        expect(await tokens.withAttribute('ockam-relay', 'x', 20)).toEqual([]);
        expect(await tokens.removeIssuedBy(id('1'))).toEqual(['b', 'c']);
        expect([await tokens.remove('d'), await tokens.remove('d')]).toEqual([true, false]);
        await tokens.removeExpired(29);
        expect(await tokens.open(0)).toEqual([second]);
        await tokens.removeExpired(30);
        expect(await tokens.open(0)).toEqual([]);
      });
    });

    test('revocations are numbered without gaps and never twice, and asked for in parts', async () => {
      const store = await make();
      const kinds: Revoked[] = [
        { kind: 'subject', identifier: id('a') },
        { kind: 'issuer', identifier: id('a') },
        { kind: 'credential', hash: 'a'.repeat(64) },
        { kind: 'subject', identifier: id('a') },
      ];
      await store.transact(async ({ revocations }) => {
        for (const [index, revoked] of kinds.entries()) await revocations.add({ revoked, notAfter: 10 + index, keptUntil: 20 + index });
        expect((await revocations.after(1, 2)).map(({ number, revoked }) => [number, revoked])).toEqual([
          [2, kinds[1]],
          [3, kinds[2]],
        ]);
        expect(await Promise.all(kinds.map((revoked) => revocations.notAfter(revoked)))).toEqual([13, 11, 12, 13]);
        expect(await revocations.notAfter({ kind: 'subject', identifier: id('b') })).toBe(0);
        await revocations.forget(24);
        expect(await revocations.after(0, 10)).toEqual([]);
        expect(await revocations.lastNumber()).toBe(4);
      });
      const failed = store.transact(async ({ revocations }) => {
        await revocations.add({ revoked: kinds[0]!, notAfter: 1, keptUntil: 2 });
        throw new RangeError('no');
      });
      await expect(failed).rejects.toThrow('no');
      const added = await store.transact(({ revocations }) => revocations.add({ revoked: kinds[0]!, notAfter: 1, keptUntil: 2 }));
      expect(added).toEqual({ number: 5, revoked: kinds[0], notAfter: 1, keptUntil: 2 });
      expect(await store.transact(({ revocations }) => revocations.after(0, 10))).toEqual([added]);
    });

    test('stamps of credentials and acknowledgements only grow', async () => {
      const store = await make();
      await store.transact(async ({ revocations }) => {
        expect(await revocations.newestIssued()).toBe(0);
        for (const createdAt of [5, 7, 6]) await revocations.noteIssued(id('a'), createdAt);
        await revocations.noteIssued(id('b'), 9);
        expect([
          await revocations.newestIssued(id('a')),
          await revocations.newestIssued(id('c')),
          await revocations.newestIssued(),
        ]).toEqual([7, 0, 9]);
        await revocations.acknowledge({ node: id('b'), number: 3, at: 1 });
        await revocations.acknowledge({ node: id('a'), number: 4, at: 2 });
        await revocations.acknowledge({ node: id('b'), number: 2, at: 3 });
        expect(await revocations.acknowledgements()).toEqual([
          { node: id('a'), number: 4, at: 2 },
          { node: id('b'), number: 3, at: 3 },
        ]);
      });
    });

    test('whoever listens hears of a revocation made elsewhere, after it can be read', async () => {
      const [here, there] = [await make(), await make()];
      const numbers = new Promise<number>((resolve) => {
        here.onRevocation(
          () =>
            void here
              .transact(({ revocations }) => revocations.lastNumber())
              .then((last) => {
                if (last > 0) resolve(last);
              }),
        );
      });
      await there.transact(({ members }) => members.put(member('a')));
      const revoked = { kind: 'subject', identifier: id('a') } as const;
      await there.transact(({ revocations }) => revocations.add({ revoked, notAfter: 1, keptUntil: 2 }));
      expect(await numbers).toBe(1);
    });
  });
}
