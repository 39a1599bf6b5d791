import type { SecretKind } from '../identities/secret.ts';
import type { Purpose } from '../identities/purpose-key.ts';
import type { Revoked } from '../workers/authority/revocations.ts';
import type { Identifier } from '../identities/identifier.ts';

/**
 * Every table of a home, the same in SQLite and PostgreSQL. Seconds are seconds since 1970; flags are 0 or 1; bytes are read as
 * `Uint8Array`. Texts are identifiers, hashes and names; what may hold any character (attributes) is kept as bytes.
 */
export interface Schema {
  /** Identities, one's own and strangers. */
  histories: {
    identifier: Identifier;
    /** As `exportChangeHistory` wrote it. */
    history: Uint8Array;
    /** 1: never forgotten to make room. */
    kept: number;
    /** Rises with each use, roughly: see `Recency`. */
    used: number;
  };
  /** The secrets of the vault, in clear: the file's mode is what protects them. */
  vault_keys: { handle: string; kind: SecretKind; secret: Uint8Array };
  purpose_keys: { subject: Identifier; purpose: Purpose; attestation: Uint8Array };
  subject_attributes: {
    subject: Identifier;
    attributes: Uint8Array;
    attested_by: Identifier;
    stored_at: number;
    expires_at: number;
    used: number;
  };
  credentials: { subject: Identifier; issuer: Identifier; scope: string; expires_at: number; credential: Uint8Array; used: number };
  /** Counts the changes that others want to hear of. */
  topics: { topic: string; version: number };

  /** Those whom an authority has taken in. */
  members: { identifier: Identifier; added_by: Identifier; added_at: number; pre_trusted: number };
  member_attributes: AttributeRow<Identifier>;
  /** Open one-time codes. */
  tokens: { code_hash: string; reference: string; issued_by: Identifier; created_at: number; expires_at: number; uses_left: number };
  token_attributes: AttributeRow<string>;
  /** `target` is an identifier, or the hash of a credential. */
  revocations: { number: number; kind: Revoked['kind']; target: string; not_after: number; kept_until: number };
  /** The newest `created_at` that an authority gave to a credential of this subject. */
  issued: { subject: Identifier; created_at: number };
  acknowledgements: { node: Identifier; number: number; at: number };
  /** Numbers that are never given twice. */
  counters: { name: string; value: number };

  /** Vaults and identities by name. A vault without a path is in this database. */
  vaults: { name: string; path: string | null; is_default: number };
  identities: { name: string; identifier: Identifier; vault: string; is_default: number };

  /** The nodes of this home, what each holds up, and who may use it. Settings, states and information are JSON objects. */
  nodes: { name: string; settings: string; state: string; is_default: number };
  resources: { node: string; kind: string; name: string; settings: string };
  policies: { node: string; kind: 'resource' | 'type'; name: string; action: string; expression: Uint8Array };
  projects: {
    id: string;
    name: string;
    identity: Identifier | null;
    authority: Identifier | null;
    information: string;
    is_default: number;
  };
  /** What nodes have heard from their authorities; the rows are like those of `revocations`. */
  known_revocations: Schema['revocations'] & { authority: Identifier };
}

/** Name and value in UTF-8. */
interface AttributeRow<Owner> {
  owner: Owner;
  name: Uint8Array;
  value: Uint8Array;
}
