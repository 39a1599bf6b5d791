import type { Step } from './column-types.ts';

/**
 * Policies belong to a node; a node has a state beside its settings; a project has an id, and is known by whom it is. What was
 * kept before is kept on: policies for every node that there is. And nodes remember what their authorities revoked.
 */
export const homes: Step = ({ text, bytes, integer, table }) => [
  `create table node_policies (
    node ${text} not null,
    kind ${text} not null check (kind in ('resource', 'type')),
    name ${text} not null,
    action ${text} not null,
    expression ${bytes} not null,
    primary key (node, kind, name, action)
  ) ${table}`,
  `insert into node_policies (node, kind, name, action, expression)
    select nodes.name, policies.kind, policies.name, policies.action, policies.expression from policies cross join nodes`,
  'drop table policies',
  'alter table node_policies rename to policies',
  `alter table nodes add column state ${text} not null default '{}'`,
  `alter table nodes add column is_default ${integer} not null default 0 check (is_default in (0, 1))`,
  'create unique index nodes_default on nodes (is_default) where is_default = 1',
  'alter table projects rename column settings to information',
  `alter table projects add column id ${text} not null default ''`,
  'update projects set id = name',
  'create unique index projects_by_id on projects (id)',
  `alter table projects add column identity ${text}`,
  `alter table projects add column authority ${text}`,
  `alter table projects add column is_default ${integer} not null default 0 check (is_default in (0, 1))`,
  'create unique index projects_default on projects (is_default) where is_default = 1',
  `create table known_revocations (
    authority ${text} not null,
    number ${integer} not null,
    kind ${text} not null check (kind in ('subject', 'issuer', 'credential')),
    target ${text} not null,
    not_after ${integer} not null,
    kept_until ${integer} not null,
    primary key (authority, number)
  ) ${table}`,
];
