import type { Step } from './column-types.ts';

/** Identities, keys, and what is known of others. */
export const identities: Step = ({ text, bytes, integer, table }) => [
  `create table histories (
    identifier ${text} not null primary key,
    history ${bytes} not null,
    kept ${integer} not null check (kept in (0, 1)),
    used ${integer} not null
  ) ${table}`,
  'create index histories_by_use on histories (kept, used)',
  `create table vault_keys (
    handle ${text} not null primary key,
    kind ${text} not null check (kind in ('ed25519', 'p256', 'x25519')),
    secret ${bytes} not null check (length(secret) = 32)
  ) ${table}`,
  `create table purpose_keys (
    subject ${text} not null,
    purpose ${text} not null check (purpose in ('secure-channel', 'credentials')),
    attestation ${bytes} not null,
    primary key (subject, purpose)
  ) ${table}`,
  `create table subject_attributes (
    subject ${text} not null primary key,
    attributes ${bytes} not null,
    attested_by ${text} not null,
    stored_at ${integer} not null,
    expires_at ${integer} not null,
    used ${integer} not null
  ) ${table}`,
  'create index subject_attributes_by_use on subject_attributes (used)',
  `create table credentials (
    subject ${text} not null,
    issuer ${text} not null,
    scope ${text} not null,
    expires_at ${integer} not null,
    credential ${bytes} not null,
    used ${integer} not null,
    primary key (subject, issuer, scope)
  ) ${table}`,
  'create index credentials_by_use on credentials (used)',
  `create table topics (
    topic ${text} not null primary key,
    version ${integer} not null
  ) ${table}`,
];
