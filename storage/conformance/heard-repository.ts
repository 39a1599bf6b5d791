import { describe, expect, test } from 'vitest';
import type { Identifier } from '../../identities/identifier.ts';
import type { HeardRepository } from '../../workers/authority/heard-revocations.ts';
import type { Revocation, Revoked } from '../../workers/authority/revocations.ts';

const id = (letter: string): Identifier => `I${letter.repeat(64)}`;
const KINDS: readonly Revoked[] = [
  { kind: 'subject', identifier: id('a') },
  { kind: 'issuer', identifier: id('a') },
  { kind: 'credential', hash: 'a'.repeat(64) },
];
const statement = (number: number, changes: Partial<Revocation> = {}): Revocation => ({
  number,
  revoked: KINDS[number % KINDS.length]!,
  notAfter: 10 * number,
  keptUntil: 100 * number,
  ...changes,
});

/** What every place for heard revocations has to do. @param make opens the same place each time it is called within a test */
export function heardRepositoryConformance(name: string, make: () => Promise<HeardRepository>): void {
  describe(`what was heard of revocations: ${name}`, () => {
    test('it is kept by authority, added to by number, and the number of an authority is the last one, also a smaller one', async () => {
      const [repository, again] = [await make(), await make()];
      expect(await repository.heard(id('1'))).toEqual({ number: 0, revocations: [] });
      await repository.keep(id('1'), { number: 2, revocations: [statement(1), statement(2)] });
      await repository.keep(id('2'), { number: 9, revocations: [statement(1, { notAfter: 7 })] });
      await again.keep(id('1'), { number: 4, revocations: [statement(3), statement(4), statement(2, { notAfter: 21 })] });
      expect(await repository.heard(id('1'))).toEqual({
        number: 4,
        revocations: [statement(1), statement(2, { notAfter: 21 }), statement(3), statement(4)],
      });
      await again.keep(id('1'), { number: 0, revocations: [] });
      expect((await repository.heard(id('1'))).number).toBe(0);
      expect(await repository.heard(id('2'))).toEqual({ number: 9, revocations: [statement(1, { notAfter: 7 })] });
    });

    test('what can matter no more is forgotten, of every authority; the number is not', async () => {
      const repository = await make();
      for (const authority of [id('1'), id('2')])
        await repository.keep(authority, { number: 3, revocations: [statement(1), statement(2), statement(3)] });
      await repository.forget(100);
      expect((await repository.heard(id('1'))).revocations).toHaveLength(3);
      await repository.forget(201);
      for (const authority of [id('1'), id('2')])
        expect(await repository.heard(authority)).toEqual({ number: 3, revocations: [statement(3)] });
    });
  });
}
