import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../host/random.ts';
import { createChangeHistory, rotateChangeHistory, type ChangeHistory } from '../../identities/change-history.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { attestPurposeKey } from '../../identities/purpose-key.ts';
import type { IdentityRepository, MemoryRepositoryLimits } from '../../identities/repository.ts';
import { SoftwareVault } from '../../identities/vault.ts';

const vault = new SoftwareVault(nodeCrypto, systemRandom);
const terms = { attestationsValidFrom: 1_000, attestationsValidUntil: 2_000 };
const fresh = async () => createChangeHistory(nodeCrypto, vault, await vault.generateSigningKey('ed25519'), terms);
const rotated = async (history: ChangeHistory) =>
  rotateChangeHistory(nodeCrypto, vault, history, await vault.generateSigningKey('p256'), terms);
const many = (count: number) => Promise.all(Array.from({ length: count }, fresh));

/** What every place for identities has to do. @param make opens the same place each time it is called within a test */
export function identityRepositoryConformance(name: string, make: (limits?: MemoryRepositoryLimits) => Promise<IdentityRepository>): void {
  describe(`an identity repository: ${name}`, () => {
    test('a history is given back as it came, and grows', async () => {
      const [repository, again] = [await make(), await make()];
      const root = await fresh();
      const newer = await rotated(root);
      expect(await repository.history(root.identifier)).toBeUndefined();
      expect(await repository.storeHistory(root, 'strict')).toBe('stored');
      expect(await again.history(root.identifier)).toEqual(root);
      expect(await again.storeHistory(root, 'strict')).toBe('unchanged');
      expect(await again.storeHistory(newer, 'strict')).toBe('updated');
      expect(await repository.history(root.identifier)).toEqual(newer);
      await expect(repository.storeHistory(root, 'strict')).rejects.toMatchObject({ code: 'HISTORY_OLDER' });
      expect(await repository.storeHistory(root, 'ignore-older')).toBe('unchanged');
      expect(await repository.history(root.identifier)).toEqual(newer);
    });

    test('of two forks offered at once one wins, for good', async () => {
      const places = [await make(), await make()] as const;
      for (let round = 0; round < 20; round++) {
        const root = await fresh();
        const forks = [await rotated(root), await rotated(root)] as const;
        await places[0].storeHistory(root, 'strict');
        const outcomes = await Promise.allSettled(places.map((place, index) => place.storeHistory(forks[index]!, 'strict')));
        expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
        const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
        expect(await places[0].history(root.identifier)).toEqual(forks[winner]);
        await expect(places[1].storeHistory(forks[1 - winner]!, 'ignore-older')).rejects.toMatchObject({ code: 'HISTORY_CONFLICT' });
      }
    });

    test('strangers push out strangers that were not used for long, never a kept history, never the newer half', async () => {
      const repository = await make({ historiesMax: 8 });
      const [kept, ...strangers] = await many(21);
      await repository.storeHistory(kept!, 'strict', true);
      for (const [index, stranger] of strangers.entries()) {
        await repository.storeHistory(stranger, 'strict');
        // The first one is looked at all the time, the second one is presented again.
        if (index > 0) expect(await repository.history(strangers[0]!.identifier)).toBeDefined();
        if (index > 1) expect(await repository.storeHistory(strangers[1]!, 'strict')).toBe('unchanged');
      }
      const known = await Promise.all(strangers.map(({ identifier }) => repository.history(identifier)));
      expect(await repository.history(kept!.identifier)).toEqual(kept);
      expect(known.filter((history) => history !== undefined).length).toBeLessThanOrEqual(8);
      for (const history of [known[0], known[1], ...known.slice(-2)]) expect(history).toBeDefined();
    });

    test('a kept history stays kept when it grows, also when it was a stranger first', async () => {
      const repository = await make({ historiesMax: 1 });
      const root = await fresh();
      const newer = await rotated(root);
      await repository.storeHistory(root, 'strict');
      await repository.storeHistory(root, 'ignore-older', true);
      await repository.storeHistory(newer, 'strict');
      for (const history of await many(3)) await repository.storeHistory(history, 'strict');
      expect(await repository.history(root.identifier)).toEqual(newer);
    });

    test('one attestation is kept for an identity and a purpose: the last', async () => {
      const repository = await make();
      const root = await fresh();
      const attest = async (publicKey: Uint8Array, now: number) =>
        attestPurposeKey(nodeCrypto, vault, root, { purpose: 'secure-channel', publicKey }, now);
      const [first, second] = [await attest(new Uint8Array(32).fill(1), 1_000), await attest(new Uint8Array(32).fill(2), 1_001)];
      const credentials = await attestPurposeKey(
        nodeCrypto,
        vault,
        root,
        { purpose: 'credentials', publicKey: await vault.generateSigningKey('ed25519') },
        1_002,
      );
      for (const attestation of [first, credentials, second]) await repository.storeAttestation(attestation);
      const again = await make();
      expect(await again.attestation(root.identifier, 'secure-channel')).toEqual(second);
      expect(await again.attestation(root.identifier, 'credentials')).toEqual(credentials);
      expect(await again.attestation((await fresh()).identifier, 'credentials')).toBeUndefined();
    });

    test('of those who make an attestation at once one is believed, and the others are told which', async () => {
      const root = await fresh();
      const attest = async (now: number) =>
        attestPurposeKey(nodeCrypto, vault, root, { purpose: 'credentials', publicKey: await vault.generateSigningKey('ed25519') }, now);
      const makers = [await make(), await make(), await make()];
      const made = [await attest(1_000), await attest(1_001), await attest(1_002)];
      const found = { before: undefined };
      const standing = await Promise.all(made.map((attestation, index) => makers[index]!.storeAttestation(attestation, found)));
      expect(standing[1]).toEqual(standing[0]);
      expect(standing[2]).toEqual(standing[0]);
      expect(await makers[1]!.attestation(root.identifier, 'credentials')).toEqual(standing[0]);
      const later = await attest(2_000);
      const before = await makers[0]!.attestation(root.identifier, 'credentials');
      expect(await makers[0]!.storeAttestation(later, { before })).toEqual(later);
      expect(await makers[2]!.storeAttestation(made[0]!, { before })).toEqual(later);
    });

    test('one entry of attributes is kept for a subject, whoever attested it, any characters, until it expires', async () => {
      const repository = await make();
      const [subject, first, second] = (await many(3)).map(({ identifier }) => identifier);
      const attributes = new Map([
        ['\0 null', '\u{1f511}'],
        ['', '\ufeffmark'],
        ['quote \' " `', ''],
      ]);
      const entry = { subject: subject!, attributes, storedAt: 5, expiresAt: 10 };
      await repository.storeAttributes({ ...entry, attestedBy: first! });
      await repository.storeAttributes({ ...entry, attestedBy: second! });
      expect(await repository.attributes(subject!, first!, 0)).toBeUndefined();
      expect(await repository.attributes(subject!, second!, 9)).toEqual({ ...entry, attestedBy: second });
      expect(await repository.attributes(subject!, second!, 10)).toBeUndefined();
    });

    test('attributes and cached credentials are bounded, the last ones stay', async () => {
      const repository = await make({ attributesMax: 4, credentialsMax: 4 });
      const [issuer, ...subjects] = (await many(11)).map(({ identifier }) => identifier);
      for (const subject of subjects) {
        await repository.storeAttributes({ subject, attributes: new Map(), attestedBy: issuer!, storedAt: 0, expiresAt: 10 });
        await repository.cacheCredential({ subject, issuer: issuer!, scope: 's', expiresAt: 10, credential: Uint8Array.of(1) });
      }
      const known = await Promise.all(subjects.map((subject) => repository.attributes(subject, issuer!, 0)));
      expect(known.map((entry) => entry !== undefined)).toEqual([...Array<boolean>(6).fill(false), ...Array<boolean>(4).fill(true)]);
      const cached = await Promise.all(subjects.map((subject) => repository.cachedCredential(subject, issuer!, 's', 0)));
      expect(cached.map((entry) => entry !== undefined)).toEqual([...Array<boolean>(6).fill(false), ...Array<boolean>(4).fill(true)]);
    });

    test('a cached credential is for one subject, issuer and scope, until it expires', async () => {
      const repository = await make();
      const [subject, issuer] = (await many(2)).map(({ identifier }) => identifier) as [`I${string}`, `I${string}`];
      const entry = { subject, issuer, scope: 'project-member-7', expiresAt: 10, credential: Uint8Array.of(1, 2, 3) };
      await repository.cacheCredential({ ...entry, credential: Uint8Array.of(9) });
      await repository.cacheCredential(entry);
      expect(await repository.cachedCredential(subject, issuer, 'project-member-7', 9)).toEqual(entry);
      expect(await repository.cachedCredential(subject, issuer, 'project-member-8', 9)).toBeUndefined();
      expect(await repository.cachedCredential(issuer, subject, 'project-member-7', 9)).toBeUndefined();
      expect(await repository.cachedCredential(subject, issuer, 'project-member-7', 10)).toBeUndefined();
    });
  });
}
