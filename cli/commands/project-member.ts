import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { asMember } from '../project/as-member.ts';
import { grantedAttributes, isEnroller, memberJson, memberPlain, receiptPlain } from '../project/members.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { retried, retryOptions } from '../retry.ts';
import { parseAttribute, parseIdentifierText, parseIdentityName, parseProjectName, parseRelayOrAny, repeatable } from '../values.ts';
import { listed } from './shared.ts';

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);
const projectOption = () => new Option('-p, --project-name <NAME>', 'the default project if left out').argParser(parseProjectName);

export function projectMemberFamily(family: Family, cli: Cli, doing: Doing): void {
  const add = family
    .command('add')
    .description('Add a member, or replace its attributes.')
    .argument('<IDENTIFIER>', 'who', parseIdentifierText)
    .addOption(repeatable('-a, --attribute <KEY=VALUE>', 'what its credentials say', parseAttribute))
    .addOption(new Option('--relay <NAME>', 'the relay that it may make; * for any').argParser(parseRelayOrAny))
    .option('--enroller', 'it may make tickets, and add members')
    .option('--admin', 'it is an administrator')
    .addOption(identityOption())
    .addOption(projectOption())
    .action(
      doing(async (identifier, { attribute, relay, enroller, admin, identity, projectName, ...retries }) => {
        const attributes = grantedAttributes({ attribute, relay, enroller, admin });
        const project = await retried(cli, retries, () =>
          asMember(cli, { identity, project: projectName }, async (authority, { name }) => {
            await authority.addMember(identifier, attributes);
            return name;
          }),
        );
        return {
          plain: `  ✔ ${identifier} is a member of project ${project}.\n  > It gets its credential by: ${cli.programName} project enroll`,
          json: { project, identifier, attributes: Object.fromEntries(attributes) },
        };
      }),
    );
  for (const option of retryOptions()) add.addOption(option);
  explained(add, { examples: [`project-member add I${'0'.repeat(64)} --attribute role=dba --relay postgres`] });

  explained(
    family
      .command('list')
      .description('List the members.')
      .addOption(new Option('--enrollers', 'only those who may make tickets'))
      .addOption(new Option('--enroller').hideHelp())
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async ({ enrollers, enroller, identity, projectName: project }) => {
          const members = await asMember(cli, { identity, project }, (authority) => authority.members());
          const items = [...members]
            .filter(([, entry]) => (enrollers !== true && enroller !== true) || isEnroller(entry))
            .map(([identifier, entry]) => memberJson(identifier, entry));
          return listed({ title: 'Member', list: 'project-member list', items, nameOf: (each) => each.identifier }, memberPlain);
        }),
      ),
    { examples: ['project-member list'] },
  );

  explained(
    family
      .command('list-ids')
      .description('List the identifiers of the members.')
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async ({ identity, projectName: project }) => {
          const identifiers = await asMember(cli, { identity, project }, (authority) => authority.memberIds());
          const items = identifiers.map((identifier) => ({ identifier }));
          return listed(
            { title: 'Member', list: 'project-member list', items, nameOf: (each) => each.identifier },
            (each) => each.identifier,
          );
        }),
      ),
    { examples: ['project-member list-ids'] },
  );

  family
    .command('show')
    .description('Show a member.')
    .argument('<IDENTIFIER>', 'who', parseIdentifierText)
    .addOption(identityOption())
    .addOption(projectOption())
    .action(
      doing(async (identifier, { identity, projectName: project }) => {
        const entry = await asMember(cli, { identity, project }, async (authority) => (await authority.members()).get(identifier));
        if (entry === undefined) throw notFound('Member', identifier, `List them: ${cli.programName} project-member list`);
        const json = memberJson(identifier, entry);
        return { plain: memberPlain(json), json };
      }),
    );

  family
    .command('delete')
    .description('Remove a member: its tickets and credentials are void from now on.')
    .argument('[IDENTIFIER]', 'who', parseIdentifierText)
    .option('--all', 'everybody but who asks, and those who cannot be removed')
    .option('-y, --yes', 'do not ask')
    .addOption(identityOption())
    .addOption(projectOption())
    .action(
      doing(async (identifier, { all, yes = false, identity, projectName }) => {
        if ((identifier === undefined) === (all !== true)) throw usageError('Give either an IDENTIFIER or --all.');
        const given = { identity, project: projectName };
        if (identifier === undefined) {
          if (!(await confirmed(cli, 'Remove all members?', { yes: yes || !cli.mayPrompt }))) return { plain: '    Nothing was deleted.' };
          return asMember(cli, given, async (authority, { name: project }) => {
            const before = await authority.memberIds();
            await authority.removeAllMembers();
            const left = new Set(await authority.memberIds());
            const identifiers = before.filter((each) => !left.has(each));
            return { plain: `  ✔ ${identifiers.length} members of project ${project} were removed.`, json: { project, identifiers } };
          });
        }
        return asMember(cli, given, async (authority, { name: project }) => {
          const { wasMember, receipt } = await authority.removal(identifier);
          if (!wasMember) throw notFound('Member', identifier, `List them: ${cli.programName} project-member list`);
          return {
            plain: [`  ✔ ${identifier} is no member of project ${project} any more.`, ...receiptPlain(receipt)].join('\n'),
            json: { project, identifiers: [identifier] },
          };
        });
      }),
    );
}
