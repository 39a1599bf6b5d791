import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound } from '../failure.ts';
import { type KnownNode, knownNode, statusOf } from './settings.ts';

/** The nodes of this home, by ascending name. */
export async function knownNodes(cli: Cli): Promise<readonly KnownNode[]> {
  return (await (await cli.home()).state.nodes.list()).map(knownNode);
}

/** The one of that name, or the default one. @returns undefined when there is no node at all @throws {CommandError} not found */
export async function findNode(cli: Cli, name: string | undefined): Promise<KnownNode | undefined> {
  const known = await knownNodes(cli);
  if (known.length === 0) return undefined;
  const found = known.find((node) => (name === undefined ? node.isDefault : node.name === name));
  if (found === undefined) throw notFound('Node', name ?? 'default', `List them: ${cli.programName} node list`);
  return found;
}

/** The one that a verb asks: it has to run. @throws {CommandError} */
export async function runningNode(cli: Cli, name: string | undefined): Promise<string> {
  const found = await findNode(cli, name);
  if (found === undefined)
    throw name === undefined
      ? new CommandError(EXIT.failure, 'There is no node in this home.', { help: `Make one: ${cli.programName} node create` })
      : notFound('Node', name, `Make it: ${cli.programName} node create ${name}`);
  if ((await statusOf(found)) !== 'running')
    throw new CommandError(EXIT.unavailable, `Node ${found.name} is not running.`, {
      help: `Start it: ${cli.programName} node start ${found.name}`,
    });
  return found.name;
}
