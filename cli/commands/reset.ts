import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, failureOf } from '../failure.ts';
import { explained } from '../help.ts';
import { knownNodes } from '../node/known.ts';
import { stopNode } from '../node/start-node.ts';
import type { Doing, Family } from '../program.ts';
import { stopProject } from '../project/host-project.ts';
import { hostedNames } from '../project/settings.ts';
import { confirmed } from '../prompts.ts';

/** Names in the home that are ours to remove. Everything else stays. Source: command-line.md 4.1, 5.18 */
const isOurs = (name: string, withProjects: boolean) =>
  /^database\.sqlite3(-wal|-shm|-journal)?$/.test(name) ||
  /^vault-/.test(name) ||
  ['nodes', 'commands', 'run'].includes(name) ||
  (withProjects && name === 'projects');

export function resetVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .option('--all', 'also projects that are hosted here, with all their members')
      .option('-y, --yes', 'do not ask')
      .action(
        doing(async ({ all = false, yes = false }) => {
          const before = await readdir(cli.folder).catch(() => []);
          const hosted = await hostedNames(cli);
          if (hosted.length > 0 && !all)
            throw new CommandError(EXIT.failure, `This home hosts ${hosted.map((name) => `project ${name}`).join(', ')}.`, {
              help: `To delete what it hosts, too, with all members: ${cli.programName} reset --all`,
            });
          const gone = before.filter((name) => isOurs(name, all));
          const json = { home: cli.folder, removed: gone };
          if (gone.length === 0) return { plain: `    There is nothing to remove in ${cli.folder}.`, json };
          const question = `Delete every node, identity and vault in ${cli.folder}${hosted.length > 0 ? `, and ${hosted.length} hosted project(s)` : ''}?`;
          if (!(await confirmed(cli, question, { yes }))) return { plain: '    Nothing was deleted.' };
          const vaults = gone.includes('database.sqlite3') ? await stoppedAndVaults(cli) : [];
          for (const name of hosted) await stopProject(cli, name);
          for (const file of vaults) for (const side of ['', '-wal', '-shm']) await rm(file + side, { force: true });
          for (const name of gone) await rm(join(cli.folder, name), { recursive: true, force: true });
          return { plain: `  ✔ The state in ${cli.folder} was removed.\n  > Begin anew: ${cli.programName} enroll`, json };
        }),
      ),
    {
      description:
        'Stops all nodes, and removes identities, vaults with their files, nodes and logs. The history of commands and files of others stay. ' +
        'A home that cannot be read is removed without being read.',
      examples: ['reset --yes', 'reset --all --yes'],
    },
  );
}

/** Stops every node. @returns the files of vaults elsewhere */
async function stoppedAndVaults(cli: Cli): Promise<readonly string[]> {
  try {
    const home = await cli.home();
    for (const node of await knownNodes(cli)) {
      cli.step(`Stopping node ${node.name}`);
      await stopNode(cli, node);
    }
    const files = (await home.names.vaults()).flatMap(({ path }) => (path === undefined ? [] : [path]));
    await cli.closeHome();
    return files;
  } catch (thrown) {
    if (failureOf(thrown).exitCode !== EXIT.configuration) throw thrown;
    cli.warn('The state cannot be read, so it is not known which nodes run: it is removed as it is.');
    return [];
  }
}
