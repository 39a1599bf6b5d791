/**
 * `postern/storage`: the state of one home, in a file of SQLite or in a PostgreSQL that several processes share, and the
 * repositories that keep there what identities, their vault, an authority, what was heard of revocations, and the nodes and projects of a home need. See docs/storage.md.
 */
export { StoredAuthority } from './authority.ts';
export { DecisionFile, type DecisionFileOptions, type DenialSource, openDecisionFile, readDecisionFile } from './decision-file.ts';
export { StorageError } from './errors.ts';
export { StoredHeard } from './heard.ts';
export { StoredHome } from './home.ts';
export { StoredIdentities, type StoredIdentitiesLimits } from './identities.ts';
export { StoredKeys } from './keys.ts';
export { StoredNames } from './names.ts';
export { openPostgresStore, type PostgresStoreOptions } from './postgres.ts';
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
export type { Store, Topic } from './store.ts';
/** How identities are written down: every repository of theirs takes it. */
export { identityForms, type IdentityForms } from '../identities/stored-form.ts';
/** How denials are written down: the decision file takes it. */
export { denialForms, type DenialForms } from '../policies/denial-text.ts';
