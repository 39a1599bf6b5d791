import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { notFound } from '../failure.ts';
import { explained } from '../help.ts';
import { asMember } from '../project/as-member.ts';
import { dateOf } from '../project/members.ts';
import type { Doing, Family } from '../program.ts';
import { parseIdentityName, parseProjectName } from '../values.ts';
import { listed } from './shared.ts';

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);
const projectOption = () => new Option('-p, --project-name <NAME>', 'the default project if left out').argParser(parseProjectName);

/** Tickets that can still be redeemed; their codes are known to nobody. Source: decisions.md D4, E6 */
export function projectTicketFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('list')
      .description('List the tickets that can still be redeemed, without their codes.')
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async ({ identity, projectName: project }) => {
          const tokens = await asMember(cli, { identity, project }, (authority) => authority.openTokens());
          const items = tokens.map(({ reference, issuedBy, createdAt, expiresAt, usesLeft, attributes }) => ({
            reference,
            issued_by: issuedBy,
            created_at: createdAt,
            expires_at: expiresAt,
            uses_left: usesLeft,
            attributes: Object.fromEntries(attributes),
          }));
          return listed(
            { title: 'Ticket', list: 'project-ticket list', items, nameOf: ({ reference }) => reference },
            ({ reference, issued_by, expires_at, uses_left, attributes }) =>
              [
                reference,
                `by ${issued_by}`,
                `until ${dateOf(expires_at)}, ${uses_left} uses left`,
                ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`),
              ].join('\n'),
          );
        }),
      ),
    { examples: ['project-ticket list'] },
  );

  explained(
    family
      .command('revoke')
      .description('Void a ticket that nobody shall redeem any more.')
      .argument('<REFERENCE>', 'as project-ticket list prints it')
      .addOption(identityOption())
      .addOption(projectOption())
      .action(
        doing(async (reference: string, { identity, projectName }) =>
          asMember(cli, { identity, project: projectName }, async (authority, { name: project }) => {
            const open = await authority.openTokens();
            if (!open.some((each) => each.reference === reference))
              throw notFound('Ticket', reference, `List them: ${cli.programName} project-ticket list`);
            await authority.revokeToken(reference);
            return { plain: `  ✔ Ticket ${reference} of project ${project} is void.`, machine: reference, json: { project, reference } };
          }),
        ),
      ),
    { examples: ['project-ticket revoke k3v0yq5tza'] },
  );
}
