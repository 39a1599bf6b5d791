import { readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { decodeProjectJson, encodeProjectJson, encodeTicket } from 'postern';
import type { KnownProject } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { newestLog } from '../process/log-file.ts';
import { asMember } from '../project/as-member.ts';
import { checkFree, hostDefaults } from '../project/create-hosted.ts';
import { enrollByTicket, enrollKnown, enrollmentPlain } from '../project/enrollment.ts';
import { knownFrom, startProject, stopProject, writeHost } from '../project/host-project.ts';
import { identifierOfHistory } from '../project/identifiers.ts';
import { runProject } from '../project/run-project.ts';
import { hostedNames, hostedProject, type HostSettings, projectFolder } from '../project/settings.ts';
import { projectJson, projectPlain } from '../project/shown.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { retried, retryOptions } from '../retry.ts';
import { ticketText } from '../ticket.ts';
import {
  parseCount,
  parseDuration,
  parseFlagAttribute,
  parseHostPort,
  parseIdentifierText,
  parseIdentityName,
  parseProjectName,
  parseRelayName,
  repeatable,
} from '../values.ts';
import { VERSION } from '../version.ts';
import { namedIdentity } from './identity.ts';
import { type Kind, listed, shown } from './shared.ts';

const DEFAULT_NAME = 'default';
const TICKET_LIFE_MS = 600_000;
const ENROLL_MS = 240_000;

async function projectKind(cli: Cli): Promise<Kind<KnownProject>> {
  const items = await (await cli.home()).state.projects.list();
  return { title: 'Project', list: 'project list', items, nameOf: ({ name }) => name, fallback: items.find(({ isDefault }) => isDefault) };
}

const identityOption = () => new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName);
const projectOption = () => new Option('--project <NAME>', 'the default project if left out').argParser(parseProjectName);

export function projectFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Begin a project on this machine, or start it again.')
      .argument('[SPACE_OR_NAME]', 'the name [default: default], or a label before it', parseProjectName)
      .argument('[NAME]', '', parseProjectName)
      .option('-t, --tcp-listener-address <HOST:PORT>', 'the only port it uses [default: 127.0.0.1:4000]', parseHostPort)
      .option('--public-address <HOST:PORT>', 'what goes into tickets; needed where it listens on every address', parseHostPort)
      .addOption(new Option('--identity <NAME>', 'becomes administrator; the default identity if left out').argParser(parseIdentityName))
      .addOption(repeatable('--admin <IDENTIFIER>', 'a further administrator', parseIdentifierText))
      .option('--admin-ticket <FILE>', 'write a ticket for an administrator elsewhere')
      .option('--no-enroll', 'make no identity of this home an administrator')
      .addOption(new Option('--credential-ttl <DURATION>', 'for how long credentials count [default: 1h]').argParser(parseDuration))
      .option('--project-file <FILE>', 'write the project as JSON')
      .option('--http-server-port <PORT>', 'serve HTTP for probes there', parseHostPort)
      .option('-f, --foreground', 'stay here until it ends')
      .option('-e, --exit-on-eof', 'end when standard input ends; needs --foreground')
      .option('-s, --skip-is-running-check', 'take over from one that seems to run')
      .addOption(new Option('--child-process').hideHelp())
      .action(
        doing(async (first: string | undefined, second: string | undefined, options) => {
          const name = second ?? first ?? DEFAULT_NAME;
          if (options.childProcess === true) {
            await runProject(cli, name, { isBackground: true });
            return undefined;
          }
          if (options.exitOnEof === true && options.foreground !== true) throw usageError('--exit-on-eof needs --foreground.');
          if (!options.enroll && options.admin === undefined && options.adminTicket === undefined)
            throw usageError('Without an administrator nobody can use a project: give --admin or --admin-ticket.');
          const identity = options.enroll ? await identityFor(cli, options.identity, { makes: false }) : undefined;
          const settings = await hostSettingsFor(cli, name, { ...options, identifier: identity?.identifier });
          if (options.foreground === true) {
            await runProject(cli, name, { isBackground: false });
            return undefined;
          }
          const project = await startProject(cli, name, { makesDefault: true });
          if (options.projectFile !== undefined)
            await writeFile(resolve(cli.invocation.cwd, options.projectFile), `${project.information}\n`);
          if (identity !== undefined) await enrollKnown(cli, identity, project, { timeoutMs: ENROLL_MS });
          return {
            plain: [
              `  ✔ Project ${project.name} runs at ${settings.listen}; its members dial ${String(projectJson(project)['access_address'])}.`,
              `  > Invite somebody: ${cli.programName} project ticket --attribute NAME=VALUE > FILE`,
            ].join('\n'),
            machine: project.id,
            json: projectJson(project),
          };
        }),
      ),
    {
      description: 'A project is a membership authority and a relay service behind one TCP port. Its members dial it; it dials nobody.',
      examples: ['project create', 'project create default --tcp-listener-address 0.0.0.0:4000 --public-address relay.example.com:4000'],
    },
  );

  const ticket = family
    .command('ticket')
    .description('Make a ticket that lets somebody join.')
    .addOption(identityOption())
    .addOption(projectOption())
    .addOption(repeatable('-a, --attribute <KEY=VALUE>', 'an attribute of whoever redeems it; a missing value is true', parseFlagAttribute))
    .addOption(new Option('--expires-in <DURATION>', 'how long it can be redeemed').argParser(parseDuration).default(TICKET_LIFE_MS, '10m'))
    .addOption(new Option('--usage-count <N>', 'how often it can be redeemed').argParser(parseCount).default(1))
    .addOption(
      new Option('--relay <NAME>', 'the relay that it allows; * for any').argParser((text) => (text === '*' ? text : parseRelayName(text))),
    )
    .option('--enroller', 'whoever redeems it may make tickets, too')
    .option('--admin', 'whoever redeems it is an administrator')
    .addOption(new Option('--tls').hideHelp())
    .action(
      doing(async ({ identity, project, attribute = [], expiresIn, usageCount, relay, enroller, admin, tls, ...retries }) => {
        if (cli.wantsJson) throw usageError('A ticket is one line of text: leave out --output json.');
        const attributes = new Map(attribute);
        if (relay !== undefined) attributes.set('ockam-relay', relay);
        if (enroller === true) attributes.set('ockam-role', 'enroller');
        if (admin === true) attributes.set('postern-role', 'administrator');
        if (tls === true) attributes.set('ockam-tls-certificate', 'true');
        const text = await retried(cli, retries, () =>
          asMember(cli, { identity, project }, async (authority, known) => {
            const code = await authority.createToken({ attributes, lifeSeconds: Math.ceil(expiresIn / 1_000), useCount: usageCount });
            return encodeTicket({ code, project: known.project });
          }),
        );
        cli.note('This ticket is a secret. Give it to whoever shall join, who runs: enroll TICKET');
        return { machine: text };
      }),
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
    .action(
      doing(async (given: string | undefined, { identity: identityName, project: projectName, timeout, okta, ...retries }) => {
        if (okta === true) throw usageError('--okta is not there yet.');
        const text = await ticketText(cli, given);
        const identity = await identityFor(cli, identityName, { makes: false });
        const enrolled = await retried(cli, retries, async () =>
          text === undefined
            ? enrollKnown(cli, identity, await projectNamed(cli, projectName), { timeoutMs: timeout })
            : enrollByTicket(cli, identity, text, { timeoutMs: timeout, makesDefault: false }),
        );
        if (enrolled.outcome === 'already-member') cli.note(`Identity ${identity.name} is a member already; the ticket was not used up.`);
        return {
          plain: enrollmentPlain(cli, enrolled),
          json: { identity: namedIdentity(enrolled.identity), project_name: enrolled.project.name, credential: enrolled.credential },
        };
      }),
    );
  for (const option of retryOptions()) enroll.addOption(option);

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
        doing(async (name: string | undefined) =>
          shown(cli, await projectKind(cli), name, (project) => ({ plain: projectPlain(project), json: projectJson(project) })),
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
    .command('start')
    .description('Start a project that is hosted here.')
    .argument('[NAME]', '', parseProjectName)
    .action(
      doing(async (given: string | undefined) => {
        const name = given ?? DEFAULT_NAME;
        const hosted = await hosting(cli, name);
        if (hosted.status === 'running') return { plain: `    Project ${name} is running already.`, machine: name };
        await startProject(cli, name);
        return { plain: `  ✔ Project ${name} was started.`, machine: name };
      }),
    );

  family
    .command('stop')
    .description('Stop a project that is hosted here.')
    .argument('[NAME]', '', parseProjectName)
    .action(
      doing(async (given: string | undefined) => {
        const name = given ?? DEFAULT_NAME;
        await hosting(cli, name);
        const ran = await stopProject(cli, name);
        return { plain: ran ? `  ✔ Project ${name} was stopped.` : `    Project ${name} is not running.`, machine: name };
      }),
    );

  family
    .command('logs')
    .description('Print the path of the newest log file of a project that is hosted here.')
    .argument('[NAME]', '', parseProjectName)
    .action(
      doing(async (given: string | undefined) => {
        const name = given ?? DEFAULT_NAME;
        await hosting(cli, name);
        const path = await newestLog(projectFolder(cli, name));
        if (path === undefined) throw new CommandError(EXIT.failure, `Project ${name} has no log file.`);
        return { machine: path, json: { path } };
      }),
    );

  family
    .command('delete')
    .description('Forget a project; one that is hosted here is deleted with all its members.')
    .argument('<SPACE_OR_NAME>', '', parseProjectName)
    .argument('[NAME]', '', parseProjectName)
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (first: string, second: string | undefined, { yes = false }) => {
        const name = second ?? first;
        const project = await projectNamed(cli, name);
        if (!(await confirmed(cli, `Forget project ${name}?`, { yes }))) return { plain: '    Nothing was deleted.' };
        if ((await hostedNames(cli)).includes(name)) {
          if (!(await confirmed(cli, `Project ${name} is hosted here: delete its members, keys and data, too?`, { yes })))
            return { plain: '    Nothing was deleted.' };
          await stopProject(cli, name);
          await rm(projectFolder(cli, name), { recursive: true, force: true });
        }
        await (await cli.home()).state.projects.remove(project.id);
        return { plain: `  ✔ Project ${name} was deleted.`, machine: name, json: { name } };
      }),
    );
}

/** @throws {CommandError} not found */
async function projectNamed(cli: Cli, name: string | undefined): Promise<KnownProject> {
  const { items } = await projectKind(cli);
  const found = items.find((each) => (name === undefined ? each.isDefault : each.name === name));
  if (found === undefined) throw notFound('Project', name ?? 'default', `Enroll: ${cli.programName} enroll TICKET`);
  return found;
}

async function hosting(cli: Cli, name: string) {
  const hosted = await hostedProject(cli, name);
  if (hosted === undefined) throw notFound('Hosted project', name, `Begin one: ${cli.programName} project create ${name}`);
  return hosted;
}

interface CreateOptions {
  readonly tcpListenerAddress?: string | undefined;
  readonly publicAddress?: string | undefined;
  readonly admin?: readonly string[] | undefined;
  readonly adminTicket?: string | undefined;
  readonly credentialTtl?: number | undefined;
  readonly httpServerPort?: string | undefined;
  readonly skipIsRunningCheck?: true | undefined;
  readonly identifier: string | undefined;
}

/** What was given now is stored; the rest is as it was. Source: command-line.md 7.2 */
async function hostSettingsFor(cli: Cli, name: string, options: CreateOptions): Promise<HostSettings> {
  const { tcpListenerAddress: listen, publicAddress, admin = [], adminTicket, credentialTtl, httpServerPort: http, identifier } = options;
  const hosted = await hostedProject(cli, name);
  const administrators = [
    ...new Set([...(hosted?.settings.administrators ?? []), ...admin, ...(identifier === undefined ? [] : [identifier])]),
  ];
  const defaults = hostDefaults(cli, name);
  if (hosted?.status !== 'running') await checkFree(cli, listen ?? hosted?.settings.listen ?? defaults.listen);
  return writeHost(
    cli,
    name,
    {
      administrators,
      ...(listen !== undefined && { listen }),
      ...(publicAddress !== undefined && { publicAddress }),
      ...(adminTicket !== undefined && { administratorTicket: resolve(cli.invocation.cwd, adminTicket) }),
      ...(credentialTtl !== undefined && { credentialLifeSeconds: Math.max(1, Math.floor(credentialTtl / 1_000)) }),
      ...(http !== undefined && { http }),
    },
    defaults,
    { ignoresRunning: options.skipIsRunningCheck === true },
  );
}

async function checkedInformation(cli: Cli, text: string): Promise<string> {
  const project = decodeProjectJson(text);
  if (project.identity !== undefined && project.projectChangeHistory !== undefined) {
    if ((await identifierOfHistory(cli, project.projectChangeHistory)) !== project.identity)
      throw new CommandError(EXIT.data, 'The identity of this project is not the one of its change history.');
  }
  return encodeProjectJson(project);
}
