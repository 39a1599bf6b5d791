import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { notFound } from '../failure.ts';
import { explained } from '../help.ts';
import { asMember } from '../project/as-member.ts';
import { ADMINISTRATOR, isAdministrator, memberJson, memberPlain, receiptPlain } from '../project/members.ts';
import type { Doing, Family } from '../program.ts';
import { parseIdentifierText, parseIdentityName, parseProjectName } from '../values.ts';
import { listed } from './shared.ts';

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);
const projectOption = () => new Option('-p, --project-name <NAME>', 'the default project if left out').argParser(parseProjectName);

/** Administrators of a hosted project, by identifier. Source: command-line.md 5.17, decisions.md D2 */
export function projectAdminFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('add')
      .description('Make somebody an administrator; attributes of a member stay.')
      .argument('<IDENTIFIER>', 'who', parseIdentifierText)
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async (identifier, { identity, projectName }) =>
          asMember(cli, { identity, project: projectName }, async (authority, { name: project }) => {
            const before = (await authority.members()).get(identifier)?.attributes ?? new Map<string, string>();
            const attributes = new Map([...before, ADMINISTRATOR]);
            await authority.addMember(identifier, attributes);
            return {
              plain: `  ✔ ${identifier} is an administrator of project ${project}.`,
              json: { project, identifier, attributes: Object.fromEntries(attributes) },
            };
          }),
        ),
      ),
    { examples: [`project-admin add I${'0'.repeat(64)}`] },
  );

  explained(
    family
      .command('list')
      .description('List the administrators.')
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async ({ identity, projectName: project }) => {
          const members = await asMember(cli, { identity, project }, (authority) => authority.members());
          const items = [...members].filter(([, entry]) => isAdministrator(entry)).map(([each, entry]) => memberJson(each, entry));
          return listed({ title: 'Administrator', list: 'project-admin list', items, nameOf: (each) => each.identifier }, memberPlain);
        }),
      ),
    { examples: ['project-admin list'] },
  );

  family
    .command('delete')
    .description('Take the role away; the member stays, and what its credentials said is void.')
    .argument('<IDENTIFIER>', 'who', parseIdentifierText)
    .addOption(identityOption())
    .addOption(projectOption())
    .action(
      doing(async (identifier, { identity, projectName }) =>
        asMember(cli, { identity, project: projectName }, async (authority, { name: project }) => {
          const entry = (await authority.members()).get(identifier);
          if (entry === undefined || !isAdministrator(entry))
            throw notFound('Administrator', identifier, `List them: ${cli.programName} project-admin list`);
          const attributes = new Map([...entry.attributes].filter(([name]) => name !== ADMINISTRATOR[0]));
          await authority.addMember(identifier, attributes);
          const receipt = await authority.revoke({ kind: 'subject', identifier });
          return {
            plain: [`  ✔ ${identifier} is no administrator of project ${project} any more.`, ...receiptPlain(receipt)].join('\n'),
            json: { project, identifier, attributes: Object.fromEntries(attributes) },
          };
        }),
      ),
    );
}
