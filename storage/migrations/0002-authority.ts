import type { Step } from './column-types.ts';

/** Members, codes and revocations of an authority. Names and values of attributes are bytes: they may hold any character. */
export const authority: Step = ({ text, bytes, integer, table }) => [
  `create table members (
    identifier ${text} not null primary key,
    added_by ${text} not null,
    added_at ${integer} not null,
    pre_trusted ${integer} not null check (pre_trusted in (0, 1))
  ) ${table}`,
  'create index members_by_adder on members (added_by)',
  `create table member_attributes (
    owner ${text} not null references members (identifier) on delete cascade,
    name ${bytes} not null,
    value ${bytes} not null,
    primary key (owner, name)
  ) ${table}`,
  'create index member_attributes_by_name on member_attributes (name)',
  `create table tokens (
    code_hash ${text} not null primary key,
    reference ${text} not null,
    issued_by ${text} not null,
    created_at ${integer} not null,
    expires_at ${integer} not null,
    uses_left ${integer} not null check (uses_left > 0)
  ) ${table}`,
  'create index tokens_by_reference on tokens (reference)',
  'create index tokens_by_issuer on tokens (issued_by)',
  `create table token_attributes (
    owner ${text} not null references tokens (code_hash) on delete cascade,
    name ${bytes} not null,
    value ${bytes} not null,
    primary key (owner, name)
  ) ${table}`,
  'create index token_attributes_by_name on token_attributes (name)',
  `create table revocations (
    number ${integer} not null primary key,
    kind ${text} not null check (kind in ('subject', 'issuer', 'credential')),
    target ${text} not null,
    not_after ${integer} not null,
    kept_until ${integer} not null
  ) ${table}`,
  'create index revocations_by_target on revocations (target, kind)',
  `create table issued (
    subject ${text} not null primary key,
    created_at ${integer} not null
  ) ${table}`,
  'create index issued_by_time on issued (created_at)',
  `create table acknowledgements (
    node ${text} not null primary key,
    number ${integer} not null,
    at ${integer} not null
  ) ${table}`,
  `create table counters (
    name ${text} not null primary key,
    value ${integer} not null
  ) ${table}`,
];
