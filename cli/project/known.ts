import type { KnownProject } from 'postern/manager';
import type { Cli } from '../cli.ts';
import type { Kind } from '../commands/shared.ts';
import { notFound } from '../failure.ts';

export async function projectKind(cli: Cli): Promise<Kind<KnownProject>> {
  const items = await (await cli.home()).state.projects.list();
  return { title: 'Project', list: 'project list', items, nameOf: ({ name }) => name, fallback: items.find(({ isDefault }) => isDefault) };
}

/** @throws {CommandError} not found */
export async function projectNamed(cli: Cli, name: string | undefined): Promise<KnownProject> {
  const { items } = await projectKind(cli);
  const found = items.find((each) => (name === undefined ? each.isDefault : each.name === name));
  if (found === undefined) throw notFound('Project', name ?? 'default', `Enroll: ${cli.programName} enroll TICKET`);
  return found;
}
