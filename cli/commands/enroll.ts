import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, failureOf } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { enrollByTicket, enrollKnown, type Enrollment, enrollmentPlain, heldCredential } from '../project/enrollment.ts';
import { createHosted } from '../project/create-hosted.ts';
import type { Doing, Family } from '../program.ts';
import { projectJson } from '../project/shown.ts';
import { ticketText } from '../ticket.ts';
import { parseHostPort, parseIdentityName, parseProjectName } from '../values.ts';
import { namedIdentity } from './identity.ts';

const ENROLL_MS = 240_000;

export function enrollVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .argument('[TICKET]', 'path, "-", URL or hex [env: ENROLLMENT_TICKET]')
      .option('--identity <NAME>', 'the default identity if left out', parseIdentityName)
      .option('--project <NAME>', 'the default project if left out', parseProjectName)
      .option('--force', 'ask for a new credential even if one counts')
      .option('-t, --tcp-listener-address <HOST:PORT>', 'of a project that is begun here [default: 127.0.0.1:4000]', parseHostPort)
      .option('--public-address <HOST:PORT>', 'what goes into its tickets', parseHostPort)
      .addOption(new Option('--skip-resource-creation').hideHelp().conflicts('force'))
      .addOption(new Option('--authorization-code-flow').hideHelp())
      .action(
        doing(async (given: string | undefined, options) => {
          if (options.authorizationCodeFlow === true) cli.warn('--authorization-code-flow has no effect: there is no sign-in.');
          warnOnInterrupt(cli);
          const ticket = await ticketText(cli, given);
          const identity = await identityFor(cli, options.identity, { makes: false });
          const enrolled =
            ticket === undefined
              ? await withoutTicket(cli, identity, options)
              : await enrollByTicket(cli, identity, ticket, { timeoutMs: ENROLL_MS, makesDefault: true });
          return {
            plain: enrollmentPlain(cli, enrolled),
            machine: identity.identifier,
            json: { identity: namedIdentity(enrolled.identity), project: projectJson(enrolled.project), credential: enrolled.credential },
          };
        }),
      ),
    {
      description:
        'With a ticket, this home joins the project that made it. Without one and without a project, a project begins on this machine: an authority ' +
        'that knows the members, and a relay service where they meet, both behind one TCP port.',
      examples: ['enroll', 'enroll bank.ticket'],
    },
  );
}

interface EnrollOptions {
  readonly project?: string | undefined;
  readonly force?: true | undefined;
  readonly skipResourceCreation?: true | undefined;
  readonly tcpListenerAddress?: string | undefined;
  readonly publicAddress?: string | undefined;
}

/** Source: command-line.md 7.4 */
async function withoutTicket(cli: Cli, identity: Enrollment['identity'], options: EnrollOptions): Promise<Enrollment> {
  const home = await cli.home();
  const projects = await home.state.projects.list();
  const project = projects.find((each) => (options.project === undefined ? each.isDefault : each.name === options.project));
  if (project === undefined) {
    if (options.project !== undefined)
      throw new CommandError(EXIT.failure, `Project ${JSON.stringify(options.project)} was not found.`, { code: 'P404' });
    if (options.skipResourceCreation === true)
      throw new CommandError(EXIT.notPermitted, 'This home knows no project.', { help: 'Give a ticket.' });
    return createHosted(cli, { identity, listen: options.tcpListenerAddress, publicAddress: options.publicAddress, portMayChange: true });
  }
  const held = options.force === true ? undefined : await heldCredential(cli, await home.identity(identity), project);
  if (held !== undefined) return { identity, project, credential: held, outcome: 'already-member' };
  return enrollKnown(cli, identity, project, { timeoutMs: ENROLL_MS }).catch((thrown: unknown) => {
    const failure = failureOf(thrown);
    if (failure.exitCode !== EXIT.notPermitted) throw thrown;
    throw new CommandError(EXIT.notPermitted, `Identity ${identity.name} is no member of project ${project.name}.`, {
      cause: thrown,
      help: `Ask its administrator for a ticket (project ticket), then: ${cli.programName} enroll TICKET`,
    });
  });
}

/** The first Ctrl-C warns, the second one ends it. Source: command-line.md 8.2 */
function warnOnInterrupt(cli: Cli): void {
  let count = 0;
  const stop = cli.invocation.onSignal(() => {
    count += 1;
    if (count > 1) process.exit(EXIT.interrupted);
    cli.warn('Enrolling is in progress; press Ctrl-C again to stop.');
  });
  cli.atEnd(stop);
}
