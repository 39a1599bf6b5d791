import { Option } from '@commander-js/extra-typings';
import { encodeTicket } from 'postern';
import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { asMember } from '../project/as-member.ts';
import { enrollByTicket, enrollKnown, enrollmentPlain } from '../project/enrollment.ts';
import { projectNamed } from '../project/known.ts';
import { grantedAttributes } from '../project/members.ts';
import type { Doing, Family } from '../program.ts';
import { retried, retryOptions } from '../retry.ts';
import { ticketText } from '../ticket.ts';
import {
  parseCount,
  parseDuration,
  parseFlagAttribute,
  parseIdentityName,
  parseProjectName,
  parseRelayOrAny,
  repeatable,
} from '../values.ts';
import { namedIdentity } from './identity.ts';

const TICKET_LIFE_MS = 600_000;
const ENROLL_MS = 240_000;

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);
const projectOption = () => new Option('--project <NAME>', 'the default project if left out').argParser(parseProjectName);
const authorityIdentityOption = () =>
  new Option('--authority-identity <HEX>', 'another authority than the one of the project: its history');
const authorityRouteOption = () => new Option('--authority-route <ROUTE>', 'where that one is');
// Members keep their credential under a scope of their project.
const credentialScopeOption = () => new Option('--credential-scope <SCOPE>').hideHelp();

/** How somebody joins. Source: command-line.md 5.16 */
export function joinVerbs(family: Family, cli: Cli, doing: Doing): void {
  const ticket = family
    .command('ticket')
    .description('Make a ticket that lets somebody join.')
    .addOption(identityOption())
    .addOption(projectOption())
    .addOption(repeatable('-a, --attribute <KEY=VALUE>', 'an attribute of whoever redeems it; a missing value is true', parseFlagAttribute))
    .addOption(new Option('--expires-in <DURATION>', 'how long it can be redeemed').argParser(parseDuration).default(TICKET_LIFE_MS, '10m'))
    .addOption(new Option('--usage-count <N>', 'how often it can be redeemed').argParser(parseCount).default(1))
    .addOption(new Option('--relay <NAME>', 'the relay that it allows; * for any').argParser(parseRelayOrAny))
    .option('--enroller', 'whoever redeems it may make tickets, too')
    .option('--admin', 'whoever redeems it is an administrator')
    .addOption(new Option('--tls').hideHelp())
    .addOption(authorityIdentityOption())
    .addOption(authorityRouteOption())
    .addOption(credentialScopeOption())
    .action(
      doing(
        async ({
          identity,
          project,
          attribute,
          expiresIn,
          usageCount,
          relay,
          enroller,
          admin,
          tls,
          authorityIdentity,
          authorityRoute,
          credentialScope: _,
          ...retries
        }) => {
          if (cli.wantsJson) throw usageError('A ticket is one line of text: leave out --output json.');
          const attributes = grantedAttributes({ attribute, relay, enroller, admin });
          if (tls === true) attributes.set('ockam-tls-certificate', 'true');
          const text = await retried(cli, retries, () =>
            asMember(
              cli,
              { identity, project, authority: { history: authorityIdentity, route: authorityRoute } },
              async (authority, known) => {
                const code = await authority.createToken({ attributes, lifeSeconds: Math.ceil(expiresIn / 1_000), useCount: usageCount });
                warnOfLoopback(cli, known.project.accessRoute);
                return encodeTicket({ code, project: known.project });
              },
            ),
          );
          cli.note('This ticket is a secret. Give it to whoever shall join, who runs: enroll TICKET');
          return { machine: text };
        },
      ),
    );
  for (const option of retryOptions()) ticket.addOption(option);
  explained(ticket, {
    examples: ['project ticket --relay postgres --attribute postgres-outlet=true', 'project ticket --attribute postgres-inlet'],
  });

  const enroll = family
    .command('enroll')
    .description('Join a project by a ticket, or get a new credential of one.')
    .argument('[TICKET]', 'path, "-", URL or hex')
    .addOption(identityOption())
    .addOption(projectOption())
    .addOption(new Option('--timeout <DURATION>', 'for the whole').argParser(parseDuration).default(ENROLL_MS, '240s'))
    .addOption(new Option('--okta').hideHelp())
    .addOption(authorityIdentityOption())
    .addOption(authorityRouteOption())
    .addOption(credentialScopeOption())
    .action(
      doing(
        async (
          given: string | undefined,
          {
            identity: identityName,
            project: projectName,
            timeout,
            okta,
            authorityIdentity,
            authorityRoute,
            credentialScope: _,
            ...retries
          },
        ) => {
          if (okta === true) throw usageError('--okta is not there yet.');
          const text = await ticketText(cli, given);
          const identity = await identityFor(cli, identityName, { makes: false });
          const enrolled = await retried(cli, retries, async () =>
            text === undefined
              ? enrollKnown(cli, identity, await projectNamed(cli, projectName), {
                  timeoutMs: timeout,
                  authority: { history: authorityIdentity, route: authorityRoute },
                })
              : enrollByTicket(cli, identity, text, {
                  timeoutMs: timeout,
                  makesDefault: false,
                  authority: { history: authorityIdentity, route: authorityRoute },
                }),
          );
          if (enrolled.outcome === 'already-member') cli.note(`Identity ${identity.name} is a member already; the ticket was not used up.`);
          return {
            plain: enrollmentPlain(cli, enrolled),
            json: { identity: namedIdentity(enrolled.identity), project_name: enrolled.project.name, credential: enrolled.credential },
          };
        },
      ),
    );
  for (const option of retryOptions()) enroll.addOption(option);
}

/** Source: decisions.md E4 */
function warnOfLoopback(cli: Cli, accessRoute: string): void {
  if (/^\/(dnsaddr|ip4|ip6)\/(localhost|127\.\d+\.\d+\.\d+|::1)\//.test(accessRoute))
    cli.warn(
      `This ticket leads to this machine only: its project is dialled at loopback. For others: ${cli.programName} project create --tcp-listener-address 0.0.0.0:PORT --public-address HOST:PORT`,
    );
}
