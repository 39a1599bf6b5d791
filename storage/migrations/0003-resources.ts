import type { Step } from './column-types.ts';

/** What a node is asked to hold up, and who may use it. Settings are JSON; policies are bytes, since their texts may hold any character. */
export const resources: Step = ({ text, bytes, table }) => [
  `create table policies (
    kind ${text} not null check (kind in ('resource', 'type')),
    name ${text} not null,
    action ${text} not null,
    expression ${bytes} not null,
    primary key (kind, name, action)
  ) ${table}`,
  `create table nodes (
    name ${text} not null primary key,
    settings ${text} not null
  ) ${table}`,
  `create table projects (
    name ${text} not null primary key,
    settings ${text} not null
  ) ${table}`,
  `create table resources (
    node ${text} not null,
    kind ${text} not null,
    name ${text} not null,
    settings ${text} not null,
    primary key (node, kind, name)
  ) ${table}`,
];
