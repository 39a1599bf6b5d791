import { MemoryIdentityRepository, type IdentityRepository } from '../../identities/repository.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { identityForms } from '../../identities/stored-form.ts';
import { type KeyStore, MemoryKeyStore } from '../../identities/vault.ts';
import { StoredAuthority } from '../../storage/authority.ts';
import { StoredHome } from '../../storage/home.ts';
import { StoredIdentities } from '../../storage/identities.ts';
import { StoredKeys } from '../../storage/keys.ts';
import type { Store } from '../../storage/store.ts';
import { type AuthorityStore, MemoryAuthorityStore } from '../../workers/authority/store.ts';
import { MemoryHome } from '../memory.ts';
import type { NodeRepository } from '../ports.ts';

/** Where a project keeps what it must not forget. Several processes that share it are one project. */
export interface ProjectState {
  /** Its two identities, and whoever came to it. */
  readonly identities: IdentityRepository;
  readonly keys: KeyStore;
  readonly members: AuthorityStore;
  /** What the project is, written down as one node. */
  readonly nodes: Pick<NodeRepository, 'get' | 'change'>;
}

/** A state in memory: for tests, simulations, and projects that may forget. */
export function memoryProjectState(): ProjectState {
  return {
    identities: new MemoryIdentityRepository(),
    keys: new MemoryKeyStore(),
    members: new MemoryAuthorityStore(),
    nodes: new MemoryHome().nodes,
  };
}

/** The state of a project in a store that holds nothing else. In PostgreSQL several processes share it: see docs/project.md. */
export function storedProjectState(store: Store): ProjectState {
  const forms = identityForms(nodeCrypto);
  return {
    identities: new StoredIdentities(store, forms),
    keys: new StoredKeys(store, forms),
    members: new StoredAuthority(store),
    nodes: new StoredHome(store).nodes,
  };
}
