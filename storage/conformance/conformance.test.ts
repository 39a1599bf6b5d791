import { beforeEach, describe } from 'vitest';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { identityForms } from '../../identities/stored-form.ts';
import { MemoryKeyStore } from '../../identities/vault.ts';
import { MemoryHome } from '../../manager/memory.ts';
import { MemoryHeardRepository } from '../../workers/authority/heard-revocations.ts';
import { MemoryAuthorityStore } from '../../workers/authority/store.ts';
import { StoredAuthority } from '../authority.ts';
import { StoredHeard } from '../heard.ts';
import { StoredHome } from '../home.ts';
import { StoredIdentities } from '../identities.ts';
import { StoredKeys } from '../keys.ts';
import { StoredNames } from '../names.ts';
import { authorityStoreConformance } from './authority-store.ts';
import { heardRepositoryConformance } from './heard-repository.ts';
import { homeStateConformance } from './home-state.ts';
import { identityRepositoryConformance } from './identity-repository.ts';
import { keyStoreConformance } from './key-store.ts';
import { nameRepositoryConformance } from './name-repository.ts';
import { storeConformance } from './store.ts';
import { overEachDatabase } from './worlds.ts';

const forms = identityForms(nodeCrypto);

describe('memory', () => {
  const shared = new Map<string, unknown>();
  /** Within a test the same place each time. */
  const once = <Place>(name: string, make: () => Place) => {
    if (!shared.has(name)) shared.set(name, make());
    return Promise.resolve(shared.get(name) as Place);
  };
  beforeEach(() => shared.clear());
  keyStoreConformance('memory', () => once('keys', () => new MemoryKeyStore()));
  identityRepositoryConformance('memory', (limits) => once('identities', () => new MemoryIdentityRepository(limits)));
  authorityStoreConformance('memory', () => once('authority', () => new MemoryAuthorityStore()));
  heardRepositoryConformance('memory', () => once('heard', () => new MemoryHeardRepository()));
  homeStateConformance('memory', () => once('home', () => new MemoryHome()));
});

overEachDatabase((name, world) => {
  storeConformance(name, world);
  keyStoreConformance(name, async () => new StoredKeys(await world.open(), forms));
  identityRepositoryConformance(name, async (limits) => new StoredIdentities(await world.open(), forms, limits));
  authorityStoreConformance(name, async () => new StoredAuthority(await world.open()));
  heardRepositoryConformance(name, async () => new StoredHeard(await world.open()));
  homeStateConformance(name, async () => new StoredHome(await world.open()));
  nameRepositoryConformance(name, async () => new StoredNames(await world.open()));
});
