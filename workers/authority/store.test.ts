import { expect, test } from 'vitest';
import type { Identifier } from '../../identities/identifier.ts';
import { MemoryAuthorityStore } from './store.ts';

const id = (letter: string): Identifier => `I${letter.repeat(64)}`;
const alice = { identifier: id('a'), attributes: new Map([['k', 'v']]), addedBy: id('f'), addedAt: 10, isPreTrusted: false };
const token = {
  codeHash: '00',
  reference: 'r',
  issuedBy: id('f'),
  createdAt: 10,
  expiresAt: 20,
  usesLeft: 2,
  attributes: new Map<string, string>(),
};

test('a transaction that throws has changed nothing', async () => {
  const store = new MemoryAuthorityStore();
  await store.transact(({ tokens }) => tokens.add(token));
  const failed = store.transact(async ({ members, tokens, revocations }) => {
    await members.put(alice);
    await tokens.use('00', 10);
    await revocations.add({ revoked: { kind: 'subject', identifier: id('a') }, notAfter: 10, keptUntil: 20 });
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  await store.transact(async ({ members, tokens, revocations }) => {
    expect(await members.list()).toEqual([]);
    expect(await tokens.open(10)).toEqual([token]);
    expect(await revocations.lastNumber()).toBe(0);
    expect(await revocations.after(0, 10)).toEqual([]);
  });
});

test('one transaction sees nothing of another that is under way', async () => {
  const store = new MemoryAuthorityStore();
  const seen: number[] = [];
  const count = store.transact.bind(store, async ({ members }) => {
    const { length } = await members.list();
    await members.put({ ...alice, identifier: id(String(length)) });
    seen.push(length);
  });
  await Promise.all([count(), count(), count()]);
  expect(seen).toEqual([0, 1, 2]);
});

test('a use is taken once, the row goes with the last one, and it is void from its last second on', async () => {
  const store = new MemoryAuthorityStore();
  await store.transact(({ tokens }) => tokens.add(token));
  const use = (now: number) => store.transact(({ tokens }) => tokens.use('00', now));
  expect(await use(20)).toBeUndefined();
  expect((await use(19))?.usesLeft).toBe(2);
  expect((await use(19))?.usesLeft).toBe(1);
  expect(await use(19)).toBeUndefined();
});

test('numbers of revocations are not given twice, and whoever listens is told of new ones', async () => {
  const store = new MemoryAuthorityStore();
  let told = 0;
  store.onRevocation(() => (told += 1));
  const revoked = { kind: 'subject', identifier: id('a') } as const;
  await store.transact(({ revocations }) => revocations.add({ revoked, notAfter: 10, keptUntil: 20 }));
  await store.transact(({ revocations }) => revocations.forget(21));
  const second = await store.transact(({ revocations }) => revocations.add({ revoked, notAfter: 30, keptUntil: 40 }));
  expect(second.number).toBe(2);
  expect(told).toBe(2);
  expect(await store.transact(({ revocations }) => revocations.after(0, 10))).toEqual([second]);
});
