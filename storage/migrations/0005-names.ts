import type { Step } from './column-types.ts';

/** Vaults and identities have names in a home. A vault without a path keeps its keys in the home's own database. */
export const names: Step = ({ text, integer, table }) => [
  `create table vaults (
    name ${text} not null primary key,
    path ${text} unique,
    is_default ${integer} not null default 0 check (is_default in (0, 1))
  ) ${table}`,
  'create unique index vaults_default on vaults (is_default) where is_default = 1',
  `create table identities (
    name ${text} not null primary key,
    identifier ${text} not null,
    vault ${text} not null references vaults (name),
    is_default ${integer} not null default 0 check (is_default in (0, 1))
  ) ${table}`,
  'create unique index identities_default on identities (is_default) where is_default = 1',
];
