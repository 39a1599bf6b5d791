import { access } from 'node:fs/promises';
import type { Cli } from '../cli.ts';
import type { NameKind } from './candidates.ts';

/** Names that the home has. Only its database is read; where there is none, none is made. Source: command-line.md 8.4 */
export async function namesIn(cli: Cli, kind: NameKind): Promise<readonly string[]> {
  await access(cli.path('database.sqlite3'));
  const { state, names } = await cli.home();
  switch (kind) {
    case 'node':
      return (await state.nodes.list()).map(({ name }) => name);
    case 'project':
      return (await state.projects.list()).map(({ name }) => name);
    case 'identity':
      return (await names.identities()).map(({ name }) => name);
    case 'vault':
      return (await names.vaults()).map(({ name }) => name);
    case 'alias': {
      const nodes = await state.nodes.list();
      const inlets = await Promise.all(nodes.map(({ name }) => state.resources.of(name)));
      return [...new Set(inlets.flat().flatMap(({ kind: each, name }) => (each === 'tcp-inlet' ? [name] : [])))];
    }
  }
}
