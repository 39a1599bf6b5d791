import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { knownSpaces, labelProject, type Space } from '../project/spaces.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { parseProjectName } from '../values.ts';
import { type Kind, listed, shown } from './shared.ts';

async function spaceKind(cli: Cli): Promise<Kind<Space>> {
  const items = await knownSpaces(cli);
  return { title: 'Space', list: 'space list', items, nameOf: ({ name }) => name, fallback: items.length === 1 ? items[0] : undefined };
}

const spacePlain = ({ name, projects }: Space) => [name, ...projects.map((project) => `project ${project}`)].join('\n');

/** Labels of projects, in this home. Source: command-line.md 5.17 */
export function spaceFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Put a label on the default project.')
      .argument('<NAME>', 'the label', parseProjectName)
      .argument('[USER...]', 'without effect: there are no accounts')
      .action(
        doing(async (name: string, users: readonly string[]) => {
          const project = (await (await cli.home()).state.projects.list()).find(({ isDefault }) => isDefault);
          if (project === undefined)
            throw new CommandError(EXIT.notPermitted, `Please enroll using '${cli.programName} enroll' before using this command`, {
              help: `Enroll: ${cli.programName} enroll`,
            });
          if (users.length > 0) cli.warn('There are no accounts: a space is a label in this home.');
          await labelProject(cli, project, name);
          const space = { id: name, name, projects: [project.name] };
          return { plain: `  ✔ Project ${project.name} is in space ${name}.`, machine: name, json: space };
        }),
      ),
    { description: 'Spaces are labels in this home: nobody else sees them.', examples: ['space create acme'] },
  );

  explained(
    family
      .command('list')
      .description('List the labels of projects.')
      .action(doing(async () => listed(await spaceKind(cli), spacePlain))),
    { examples: ['space list'] },
  );

  family
    .command('show')
    .description('Show a label, and what bears it.')
    .argument('[NAME]', '', parseProjectName)
    .action(
      doing(async (name: string | undefined) =>
        shown(cli, await spaceKind(cli), name, (space) => ({ plain: spacePlain(space), json: space })),
      ),
    );

  family
    .command('delete')
    .description('Take a label away; the projects stay.')
    .argument('<NAME>', '', parseProjectName)
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string, { yes = false }) => {
        if (name === '') throw usageError('Give a NAME.');
        const { items } = await spaceKind(cli);
        if (items.length === 0) return { plain: '    There is no space here.', json: [] };
        const space = items.find((each) => each.name === name);
        if (space === undefined) throw notFound('Space', name, `List them: ${cli.programName} space list`);
        if (!(await confirmed(cli, `Delete space ${name}?`, { yes }))) return { plain: '    Nothing was deleted.' };
        for (const project of await (await cli.home()).state.projects.list())
          if (space.projects.includes(project.name)) await labelProject(cli, project, '');
        return { plain: `  ✔ Space ${name} was deleted.`, machine: name, json: { name } };
      }),
    );
}
