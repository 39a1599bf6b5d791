import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { decodeProjectJson, encodeProjectJson } from 'postern';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { knownFrom } from '../project/host-project.ts';
import { identifierOfHistory } from '../project/identifiers.ts';
import { projectKind, projectNamed } from '../project/known.ts';
import { refreshed } from '../project/refresh.ts';
import { projectJson, projectPlain } from '../project/shown.ts';
import type { Doing, Family } from '../program.ts';
import { parseIdentityName, parseProjectName } from '../values.ts';
import { VERSION } from '../version.ts';
import { hostVerbs } from './project-host.ts';
import { joinVerbs } from './project-join.ts';
import { revokeVerb } from './project-revoke.ts';
import { listed, shown } from './shared.ts';

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);

export function projectFamily(family: Family, cli: Cli, doing: Doing): void {
  hostVerbs(family, cli, doing);
  joinVerbs(family, cli, doing);
  revokeVerb(family, cli, doing);

  family
    .command('import')
    .description('Take in a project from its file; nobody is contacted.')
    .requiredOption('--project-file <FILE>', 'as project show --output json prints it')
    .action(
      doing(async ({ projectFile }) => {
        const path = resolve(cli.invocation.cwd, projectFile);
        const text = await readFile(path, 'utf8').catch((cause: unknown) => {
          throw new CommandError(EXIT.input, `The project cannot be read from ${path}.`, { cause });
        });
        const project = await knownFrom(cli, await checkedInformation(cli, text), { makesDefault: false });
        return { plain: `  ✔ Successfully imported project ${project.name}` };
      }),
    );

  explained(
    family
      .command('show')
      .alias('information')
      .description('Show a project, in a form that can be imported.')
      .argument('[NAME]', 'the default project if left out', parseProjectName)
      .addOption(identityOption())
      .action(
        doing(async (name: string | undefined, { identity }) =>
          shown(cli, await projectKind(cli), name, async (known) => {
            const project = await refreshed(cli, known, identity);
            return { plain: projectPlain(project), json: projectJson(project) };
          }),
        ),
      ),
    { examples: ['project show', 'project show --output json'] },
  );

  explained(
    family
      .command('list')
      .description('List the projects that this home knows.')
      .addOption(identityOption())
      .action(doing(async () => listed(await projectKind(cli), projectPlain, projectJson))),
    { examples: ['project list'] },
  );

  family
    .command('default')
    .description('Print the default project, or choose it.')
    .argument('[NAME]', '', parseProjectName)
    .action(
      doing(async (name: string | undefined) => {
        const project = await projectNamed(cli, name);
        if (name === undefined) return { plain: `    The default project is ${project.name}.`, machine: project.name };
        if (project.isDefault) throw new CommandError(EXIT.failure, `The project ${name} is already the default.`, { code: 'P409' });
        await knownFrom(cli, project.information, { makesDefault: true });
        return { plain: `  ✔ The default project is ${name}.`, machine: name };
      }),
    );

  family
    .command('version')
    .description('Print the version of the project software here.')
    .action(doing(() => Promise.resolve({ machine: VERSION, json: { version: VERSION, project_version: VERSION } })));

  family
    .command('addon', { hidden: true })
    .argument('[VERB...]', '')
    .allowUnknownOption()
    .action(doing(() => Promise.reject(usageError("'project addon' is not part of this version.", 'Nothing here takes its place.'))));
}

async function checkedInformation(cli: Cli, text: string): Promise<string> {
  const project = decodeProjectJson(text);
  if (project.identity !== undefined && project.projectChangeHistory !== undefined) {
    if ((await identifierOfHistory(cli, project.projectChangeHistory)) !== project.identity)
      throw new CommandError(EXIT.data, 'The identity of this project is not the one of its change history.');
  }
  return encodeProjectJson(project);
}
