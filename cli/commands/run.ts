import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from '../cli.ts';
import { runRecipe } from '../config/recipe.ts';
import { readSource } from '../config/source.ts';
import type { Source } from '../config/place.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { untilEnded } from '../node/until-ended.ts';
import type { Doing, Family } from '../program.ts';

/** Source: command-line.md 5.18 */
const DEFAULT_FILES = ['postern.yml', 'postern.yaml', 'ockam.yml', 'ockam.yaml'];

export function runVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .argument('[PATH]', 'of the recipe [default: postern.yml or postern.yaml here]')
      .option('--inline <TEXT>', 'the recipe itself')
      .option('--blocking', 'stay until all its nodes have ended, and pass signals on to them')
      .action(
        doing(async (path: string | undefined, { inline, blocking }) => {
          if (path !== undefined && inline !== undefined) throw usageError(`These are two recipes: ${path}, and that of --inline.`);
          const nodes = await runRecipe(cli, await sourceOf(cli, path, inline));
          if (blocking === true) await untilEnded(cli, nodes);
          const plain = nodes.length === 0 ? '  ✔ The recipe was applied.' : `  ✔ Nodes ${nodes.join(', ')} were created.`;
          return { plain, machine: nodes.join('\n'), json: { nodes } };
        }),
      ),
    {
      description: 'A recipe makes vaults, identities, nodes, relays, policies, outlets and inlets, after it was looked at as a whole.',
      examples: ["run --inline '{nodes: {n1: {}, n2: {}}, tcp-outlets: {db: {to: 5432, at: n1}}}'"],
    },
  );
}

async function sourceOf(cli: Cli, path: string | undefined, inline: string | undefined): Promise<Source> {
  if (inline !== undefined) return { name: '--inline', text: inline };
  if (path !== undefined) return readSource(cli, path);
  for (const name of DEFAULT_FILES)
    if (
      await stat(resolve(cli.invocation.cwd, name)).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return readSource(cli, name);
  throw new CommandError(EXIT.input, `There is no recipe here: ${DEFAULT_FILES.join(', ')}.`, {
    help: `Give a path: ${cli.programName} run PATH`,
  });
}
