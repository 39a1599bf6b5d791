import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { newestLog } from '../process/log-file.ts';
import { checkFree, hostDefaults } from '../project/create-hosted.ts';
import { enrollKnown } from '../project/enrollment.ts';
import { startProject, stopProject, writeHost } from '../project/host-project.ts';
import { projectNamed } from '../project/known.ts';
import { checkedPostgres } from '../project/postgres.ts';
import { runProject } from '../project/run-project.ts';
import { askProject, hostedNames, hostedProject, type HostSettings, projectFolder } from '../project/settings.ts';
import { projectJson } from '../project/shown.ts';
import { labelProject } from '../project/spaces.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { parseDuration, parseHostPort, parseIdentifierText, parseIdentityName, parseProjectName, repeatable } from '../values.ts';

const DEFAULT_NAME = 'default';
const ENROLL_MS = 240_000;

/** What is done where a project is hosted. Source: command-line.md 7.2 */
export function hostVerbs(family: Family, cli: Cli, doing: Doing): void {
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
      .option('--postgres <URL>', 'keep its state in PostgreSQL: a URL, a file that holds it, or "-"; several processes may share it')
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
          const postgres = options.postgres === undefined ? undefined : await checkedPostgres(cli, options.postgres);
          const settings = await hostSettingsFor(cli, name, { ...options, postgres, identifier: identity?.identifier });
          if (options.foreground === true) {
            await runProject(cli, name, { isBackground: false });
            return undefined;
          }
          const started = await startProject(cli, name, { makesDefault: true });
          const project = second === undefined || first === undefined ? started : await labelProject(cli, started, first);
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

  explained(
    family
      .command('admin-ticket')
      .description('Print a ticket that makes the first administrator of a project that is hosted here.')
      .argument('[NAME]', '', parseProjectName)
      .action(
        doing(async (given: string | undefined) => {
          if (cli.wantsJson) throw usageError('A ticket is one line of text: leave out --output json.');
          const name = given ?? DEFAULT_NAME;
          await hosting(cli, name);
          const { ticket, hasAdministrator } = await askProject(cli, name, 'administratorTicket', {});
          if (ticket === null)
            throw new CommandError(EXIT.failure, whyNoTicket(name, hasAdministrator), {
              code: 'P409',
              help: hasAdministrator
                ? `An administrator makes others: ${cli.programName} project ticket --admin`
                : 'It was printed, or written to the file of --admin-ticket. It is made anew when its 24 hours are over.',
            });
          cli.note('This ticket is a secret, and lives for 24 hours. Give it to the administrator, who runs: enroll TICKET');
          return { machine: ticket };
        }),
      ),
    {
      description:
        'For a project without an administrator (--no-enroll). There is one such ticket at a time, and none once there is an administrator.',
      examples: ['project admin-ticket'],
    },
  );

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

async function hosting(cli: Cli, name: string) {
  const hosted = await hostedProject(cli, name);
  if (hosted === undefined) throw notFound('Hosted project', name, `Begin one: ${cli.programName} project create ${name}`);
  return hosted;
}

function whyNoTicket(name: string, hasAdministrator: boolean): string {
  return hasAdministrator ? `Project ${name} has an administrator.` : `There is such a ticket for project ${name} already.`;
}

interface CreateOptions {
  readonly tcpListenerAddress?: string | undefined;
  readonly publicAddress?: string | undefined;
  readonly admin?: readonly string[] | undefined;
  readonly adminTicket?: string | undefined;
  readonly credentialTtl?: number | undefined;
  readonly httpServerPort?: string | undefined;
  readonly postgres?: string | undefined;
  readonly skipIsRunningCheck?: true | undefined;
  readonly identifier: string | undefined;
}

/** What was given now is stored; the rest is as it was. Source: command-line.md 7.2 */
async function hostSettingsFor(cli: Cli, name: string, options: CreateOptions): Promise<HostSettings> {
  const {
    tcpListenerAddress: listen,
    publicAddress,
    admin = [],
    adminTicket,
    credentialTtl,
    httpServerPort: http,
    postgres,
    identifier,
  } = options;
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
      ...(postgres !== undefined && { postgres }),
    },
    defaults,
    { ignoresRunning: options.skipIsRunningCheck === true },
  );
}
