import { expect, test } from 'vitest';
import { createChangeHistory, rotateChangeHistory, type ChangeHistory } from './change-history.ts';
import { nodeCrypto } from './node-crypto.ts';
import { MemoryIdentityRepository } from './repository.ts';
import { SoftwareVault } from './vault.ts';

let drawn = 0;
const vault = new SoftwareVault(nodeCrypto, {
  bytes: (count) => nodeCrypto.sha256(Uint8Array.of(++drawn & 0xff, drawn >> 8)).slice(0, count),
});
const terms = { attestationsValidFrom: 1000, attestationsValidUntil: 2000 };
const fresh = async () => createChangeHistory(nodeCrypto, vault, await vault.generateSigningKey('ed25519'), terms);
const rotated = async (history: ChangeHistory) =>
  rotateChangeHistory(nodeCrypto, vault, history, await vault.generateSigningKey('ed25519'), terms);

test('of two forks offered at once one wins, for good, 200 times', async () => {
  const root = await fresh();
  const forks = [await rotated(root), await rotated(root)] as const;
  for (let round = 0; round < 200; round++) {
    const repository = new MemoryIdentityRepository();
    await repository.storeHistory(root, 'strict');
    const order = round % 2 === 0 ? forks : forks.toReversed();
    const outcomes = await Promise.allSettled(order.map((fork) => repository.storeHistory(fork, 'strict')));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(repository.storeHistory(order[1], 'ignore-older')).rejects.toMatchObject({ code: 'HISTORY_CONFLICT' });
    expect(await repository.history(root.identifier)).toBe(order[0]);
  }
});

test('strangers push out the stranger seen least recently, never a kept history', async () => {
  const repository = new MemoryIdentityRepository({ historiesMax: 2 });
  const [kept, first, second, third] = [await fresh(), await fresh(), await fresh(), await fresh()];
  await repository.storeHistory(kept, 'strict', true);
  for (const history of [first, second]) await repository.storeHistory(history, 'strict');
  await repository.history(first.identifier);
  await repository.storeHistory(third, 'strict');
  const known = await Promise.all([kept, first, second, third].map(({ identifier }) => repository.history(identifier)));
  expect(known).toEqual([kept, first, undefined, third]);
});

test('a kept history stays kept when it grows, also when it was a stranger first', async () => {
  const repository = new MemoryIdentityRepository({ historiesMax: 1 });
  const root = await fresh();
  const newer = await rotated(root);
  await repository.storeHistory(root, 'strict');
  await repository.storeHistory(root, 'ignore-older', true);
  await repository.storeHistory(newer, 'strict');
  for (const history of [await fresh(), await fresh()]) await repository.storeHistory(history, 'strict');
  expect(await repository.history(root.identifier)).toBe(newer);
});

test('a history that becomes kept makes room for a stranger', async () => {
  const repository = new MemoryIdentityRepository({ historiesMax: 2 });
  const [first, second, third] = [await fresh(), await fresh(), await fresh()];
  for (const history of [first, second]) await repository.storeHistory(history, 'strict');
  await repository.storeHistory(second, 'strict', true);
  await repository.storeHistory(third, 'strict');
  expect(await repository.history(first.identifier)).toBe(first);
});

test('one entry of attributes is kept for a subject, whoever attested it', async () => {
  const repository = new MemoryIdentityRepository();
  const entry = { subject: 'I1', attributes: new Map(), storedAt: 0, expiresAt: 10 } as const;
  await repository.storeAttributes({ ...entry, attestedBy: 'I2' });
  await repository.storeAttributes({ ...entry, attestedBy: 'I3' });
  expect(await repository.attributes('I1', 'I2', 0)).toBeUndefined();
  expect(await repository.attributes('I1', 'I3', 0)).toMatchObject({ attestedBy: 'I3' });
});

test('a cached credential is for one subject, issuer and scope, until it expires', async () => {
  const repository = new MemoryIdentityRepository();
  const entry = { subject: 'I1', issuer: 'I2', scope: 'project-member-7', expiresAt: 10, credential: new Uint8Array(1) } as const;
  await repository.cacheCredential(entry);
  expect(await repository.cachedCredential('I1', 'I2', 'project-member-7', 9)).toBe(entry);
  expect(await repository.cachedCredential('I1', 'I2', 'project-member-8', 9)).toBeUndefined();
  expect(await repository.cachedCredential('I2', 'I1', 'project-member-7', 9)).toBeUndefined();
  expect(await repository.cachedCredential('I1', 'I2', 'project-member-7', 10)).toBeUndefined();
  expect(await repository.cachedCredential('I1', 'I2', 'project-member-7', 9)).toBeUndefined();
});
